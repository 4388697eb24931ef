package app

import (
	"context"
	"fmt"
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

	"github.com/simshift/simshift/console"
	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/worker"
)

// door is the private listener as serve makes it, with a token for each role.
type door struct {
	*privateListener

	handler http.Handler
	tokens  map[access.Role]string
	cookies map[access.Role]*http.Cookie
	deploy  *deployment
}

func newDoor(t *testing.T) *door {
	t.Helper()
	return newDoorOn(t, miniredis.RunT(t).Addr())
}

func newDoorOn(t *testing.T, redisAddress string) *door {
	t.Helper()
	folder := t.TempDir()
	d := &door{tokens: make(map[access.Role]string), cookies: make(map[access.Role]*http.Cookie)}
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
	d.deploy = wire(env, redis.NewClient(&redis.Options{Addr: redisAddress}), newAnchor(time.Now), ratelimit.Limits{}, time.Second,
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
	d.login(t)
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

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// cookie is that of a browser in which somebody with the role logged in.
func (d *door) cookie(role access.Role) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(d.cookies[role]) }
}

// login logs somebody in with each role.
func (d *door) login(t *testing.T) {
	t.Helper()
	for role, token := range d.tokens {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:8080/login", strings.NewReader("token="+token))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		d.handler.ServeHTTP(w, r)
		cookies := w.Result().Cookies()
		if len(cookies) != 1 {
			t.Fatalf("a login is answered %d with %d cookies", w.Code, len(cookies))
		}
		d.cookies[role] = cookies[0]
	}
}

func (d *door) answers(r *http.Request) int {
	w := httptest.NewRecorder()
	ctx, cancel := context.WithCancel(r.Context())
	cancel() // streams end at once; whoever is let in finds his request over
	d.handler.ServeHTTP(w, r.WithContext(ctx))
	return w.Code
}

// openToAll are the paths that want no token. What else does is a hole.
var openToAll = map[string]bool{"/login": true, "/logout": true, "/healthz": true, "/readyz": true, "/static/{file}": true}

// hole tells how a route lets somebody in who may not.
func (d *door) hole(ctx context.Context, route access.Route) string {
	if route.Needs == access.Anyone {
		if !openToAll[route.Path] {
			return "needs no token: is that meant? then enter it in openToAll"
		}
		return ""
	}
	if route.Method != http.MethodGet && route.Needs < access.Operator {
		return "changes something, and a viewer may"
	}
	methods := []string{route.Method}
	if route.Method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	for _, method := range methods {
		for what, do := range map[string]func(*http.Request){
			"no token": func(*http.Request) {}, "nobody's token": header("Authorization", "Bearer "+access.NewToken()),
			"no Bearer": header("Authorization", "Basic "+d.tokens[access.Approver]), "nobody's cookie": header("Cookie", "simshift=ABC"),
			"a token in the query": func(r *http.Request) { r.URL.RawQuery = "token=" + d.tokens[access.Approver] },
		} {
			r := request(ctx, route, do)
			r.Method = method
			if got := d.answers(r); got != http.StatusUnauthorized {
				return fmt.Sprintf("by %s with %s is answered %d", method, what, got)
			}
		}
	}
	for role := access.Viewer; role <= access.Approver; role++ {
		for what, as := range map[string]func(*http.Request){"token": d.bearer(role), "cookie": d.cookie(role)} {
			got := d.answers(request(ctx, route, as))
			if refused := got == http.StatusForbidden; refused != (role < route.Needs) || got == http.StatusUnauthorized {
				return fmt.Sprintf("needs %s, and is answered %d to the %s of a person with the role %s", route.Needs, got, what, role)
			}
		}
	}
	return ""
}

// Every route there is, from the router itself: one that is added later is tried, too.
func TestNoRouteIsOpenToWhoMayNot(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for _, route := range d.console.Routes() {
		if hole := d.hole(t.Context(), route); hole != "" {
			t.Errorf("%s %s %s", route.Method, route.Path, hole)
		}
	}
}

// with is a door with no more than one route.
func (d *door) with(t *testing.T, route access.Route) *door {
	t.Helper()
	guard, err := d.deploy.guard("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opened := &door{tokens: d.tokens, cookies: make(map[access.Role]*http.Cookie)}
	opened.handler = console.New(console.Config{Guard: guard, Routes: []access.Route{route}, Log: d.deploy.log}).Handler()
	opened.login(t)
	return opened
}

// A route that is added with a hole does not get by, and one without is let by.
func TestAHoleIsFound(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	done := func(http.ResponseWriter, *http.Request) {}
	closed := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) } // whatever the role
	for route, sound := range map[*access.Route]bool{
		{Method: http.MethodGet, Path: "/new", Needs: access.Viewer, Handle: done}:        true,
		{Method: http.MethodPost, Path: "/new", Needs: access.Operator, Handle: done}:     true,
		{Method: http.MethodGet, Path: "/new", Needs: access.Anyone, Handle: done}:        false,
		{Method: http.MethodPost, Path: "/new", Needs: access.Anyone, Handle: done}:       false,
		{Method: http.MethodPost, Path: "/new", Needs: access.Viewer, Handle: done}:       false,
		{Method: http.MethodDelete, Path: "/new/{x}", Needs: access.Viewer, Handle: done}: false,
		{Method: http.MethodPost, Path: "/new", Needs: access.Operator, Handle: closed}:   false,
	} {
		opened := d.with(t, *route)
		if hole := opened.hole(t.Context(), *route); (hole == "") != sound {
			t.Errorf("%s %s, which needs %s: %q", route.Method, route.Path, route.Needs, hole)
		}
	}
	// Nor does one that the router answers without asking the guard.
	bare := *d
	bare.handler = http.HandlerFunc(done)
	for _, route := range d.console.Routes() {
		if route.Needs != access.Anyone && bare.hole(t.Context(), route) == "" {
			t.Errorf("nobody notices that %s %s is not guarded", route.Method, route.Path)
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
			"Sec-Fetch-Site": header("Sec-Fetch-Site", "cross-site"), "a sibling": header("Sec-Fetch-Site", "same-site"),
			"Origin": header("Origin", "https://evil.example"), "another port": header("Origin", "http://127.0.0.1:9999"),
		} {
			for who, as := range map[string]func(*http.Request){"cookie": d.cookie(access.Approver), "token": d.bearer(access.Approver)} {
				if got := d.answers(request(t.Context(), route, as, from)); got != http.StatusForbidden {
					t.Errorf("%s %s from another site (%s), with a %s, is answered %d", route.Method, route.Path, what, who, got)
				}
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

// An address that nobody chose may be taken, as by another serve: then there is no console. One that somebody chose may not.
func TestATakenAddressStopsOnlyWhoChoseIt(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	taken := d.socket.Addr().String()
	d.deploy.env.Flags = map[string]string{}
	if socket, err := d.deploy.consoleSocket(t.Context(), taken); socket != nil || err != nil {
		t.Errorf("nobody chose it: %v, %v", socket, err)
	}
	d.deploy.env.Flags["CONSOLE_LISTEN"] = taken
	_, err := d.deploy.consoleSocket(t.Context(), taken)
	if ExitCode(err) != ExitError || !strings.Contains(Hint(err), "SIMSHIFT_CONSOLE_LISTEN") {
		t.Errorf("somebody chose it: %v (%s)", err, Hint(err))
	}
}
