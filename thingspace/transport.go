package thingspace

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// largestAnswer is how much of an answer is read, in bytes; the listing of many listeners is far below it.
const largestAnswer = 1 << 20

// newHTTPClient makes a client that opens one connection for each request and speaks HTTP/1.1.
//
// A kept connection that the carrier closes just as a POST goes out would leave that POST in doubt, for nothing: there are
// a few requests a second at most, and a batch is a megabyte. It also leaves net/http nothing to retry on
// (Transport's shouldRetryRequest wants a reused connection).
func newHTTPClient() *http.Client {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives:      true,
			Protocols:              &protocols,
		},
		// A redirect is an answer, never followed: the request bears credentials, and a POST would be sent twice.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call is one request to the carrier.
type call struct {
	probe  string // the path of a GET without content, which tells whether the session lives; empty: there is none
	op     string // what it is for, as [Error] names it
	method string
	path   string // below the base URL
	body   []byte // JSON, or nil
	secret string // one in the body, which no error may repeat

	again func(ctx context.Context) error // asked before it is sent a second time; nil: it goes at once
}

// answer is what came back, whatever its status.
type answer struct {
	status     int
	body       []byte
	retryAfter time.Duration
	cut        error // why the body could not be read to its end
}

// send makes the call once, with these credentials, and gives the carrier's answer or an error that says whether the
// request can have been executed. It never sends twice.
func (c *Client) send(ctx context.Context, what call, bearer, session string) (answer, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	body := &outgoing{rest: bytes.NewReader(what.body)}
	req, err := c.request(ctx, what, body, bearer, session)
	if err != nil {
		return answer{}, &Error{Op: what.op, Outcome: NotExecuted, Err: err}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, &Error{Op: what.op, Outcome: body.fate(), Err: plain(err)}
	}
	defer func() { _ = resp.Body.Close() }()
	got := answer{status: resp.StatusCode, retryAfter: retryAfter(resp.Header.Get("Retry-After"), c.now())}
	got.body, err = io.ReadAll(io.LimitReader(resp.Body, largestAnswer+1))
	switch {
	case err != nil:
		got.cut = plain(err)
	case len(got.body) > largestAnswer:
		got.cut = fmt.Errorf("the answer is larger than %d bytes", largestAnswer)
	}
	return got, nil
}

func (c *Client) request(
	ctx context.Context, what call, body *outgoing, bearer, session string,
) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, what.method, c.cfg.BaseURL+what.path, nil)
	if err != nil {
		return nil, errors.New("SIMSHIFT_THINGSPACE_URL is no URL: set it to something like " + DefaultBaseURL)
	}
	if what.body != nil {
		// GetBody stays nil: with it, net/http may send the body a second time.
		req.Body, req.ContentLength = body, int64(len(what.body))
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "simshift")
	req.Header.Set("Authorization", "Bearer "+bearer)
	if session != "" {
		req.Header.Set("VZ-M2M-Token", session)
	}
	return req, nil
}

// failure turns an answer that is no success into an error.
func (c *Client) failure(what call, got answer, secrets ...string) *Error {
	secrets = append(secrets, c.cfg.Password, c.cfg.Secret, c.cfg.Key, what.secret,
		base64.StdEncoding.EncodeToString([]byte(c.cfg.Key+":"+c.cfg.Secret)))
	found := readProblem(got.body, secrets)
	e := &Error{
		Op: what.op, Status: got.status, Code: found.code, Message: found.message,
		RetryAfter: got.retryAfter, Outcome: outcome(got.status, found.code), Err: got.cut,
	}
	if got.cut != nil && e.Outcome == Refused {
		e.Outcome = Unknown // the reason was cut off: it may have been none of the content's
	}
	if e.Outcome == Misdirected || got.status/100 == 3 {
		e.Err = errors.Join(e.Err, errMisdirected)
	}
	return e
}

var errMisdirected = errors.New("check SIMSHIFT_THINGSPACE_URL, and that the application (key) may use this API")

// plain takes the URL out of a network error: it adds nothing, and lines get long.
func plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// outgoing is the body of a request, which knows whether any of it can have been sent. net/http reads a body only to write
// it to the connection, so one that was never read was never sent, and a request without its body is never executed.
type outgoing struct {
	rest  *bytes.Reader
	state atomic.Int32
}

const (
	untouched int32 = iota
	taken
	sealed
)

func (o *outgoing) Read(p []byte) (int, error) {
	if !o.state.CompareAndSwap(untouched, taken) && o.state.Load() == sealed {
		return 0, errors.New("the request was given up before it was sent")
	}
	return o.rest.Read(p)
}

// Close does nothing: there is nothing to release.
func (o *outgoing) Close() error { return nil }

// fate is what is known of a request that got no answer. It also seals an untouched body: the goroutine of net/http that
// writes it may still be running, and must not send anything once NotExecuted was said.
func (o *outgoing) fate() Outcome {
	if o.rest.Size() > 0 && (o.state.CompareAndSwap(untouched, sealed) || o.state.Load() == sealed) {
		return NotExecuted
	}
	return Unknown
}
