package simulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/simshift/simshift/thingspace/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "0000123456-00001"
	plan    = "Global 5GB"
)

// carrier is a simulator on a port, and a stranger's client of it: it knows the document and nothing else.
type carrier struct {
	t       *testing.T
	sim     *simulator.Simulator
	base    string
	bearer  string
	session string
	http    *http.Client
}

// open starts a carrier and logs in.
func open(t *testing.T, cfg simulator.Config) *carrier {
	t.Helper()
	c := openLocked(t, cfg)
	c.logIn()
	return c
}

// openLocked starts a carrier without logging in.
func openLocked(t *testing.T, cfg simulator.Config) *carrier {
	t.Helper()
	sim, err := simulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	sim.Start()
	server := httptest.NewServer(sim.Handler())
	transport := &http.Transport{}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
		server.Close()
	})
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second, CheckRedirect: noRedirect}
	return &carrier{t: t, sim: sim, base: server.URL + "/api", http: client}
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

// member reads a string member of the body's JSON, along a path.
func (r reply) member(t *testing.T, path ...string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(r.body), &value); err != nil {
		t.Fatalf("body %q: %v", r.body, err)
	}
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok {
			t.Fatalf("body %q has no %v", r.body, path)
		}
		value = object[name]
	}
	return fmt.Sprint(value)
}

// send makes a request with the carrier's present credentials.
func (c *carrier) send(method, path, body string) (reply, error) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if c.session != "" {
		r.Header.Set("VZ-M2M-Token", c.session)
	}
	return c.do(r)
}

func (c *carrier) do(r *http.Request) (reply, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	body, err := io.ReadAll(answer.Body)
	if closeErr := answer.Body.Close(); err == nil {
		err = closeErr
	}
	return reply{answer.StatusCode, answer.Header, string(body)}, err
}

// mustSend is send where an answer is expected.
func (c *carrier) mustSend(method, path, body string) reply {
	c.t.Helper()
	got, err := c.send(method, path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

// askToken asks for the bearer, the credentials encoded in the header.
func (c *carrier) askToken(key, secret, grant string) reply {
	c.t.Helper()
	return c.askTokenFor(grant, url.QueryEscape(key), url.QueryEscape(secret))
}

// askTokenRaw is askToken with the credentials as they are.
func (c *carrier) askTokenRaw(key, secret string) reply {
	c.t.Helper()
	return c.askTokenFor("client_credentials", key, secret)
}

func (c *carrier) askTokenFor(grant, key, secret string) reply {
	c.t.Helper()
	form := url.Values{"grant_type": {grant}}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+"/ts/v1/oauth2/token",
		strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(key, secret)
	got, err := c.do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

func (c *carrier) tryLogin(username, password string) reply {
	c.t.Helper()
	body := fmt.Sprintf(`{"username":%q,"password":%q}`, username, password)
	return c.mustSend(http.MethodPost, "/m2m/v1/session/login", body)
}

func (c *carrier) logIn() {
	c.t.Helper()
	c.bearer = c.askToken("key", "secret", "client_credentials").member(c.t, "access_token")
	c.session = c.tryLogin("user", "pass").member(c.t, "sessionToken")
}

// registerAt registers a listener for profile actions.
func (c *carrier) registerAt(account, address string) {
	c.t.Helper()
	body := fmt.Sprintf(`{"name":"DeviceProfileService","url":%q,"username":"listener","password":"s3cr\"et"}`, address)
	if got := c.mustSend(http.MethodPost, "/m2m/v1/callbacks/"+account, body); got.status != http.StatusOK {
		c.t.Fatalf("register: %+v", got)
	}
}

const enablePath = "/m2m/v1/devices/profile/actions/enable"

// enable sends devices and gives the request id of the accept.
func (c *carrier) enable(devices ...string) string {
	c.t.Helper()
	got := c.mustSend(http.MethodPost, enablePath, enableBody(account, plan, devices...))
	if got.status != http.StatusOK {
		c.t.Fatalf("enable: %+v", got)
	}
	return got.member(c.t, "requestId")
}

// settle waits until the carrier has nothing left to do.
func (c *carrier) settle() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	if err := c.sim.Settled(ctx); err != nil {
		c.t.Fatalf("the carrier does not settle: %v; %+v", err, c.sim.Book().Summary())
	}
}

func (c *carrier) device(id string) simulator.DeviceEntry {
	c.t.Helper()
	entry, known := c.sim.Book().Device(id)
	if !known {
		c.t.Fatalf("the book does not know %s", id)
	}
	return entry
}

// eid, iccid and imei make up the n-th device's identities; device words it for a request.
func eid(n int) string   { return fmt.Sprintf("89049032%024d", n) }
func iccid(n int) string { return fmt.Sprintf("89141390%012d", n) }
func imei(n int) string  { return fmt.Sprintf("49015420%07d", n) }

func device(n int) string { return deviceWith(eid(n), iccid(n), imei(n)) }

func deviceWith(eid, iccid, imei string) string {
	ids := fmt.Sprintf(`{"kind":"eid","id":%q},{"kind":"iccid","id":%q}`, eid, iccid)
	if imei != "" {
		ids += fmt.Sprintf(`,{"kind":"imei","id":%q}`, imei)
	}
	return `{"deviceIds":[` + ids + `]}`
}

func devices(from, to int) []string {
	var all []string
	for n := from; n < to; n++ {
		all = append(all, device(n))
	}
	return all
}

func enableBody(account, plan string, devices ...string) string {
	return fmt.Sprintf(`{"devices":[%s],"accountName":%q,"servicePlan":%q}`, strings.Join(devices, ","), account, plan)
}

// inbox is a listener that keeps what it gets.
type inbox struct {
	url    string
	server *httptest.Server

	mu     sync.Mutex
	answer func(n int, w http.ResponseWriter, r *http.Request) // of the n-th callback, from 1; nil: 204
	bodies []string
}

func listen(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *inbox {
	t.Helper()
	in := &inbox{answer: answer}
	in.server = httptest.NewServer(in)
	in.url = in.server.URL + "/callbacks/thingspace"
	t.Cleanup(in.server.Close)
	return in
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	in.mu.Lock()
	in.bodies = append(in.bodies, string(body))
	n := len(in.bodies)
	in.mu.Unlock()
	if in.answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	in.answer(n, w, r)
}

// callback is what a listener reads of a callback in the form of the document's example.
type callback struct {
	Username  string `json:"username"`
	Password  string `json:"password"`
	RequestID string `json:"requestId"`
	DeviceIDs []struct {
		Kind string `json:"kind"`
		ID   string `json:"id"`
	} `json:"deviceIds"`
	Response *struct {
		Profile struct {
			IDs    []any  `json:"deviceIdentifierCollection"`
			State  string `json:"state"`
			Status string `json:"profileStatus"`
			Role   string `json:"profileRole"`
		} `json:"deviceProfileResponse"`
	} `json:"deviceResponse"`
	Fault *struct {
		Code string `json:"faultcode"`
		Text string `json:"faultstring"`
	} `json:"faultResponse"`
	Status string `json:"status"`
	Count  int    `json:"callbackCount"`
	Most   int    `json:"maxCallbackThreshold"`
}

func (c callback) id(kind string) string {
	for _, id := range c.DeviceIDs {
		if strings.EqualFold(id.Kind, kind) {
			return id.ID
		}
	}
	return ""
}

// all gives what came, in order.
func (in *inbox) all(t *testing.T) []callback {
	t.Helper()
	var all []callback
	for _, body := range in.raw() {
		var one callback
		decoder := json.NewDecoder(bytes.NewReader([]byte(body)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&one); err != nil {
			t.Fatalf("callback %s: %v", body, err)
		}
		all = append(all, one)
	}
	return all
}

func (in *inbox) raw() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]string(nil), in.bodies...)
}

// jumpingClock is a clock that stands still but when told to jump.
type jumpingClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *jumpingClock {
	return &jumpingClock{now: time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)}
}

func (c *jumpingClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *jumpingClock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
