package access_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/simshift/simshift/console/access"
)

// house is a guard with people, a clock and a log, and a few routes behind it.
type house struct {
	*access.Guard

	path    string
	tokens  map[string]string // by name
	people  []access.Holder
	log     notes
	now     time.Time
	handler http.Handler
	written int // how often the tokens file was: each writing is a second later
}

// notes are a log that several may write.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// loginForm stands for the login page.
const loginForm = "the login page: "

// newHouse has vera, a viewer, otto, an operator, and anna, an approver. Its clock stands still unless now is given.
func newHouse(t *testing.T, now func() time.Time, change ...func(*access.Config)) *house {
	t.Helper()
	h := &house{
		path: filepath.Join(t.TempDir(), "tokens"), tokens: make(map[string]string), now: time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC),
	}
	if now == nil {
		now = func() time.Time { return h.now }
	}
	for name, role := range map[string]access.Role{"vera": access.Viewer, "otto": access.Operator, "anna": access.Approver} {
		h.tokens[name] = access.NewToken()
		person := access.Person{Name: name, Role: role}
		h.people = append(h.people, access.Holder{Person: person, Digest: access.DigestOf(h.tokens[name])})
	}
	h.write(t, h.people)
	log := slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	keys, err := access.OpenKeyring(h.path, now, log)
	if err != nil {
		t.Fatal(err)
	}
	config := access.Config{Keys: keys, Now: now, Log: log, LoginPage: func(w http.ResponseWriter, _ *http.Request, status int, said string) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, loginForm+said)
	}}
	for _, do := range change {
		do(&config)
	}
	h.Guard = access.NewGuard(config)
	h.serve()
	return h
}

// serve puts routes behind the guard, beside those of a house.
func (h *house) serve(more ...access.Route) {
	who := func(w http.ResponseWriter, r *http.Request) {
		person, _ := access.PersonOf(r.Context())
		_, _ = io.WriteString(w, person.Name)
	}
	h.handler = h.Handler(append(append(h.Routes(), more...),
		access.Route{Method: http.MethodGet, Path: "/who/{identity}", Needs: access.Viewer, Handle: who},
		access.Route{Method: http.MethodPost, Path: "/api/v1/change", Needs: access.Operator, Handle: who},
	))
}

func (h *house) write(t *testing.T, people []access.Holder) {
	t.Helper()
	var text bytes.Buffer
	if err := access.WriteHolders(&text, people); err != nil {
		t.Fatal(err)
	}
	h.writeText(t, text.String())
}

func (h *house) writeText(t *testing.T, text string) {
	t.Helper()
	h.written++
	at := time.Unix(1e9+int64(h.written), 0) // whatever the file system's clock can tell apart
	if err := os.WriteFile(h.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(h.path, at, at); err != nil {
		t.Fatal(err)
	}
}

// without are the people but for one.
func (h *house) without(name string) (rest []access.Holder) {
	for _, one := range h.people {
		if one.Name != name {
			rest = append(rest, one)
		}
	}
	return rest
}

type change = func(*http.Request)

func (h *house) bearer(name string) change { return header("Authorization", "Bearer "+h.tokens[name]) }

func header(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }

func host(name string) change { return func(r *http.Request) { r.Host = name } }

func with(cookies []*http.Cookie) change {
	return func(r *http.Request) {
		for _, c := range cookies {
			r.AddCookie(c)
		}
	}
}

func newRequest(ctx context.Context, method, path, form string, changes ...change) *http.Request {
	r := httptest.NewRequestWithContext(ctx, method, "http://localhost:8080"+path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, do := range changes {
		do(r)
	}
	return r
}

func (h *house) ask(t *testing.T, method, path, form string, changes ...change) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, newRequest(t.Context(), method, path, form, changes...))
	return w
}

// login gives the cookies of a browser in which somebody logged in.
func (h *house) login(t *testing.T, name string) []*http.Cookie {
	t.Helper()
	w := h.ask(t, http.MethodPost, "/login", "token="+h.tokens[name])
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 {
		t.Fatalf("a login is answered %d with %d cookies", w.Code, len(cookies))
	}
	return cookies
}
