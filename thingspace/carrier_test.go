package thingspace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(realRedis.Main(m)) }

const (
	tokenPath   = "/api/ts/v1/oauth2/token" // a path
	loginPath   = "/api/m2m/v1/session/login"
	enablePath  = "/api/m2m/v1/devices/profile/actions/enable"
	requestUUID = "d1f08526-5443-4054-9a29-4456490ea9f8"
)

// carrier is a server that does what each test tells it, and remembers what it was asked.
type carrier struct {
	*httptest.Server
	mu       sync.Mutex
	seen     []request
	handlers map[string]http.HandlerFunc
	issued   int
	sessions map[string]bool
}

type request struct {
	method, path, bearer, session string
	body                          []byte
}

// newCarrier grants every token and login, and accepts every enable.
func newCarrier(t *testing.T) *carrier {
	t.Helper()
	c := &carrier{handlers: map[string]http.HandlerFunc{}, sessions: map[string]bool{}}
	c.on(tokenPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"bearer-token-%d","token_type":"Bearer","expires_in":3600}`, c.next())
	})
	c.on(loginPath, func(w http.ResponseWriter, _ *http.Request) {
		token := fmt.Sprintf("session-token-%d", c.next())
		c.mu.Lock()
		c.sessions[token] = true
		c.mu.Unlock()
		_, _ = fmt.Fprintf(w, `{"sessionToken":%q}`, token)
	})
	c.on(enablePath, answering(http.StatusOK, `{"requestId":"`+requestUUID+`"}`))
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *carrier) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // broken off: not a request
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c.mu.Lock()
	c.seen = append(c.seen, request{
		r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("VZ-M2M-Token"), body,
	})
	handle := c.handlers[r.URL.Path]
	c.mu.Unlock()
	if handle == nil {
		http.NotFound(w, r)
		return
	}
	handle(w, r)
}

func (c *carrier) on(path string, handle http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handlers[path] = handle
}

func (c *carrier) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issued++
	return c.issued
}

// expireSessions makes enable refuse every session granted so far, as the carrier does.
func (c *carrier) expireSessions(status int) {
	c.mu.Lock()
	clear(c.sessions)
	c.mu.Unlock()
	c.on(enablePath, func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		alive := c.sessions[r.Header.Get("VZ-M2M-Token")]
		c.mu.Unlock()
		if !alive {
			answering(status, sessionExpired)(w, r)
			return
		}
		answering(http.StatusOK, `{"requestId":"`+requestUUID+`"}`)(w, r)
	})
}

const (
	sessionExpired = `{"errorCode":"UnifiedWebService.REQUEST_FAILED.SessionToken.Expired","errorMessage":"Session expired"}`
	bearerExpired  = `{"fault":{"code":"900901","message":"Invalid Credentials","description":"Access failure"}}` // words
)

// requests lists what came in on the path.
func (c *carrier) requests(path string) []request {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []request
	for _, r := range c.seen {
		if r.path == path {
			list = append(list, r)
		}
	}
	return list
}

// asked fails the test unless exactly so many tokens, logins and enables were asked for.
func (c *carrier) asked(t *testing.T, tokens, logins, enables int) {
	t.Helper()
	got := []int{len(c.requests(tokenPath)), len(c.requests(loginPath)), len(c.requests(enablePath))}
	if want := []int{tokens, logins, enables}; !slices.Equal(got, want) {
		t.Errorf("tokens, logins, enables asked for: %v, want %v", got, want)
	}
}

func answering(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// cutting breaks the connection without an answer.
func cutting(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// redisServer is one Redis for all clients of a test.
func redisServer(t *testing.T) *miniredis.Miniredis {
	t.Helper()
	return miniredis.RunT(t)
}

func storeIn(t *testing.T, server *miniredis.Miniredis) *SessionStore {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	return NewSessionStore(rdb)
}

func configFor(c *carrier) Config {
	return Config{
		BaseURL: c.URL + "/api", Key: "application-key", Secret: "application-secret",
		Username: "fleet-user", Password: "correct horse", Timeout: 5 * time.Second,
	}
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// newClient is a client of its own Redis, with a clock that stands at noon.
func newClient(t *testing.T, c *carrier) *Client {
	t.Helper()
	return New(configFor(c), storeIn(t, redisServer(t)), quietly(), WithClock(func() time.Time { return noon }))
}

func quietly() Option { return WithLogger(slog.New(slog.DiscardHandler)) }

func oneDevice() EnableRequest {
	return EnableRequest{Account: "0000123456-00001", Plan: "global plan", Devices: []DeviceID{{
		EID: "89049032123451234512345678901235", ICCID: "89141390780800784259", IMEI: "490154203237518",
	}}}
}

// enable makes one request and gives its failure, or nil.
func enable(t *testing.T, c *Client) *Error {
	t.Helper()
	_, err := c.Enable(context.Background(), oneDevice())
	return failure(t, err)
}

func failure(t *testing.T, err error) *Error {
	t.Helper()
	if err == nil {
		return nil
	}
	fault, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is no *Error: %v", err)
	}
	return fault
}

func mustEnable(t *testing.T, c *Client) {
	t.Helper()
	if fault := enable(t, c); fault != nil {
		t.Fatal(fault)
	}
}

func decode[T any](t *testing.T, data []byte) (v T) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

// holdsNoSecret fails the test if text holds any of the secrets that the carrier and the configuration of these tests have.
func holdsNoSecret(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{
		"application-key", "application-secret", "correct horse", "bearer-token", "session-token", "listener-password",
		"YXBwbGljYXRpb24ta2V5OmFwcGxpY2F0aW9uLXNlY3JldA==",
	} {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds the secret %q: %s", what, secret, text)
		}
	}
}
