package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/worker"
)

// door is the private listener as serve makes it, with a token for each role.
type door struct {
	*privateListener

	handler http.Handler
	tokens  map[access.Role]string
	deploy  *deployment
}

func newDoor(t *testing.T) *door {
	t.Helper()
	folder := t.TempDir()
	server := miniredis.RunT(t)
	d := &door{tokens: make(map[access.Role]string)}
	var people []access.Holder
	for _, role := range []access.Role{access.Viewer, access.Operator, access.Approver} {
		d.tokens[role] = access.NewToken()
		people = append(people, access.Holder{Person: access.Person{Name: role.String(), Role: role}, Digest: access.DigestOf(d.tokens[role])})
	}
	path := filepath.Join(folder, "tokens")
	if err := writeHolders(path, people); err != nil {
		t.Fatal(err)
	}
	env := &Env{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }, Now: time.Now, Flags: map[string]string{
		"CONSOLE_LISTEN": "127.0.0.1:0", "CONSOLE_TOKENS_FILE": path,
	}}
	d.deploy = wire(env, redis.NewClient(&redis.Options{Addr: server.Addr()}), newAnchor(time.Now), ratelimit.Limits{}, time.Second,
		slog.New(slog.DiscardHandler))
	t.Cleanup(d.deploy.Close)
	private, err := d.deploy.openConsole(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		private.uploads.close()
		_ = private.socket.Close()
	})
	d.privateListener, d.handler = private, private.console.Handler()
	return d
}

// placeholder is a part of a route's path that stands for something.
var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// request asks for a route.
func request(ctx context.Context, route access.Route, change ...func(*http.Request)) *http.Request {
	path := strings.TrimSuffix(placeholder.ReplaceAllString(route.Path, "x"), "{$}")
	r := httptest.NewRequestWithContext(ctx, route.Method, "http://127.0.0.1:8080"+path, strings.NewReader(""))
	r.Header.Set("Accept", "application/json")
	for _, do := range change {
		do(r)
	}
	return r
}

func (d *door) bearer(role access.Role) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+d.tokens[role]) }
}

func (d *door) answers(r *http.Request) int {
	w := httptest.NewRecorder()
	ctx, cancel := context.WithCancel(r.Context())
	cancel() // streams end at once; whoever is let in finds his request over
	d.handler.ServeHTTP(w, r.WithContext(ctx))
	return w.Code
}

// Every route there is, from the router itself: one that is added later is tried, too.
func TestNoRouteIsOpenToWhoMayNot(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	open := map[string]bool{"/login": true, "/logout": true, "/healthz": true, "/readyz": true}
	for _, route := range d.console.Routes() {
		name := route.Method + " " + route.Path
		if route.Needs == access.Anyone {
			if !open[route.Path] && !strings.HasPrefix(route.Path, "/static/") {
				t.Errorf("%s needs no token: is that meant? then enter it here", name)
			}
			continue
		}
		if got := d.answers(request(t.Context(), route)); got != http.StatusUnauthorized {
			t.Errorf("%s without a token is answered %d", name, got)
		}
		wrong := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access.NewToken()) }
		if got := d.answers(request(t.Context(), route, wrong)); got != http.StatusUnauthorized {
			t.Errorf("%s with nobody's token is answered %d", name, got)
		}
		if changes := route.Method != http.MethodGet; changes && route.Needs < access.Operator {
			t.Errorf("%s changes something, and a viewer may", name)
		}
		for role := access.Viewer; role <= access.Approver; role++ {
			got := d.answers(request(t.Context(), route, d.bearer(role)))
			if refused := got == http.StatusForbidden; refused != (role < route.Needs) || got == http.StatusUnauthorized {
				t.Errorf("%s is answered %d to the role %s, and needs %s", name, got, role, route.Needs)
			}
		}
	}
}

func TestOnlyAnApproverApproves(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	approvals := 0
	for _, route := range d.console.Routes() {
		if strings.Contains(route.Path, "approve") && route.Method == http.MethodPost {
			approvals++
			if route.Needs != access.Approver {
				t.Errorf("%s needs %s", route.Path, route.Needs)
			}
		}
	}
	if approvals == 0 {
		t.Error("there is no route for approving")
	}
}

func TestAnotherSiteChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for _, route := range d.console.Routes() {
		if route.Method == http.MethodGet {
			continue
		}
		for what, from := range map[string]func(*http.Request){
			"Sec-Fetch-Site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"Origin":         func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		} {
			if got := d.answers(request(t.Context(), route, d.bearer(access.Approver), from)); got != http.StatusForbidden {
				t.Errorf("%s %s from another site by %s is answered %d", route.Method, route.Path, what, got)
			}
		}
	}
}

func TestAnUnknownNameReachesNothing(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for _, route := range d.console.Routes() {
		named := func(r *http.Request) { r.Host = "rebound.example:8080" }
		if got := d.answers(request(t.Context(), route, d.bearer(access.Approver), named)); got != http.StatusMisdirectedRequest {
			t.Errorf("%s %s by another name is answered %d", route.Method, route.Path, got)
		}
	}
}

// The public listener knows none of the private paths, whoever asks.
func TestThePublicListenerAnswersNothingButCallbacks(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	socket, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	gate := &worker.Gate{Connections: 10, Now: time.Now, Log: d.deploy.log}
	go func() { ended <- gate.Serve(ctx, socket, worker.NewIntake(d.deploy.settler(), d.deploy.log)) }()
	for _, route := range d.console.Routes() {
		r := request(t.Context(), route, d.bearer(access.Approver))
		r.URL.Host, r.Host, r.RequestURI = socket.Addr().String(), "", ""
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusMethodNotAllowed || len(body) > 100 {
			t.Errorf("%s %s on the public listener is answered %s: %s", route.Method, route.Path, answer.Status, body)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWithoutTokensNothingIsOpenAndNoOtherAddressIsBound(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.deploy.env.Flags = map[string]string{"CONSOLE_LISTEN": "127.0.0.1:0"}
	private, err := d.deploy.openConsole(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer private.uploads.close()
	defer private.socket.Close()
	for _, route := range private.console.Routes() {
		w := httptest.NewRecorder()
		private.console.Handler().ServeHTTP(w, request(t.Context(), route, d.bearer(access.Approver)))
		if route.Needs != access.Anyone && w.Code != http.StatusUnauthorized {
			t.Errorf("%s %s is answered %d where nobody has a token", route.Method, route.Path, w.Code)
		}
	}
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0"} {
		d.deploy.env.Flags["CONSOLE_LISTEN"] = address
		if _, err := d.deploy.openConsole(t.Context()); ExitCode(err) != ExitUsage || !strings.Contains(Hint(err), "simshift tokens add") {
			t.Errorf("%s without tokens: %v (%s)", address, err, Hint(err))
		}
	}
}

func TestATokenThatIsTakenBackEndsWhatWasOpenedWithIt(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "tokens")
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	token := access.NewToken()
	dana := access.Holder{Person: access.Person{Name: "dana", Role: access.Operator}, Digest: access.DigestOf(token)}
	if err := writeHolders(path, []access.Holder{dana}); err != nil {
		t.Fatal(err)
	}
	keys, err := access.OpenKeyring(path, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	guard := access.NewGuard(access.Config{Keys: keys, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		LoginPage: func(w http.ResponseWriter, _ *http.Request, status int, message string) {
			http.Error(w, message, status)
		}})
	who := access.Route{Method: http.MethodGet, Path: "/who", Needs: access.Viewer, Handle: func(w http.ResponseWriter, r *http.Request) {
		person, _ := access.PersonOf(r.Context())
		_, _ = io.WriteString(w, person.Name)
	}}
	handler := guard.Handler(append(guard.Routes(), who))
	ask := func(method, path, form string, cookies []*http.Cookie) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	wrong := ask(http.MethodPost, "/login", "token="+access.NewToken(), nil)
	if wrong.Code != http.StatusUnauthorized || len(wrong.Result().Cookies()) != 0 {
		t.Fatalf("a wrong token: %d", wrong.Code)
	}
	login := ask(http.MethodPost, "/login", "next=//evil.example&token="+token, nil)
	session := login.Result().Cookies()
	if login.Code != http.StatusSeeOther || login.Header().Get("Location") != "/" || len(session) != 1 {
		t.Fatalf("a login is answered %d to %q", login.Code, login.Header().Get("Location"))
	}
	if c := session[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, token) {
		t.Errorf("the cookie is %v", c)
	}
	expect := func(what, name string) {
		t.Helper()
		w := ask(http.MethodGet, "/who", "", session)
		if got := w.Body.String(); (w.Code == http.StatusOK) != (name != "") || name != "" && got != name {
			t.Errorf("%s: %d %s, want %q", what, w.Code, got, name)
		}
	}
	expect("logged in", "dana")
	now = now.Add(time.Hour + 59*time.Minute)
	expect("within the idle time", "dana")

	if err := os.WriteFile(path, []byte("dana operator what is this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	expect("the file is broken", "dana")
	if err := writeHolders(path, nil); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	expect("the token was taken back", "")
	if err := writeHolders(path, []access.Holder{dana}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(3 * time.Hour)
	expect("too long idle", "")
}
