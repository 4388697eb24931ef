package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// postTimeout is how long a receiver may take for its answer.
const postTimeout = 15 * time.Second

// Webhook posts news to a URL.
type Webhook struct {
	url    *url.URL
	signer *standardwebhooks.Webhook // nil: it does not sign
	client *http.Client
	now    func() time.Time
}

// Errors of a webhook's settings. What was set is never repeated: it may be a secret.
var (
	ErrURL       = errors.New("not the URL of a webhook")
	ErrPlainHTTP = errors.New("plain http to another machine")
	ErrSecret    = errors.New("not whsec_ and 24 to 64 bytes in base64")
)

// NewWebhook makes a webhook. secret is "whsec_" and 24 to 64 bytes in base64; without one, nothing is signed. It fails with
// [ErrURL], [ErrPlainHTTP] or [ErrSecret].
func NewWebhook(address, secret string, now func() time.Time) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, ErrURL
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, ErrPlainHTTP
	}
	w := &Webhook{url: u, now: now, client: &http.Client{
		Timeout:   postTimeout,
		Transport: transport(),
		// A redirect could take the news to another host, and 301 to 303 would drop the body.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if secret == "" {
		return w, nil
	}
	text, found := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, ErrSecret
	}
	w.signer, err = standardwebhooks.NewWebhookRaw(key)
	return w, err
}

// transport is for news, which is rare: it keeps no connection, and reads no large answer.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Host is where the news goes. The rest of the URL may be a secret.
func (w *Webhook) Host() string { return w.url.Host }

// Signs tells whether a receiver can know that news is ours.
func (w *Webhook) Signs() bool { return w.signer != nil }

// Send posts one piece of news. An answer of 2xx is success, whatever its body.
func (w *Webhook) Send(ctx context.Context, news News) error {
	body, err := json.Marshal(news)
	if err != nil {
		return fmt.Errorf("notify %s: %w", w.Host(), err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("notify %s: %w", w.Host(), ErrURL)
	}
	at := w.now()
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "simshift")
	request.Header.Set(standardwebhooks.HeaderWebhookID, news.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	if w.signer != nil {
		signature, err := w.signer.Sign(news.ID, at, body)
		if err != nil {
			return fmt.Errorf("notify %s: %w", w.Host(), err)
		}
		request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	}
	response, err := w.client.Do(request)
	if err != nil {
		if whole, ok := errors.AsType[*url.Error](err); ok {
			err = whole.Err // without the URL
		}
		return fmt.Errorf("notify %s: %w", w.Host(), err)
	}
	_ = response.Body.Close() // unread: only the status counts
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("notify %s: answered %d", w.Host(), response.StatusCode)
	}
	return nil
}
