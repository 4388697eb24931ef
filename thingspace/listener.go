package thingspace

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// ProfileService is the service whose listener gets the callbacks of profile actions.
const ProfileService = "DeviceProfileService"

// Listener is where the callbacks of one account and service go: the carrier keeps one URL for each. It never prints its
// password.
type Listener struct {
	Account  string `json:"account"`
	Service  string `json:"service"`
	URL      string `json:"url"`
	Username string `json:"-"` // which the carrier is to put into each callback; never filled by [Client.Listeners]
	Password string `json:"-"` // the same
}

// String tells account, service and URL.
func (l Listener) String() string { return fmt.Sprintf("%s of %s at %s", l.Service, l.Account, l.URL) }

// Format is String, whatever the verb: even %#v and %d must not print secrets.
func (l Listener) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, l.String()) }

// LogValue tells account, service and URL.
func (l Listener) LogValue() slog.Value {
	return slog.GroupValue(slog.String("account", l.Account), slog.String("service", l.Service), slog.String("url", l.URL))
}

// Listeners lists what is registered for the account. The carrier answers with the passwords in clear; they are dropped.
func (c *Client) Listeners(ctx context.Context, account string) ([]Listener, error) {
	what := call{op: "list listeners", method: http.MethodGet, path: callbacksPath(account)}
	got, fault := c.perform(ctx, what)
	if fault != nil {
		return nil, fault
	}
	found, ok := readListeners(got.body)
	if !ok {
		return nil, &Error{Op: what.op, Status: got.status, Message: "the answer is no list of listeners"}
	}
	listeners := make([]Listener, 0, len(found))
	for _, f := range found {
		listeners = append(listeners, Listener{Account: cmp.Or(f.Account, account), Service: cmp.Or(f.Service, f.Name), URL: f.URL})
	}
	return listeners, nil
}

// listed is a listener as the carrier lists it, without its secrets.
type listed struct {
	Account string `json:"accountName"`
	Service string `json:"serviceName"`
	Name    string `json:"name"` // as it is called when it is registered
	URL     string `json:"url"`
}

// readListeners takes a list in the forms it may come in: an array, an object that holds one, under whatever name, a single
// listener, or nothing at all.
func readListeners(body []byte) (found []listed, ok bool) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, true
	}
	if json.Unmarshal(body, &found) == nil {
		return found, true
	}
	var one listed
	if json.Unmarshal(body, &one) != nil {
		return nil, false
	}
	if one.URL != "" {
		return []listed{one}, true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return nil, false
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var some []listed
		if fields[name][0] != '[' || json.Unmarshal(fields[name], &some) != nil {
			continue
		}
		ok = true
		found = append(found, slices.DeleteFunc(some, func(l listed) bool { return l.URL == "" })...)
	}
	return found, ok || len(fields) == 0
}

// Register makes l the listener of its service for the account, in place of any other. l.Account is not looked at.
func (c *Client) Register(ctx context.Context, account string, l Listener) error {
	what := call{op: "register listener", method: http.MethodPost, path: callbacksPath(account), secret: l.Password}
	var err error
	what.body, err = json.Marshal(map[string]string{
		"name": l.Service, "url": l.URL, "username": l.Username, "password": l.Password,
	})
	if err != nil {
		return notSent(what, err)
	}
	if _, fault := c.perform(ctx, what); fault != nil {
		return fault
	}
	return nil
}

// Remove ends the callbacks of the service for the account.
func (c *Client) Remove(ctx context.Context, account, service string) error {
	path := callbacksPath(account) + "/name/" + url.PathEscape(service)
	if _, fault := c.perform(ctx, call{op: "remove listener", method: http.MethodDelete, path: path}); fault != nil {
		return fault
	}
	return nil
}

func callbacksPath(account string) string { return "/m2m/v1/callbacks/" + url.PathEscape(account) }
