package access_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
)

var page = header("Accept", "text/html,application/xhtml+xml")

func TestWithoutATokenAProgramIsToldWhatToSendAndABrowserCanLogIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	for _, path := range []string{"/who/x", "/api/v1/change", "/nothing/here"} {
		w := h.ask(t, http.MethodGet, path, "")
		var problem api.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusUnauthorized || w.Header().Get("Content-Type") != "application/problem+json" || problem.Hint == "" ||
			problem.Status != w.Code || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s is answered %d, %v: %s", path, w.Code, w.Header(), w.Body)
		}
	}
	if w := h.ask(t, http.MethodGet, "/who/x", "", page); w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Body.String(), loginForm) {
		t.Errorf("a browser is answered %d: %s", w.Code, w.Body)
	}
	if w := h.ask(t, http.MethodPost, "/api/v1/change", "", page); strings.Contains(w.Body.String(), loginForm) {
		t.Error("the API answers with a page")
	}
	basic := header("Authorization", "Basic "+h.tokens["anna"])
	if w := h.ask(t, http.MethodGet, "/who/x", "", basic, with(h.login(t, "anna"))); w.Code != http.StatusUnauthorized {
		t.Errorf("a wrong scheme beside a good cookie is answered %d", w.Code)
	}
}

// What is there and what is not looks the same to those without a token.
func TestOnlyWhoHasATokenLearnsWhatIsNoRoute(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	for _, c := range []struct {
		method, path string
		known        int
		allow        string
	}{
		{http.MethodGet, "/nothing/here", http.StatusNotFound, ""},
		{http.MethodGet, "/who/x", http.StatusOK, ""},
		{http.MethodHead, "/who/x", http.StatusOK, ""},
		{http.MethodDelete, "/who/x", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodGet, "/api/v1/change", http.StatusMethodNotAllowed, "POST"},
		{http.MethodOptions, "/api/v1/change", http.StatusMethodNotAllowed, "POST"},
	} {
		if w := h.ask(t, c.method, c.path, ""); w.Code != http.StatusUnauthorized || w.Header().Get("Allow") != "" {
			t.Errorf("%s %s without a token: %d, allowed %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
		if w := h.ask(t, c.method, c.path, "", h.bearer("vera")); w.Code != c.known || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s with a token: %d, allowed %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
	}
}

// A tokens file may hold a digest of zeros, as a place holder: nobody's request is taken for that person's.
func TestWhoShowsNothingIsNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.write(t, append(h.people, access.Holder{Person: access.Person{Name: "zero", Role: access.Approver}}))
	h.now = h.now.Add(2e9)
	for what, do := range map[string]change{
		"nothing": func(*http.Request) {}, "another scheme": header("Authorization", "Basic eDp5"),
		"an empty cookie": header("Cookie", "simshift="),
	} {
		if w := h.ask(t, http.MethodGet, "/who/x", "", do); w.Code != http.StatusUnauthorized {
			t.Errorf("%s is answered %d: %s", what, w.Code, w.Body)
		}
	}
}

func TestHeadersStandOnEveryAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.serve(access.Route{Method: http.MethodGet, Path: "/broken", Needs: access.Viewer, Handle: func(w http.ResponseWriter, _ *http.Request) {
		clear(w.Header())
		panic("broken")
	}})
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Permissions-Policy": "camera=(), geolocation=(), microphone=()",
	}
	for status, w := range map[int]*httptest.ResponseRecorder{
		http.StatusOK:                  h.ask(t, http.MethodGet, "/who/x", "", h.bearer("vera")),
		http.StatusUnauthorized:        h.ask(t, http.MethodGet, "/who/x", ""),
		http.StatusForbidden:           h.ask(t, http.MethodPost, "/api/v1/change", "", h.bearer("vera")),
		http.StatusNotFound:            h.ask(t, http.MethodGet, "/nothing", "", h.bearer("vera")),
		http.StatusMisdirectedRequest:  h.ask(t, http.MethodGet, "/who/x", "", host("evil.example")),
		http.StatusInternalServerError: h.ask(t, http.MethodGet, "/broken", "", h.bearer("vera")),
	} {
		if w.Code != status {
			t.Errorf("the answer is %d, not %d", w.Code, status)
		}
		for name, value := range want {
			if got := w.Header().Get(name); got != value {
				t.Errorf("with %d, %s is %q", status, name, got)
			}
		}
	}
}

func TestTheConsoleIsKnownByItsAddressesAndItsName(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil, func(c *access.Config) { c.Host = "simshift.example.com" })
	for name, known := range map[string]bool{
		"localhost": true, "LOCALHOST:8080": true, "127.0.0.1:8080": true, "[::1]:8080": true, "[::1]": true, "192.0.2.7": true,
		"Simshift.Example.com": true, "simshift.example.com:443": true,
		"": false, "rebound.example": false, "localhost.evil.example:8080": false, "127.0.0.1.evil.example": false,
		"simshift.example.com.": false,
	} {
		if w := h.ask(t, http.MethodGet, "/who/x", "", h.bearer("vera"), host(name)); (w.Code == http.StatusOK) != known {
			t.Errorf("as %q it is answered %d", name, w.Code)
		}
	}
}

func TestAnotherSiteDoesNothingWithABrowsersCookie(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	cookies := h.login(t, "otto")
	own, foreign := header("Sec-Fetch-Site", "same-origin"), header("Sec-Fetch-Site", "cross-site")
	if w := h.ask(t, http.MethodPost, "/api/v1/change", "", with(cookies), own); w.Body.String() != "otto" {
		t.Fatalf("the console's own page is answered %d: %s", w.Code, w.Body)
	}
	for what, from := range map[string]change{
		"Sec-Fetch-Site": foreign, "a sibling": header("Sec-Fetch-Site", "same-site"), "Origin": header("Origin", "http://localhost:9999"),
		"a sandbox": header("Origin", "null"),
	} {
		for _, path := range []string{"/api/v1/change", "/login", "/logout"} {
			if w := h.ask(t, http.MethodPost, path, "token="+h.tokens["vera"], with(cookies), from); w.Code != http.StatusForbidden {
				t.Errorf("a post to %s by %s is answered %d", path, what, w.Code)
			}
		}
	}
	if w := h.ask(t, http.MethodGet, "/who/x", "", with(cookies)); w.Body.String() != "otto" {
		t.Errorf("the session was ended or taken over from another site: %d %s", w.Code, w.Body)
	}
}

// A request that panics harms no other, and tells whoever asked nothing of the program.
func TestAFaultOfTheProgramIsAnAnswerOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.serve(
		access.Route{Method: http.MethodGet, Path: "/early", Needs: access.Viewer, Handle: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Disposition", "attachment")
			w.Header().Set("Content-Length", "1000000")
			panic("a fault inside")
		}},
		access.Route{Method: http.MethodGet, Path: "/late", Needs: access.Viewer, Handle: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "row 1\n")
			panic("a fault inside")
		}})
	w := h.ask(t, http.MethodGet, "/early", "", h.bearer("vera"))
	if w.Code != http.StatusInternalServerError || w.Header().Get("Content-Disposition") != "" || w.Header().Get("Content-Length") != "" ||
		strings.Contains(w.Body.String(), "inside") || strings.Contains(w.Body.String(), "goroutine") {
		t.Errorf("it is answered %d, %v: %s", w.Code, w.Header(), w.Body)
	}
	if !strings.Contains(h.log.String(), "a fault inside") {
		t.Error("the log does not tell of the fault")
	}

	server := httptest.NewServer(h.handler)
	defer server.Close()
	r := newRequest(t.Context(), http.MethodGet, "/late", "", h.bearer("vera"))
	r.URL.Host, r.RequestURI = server.Listener.Addr().String(), ""
	answer, err := server.Client().Do(r)
	if err != nil {
		return // broken off before a byte came: that looks whole to nobody
	}
	defer func() { _ = answer.Body.Close() }()
	if body, err := io.ReadAll(answer.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an answer that was cut off looks whole (%v): %s", err, body)
	}
}

func TestTheLogTellsOfRequestsButNeitherSecretsNorDevices(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	const identity = "89049032000001000000128454830237"
	cookies := h.login(t, "otto")
	h.ask(t, http.MethodGet, "/who/"+identity+"?q="+identity, "", with(cookies))
	h.ask(t, http.MethodGet, "/nothing/"+identity, "", h.bearer("vera"))
	h.ask(t, http.MethodGet, "/who/x", "", header("Authorization", "Bearer "+access.NewToken()))
	h.ask(t, http.MethodPost, "/login", "token="+identity)
	log := h.log.String()
	for _, secret := range []string{identity, h.tokens["otto"], h.tokens["vera"], cookies[0].Value, "simshift_"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %s:\n%s", secret, log)
		}
	}
	var told []string
	for line := range strings.Lines(log) {
		if _, what, found := strings.Cut(line, `"a request to the console" `); found {
			told = append(told, strings.TrimSpace(what))
		}
	}
	if diff := cmp.Diff([]string{
		`method=POST route="POST /login" status=303 took=0s who="" from=192.0.2.1`,
		`method=GET route="GET /who/{identity}" status=200 took=0s who=otto from=192.0.2.1`,
		`method=GET route="" status=404 took=0s who=vera from=192.0.2.1`,
		`method=GET route="GET /who/{identity}" status=401 took=0s who="" from=192.0.2.1`,
		`method=POST route="POST /login" status=401 took=0s who="" from=192.0.2.1`,
	}, told); diff != "" {
		t.Errorf("the log tells otherwise (-want +got):\n%s", diff)
	}
}
