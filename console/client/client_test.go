package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/client"
	"github.com/simshift/simshift/jobs"
)

const token = "simshift_secret"

// Whatever answers, the error says what to do, and not the token.
func TestWhatIsWrongWithAServerIsTold(t *testing.T) {
	t.Parallel()
	problem := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, one := range map[string]struct {
		answer     http.HandlerFunc
		code       int
		says, hint string
	}{
		"no token": {problem(401, `{"detail":"this needs a token","code":2,"hint":"send a header"}`), api.Misuse,
			"needs a token", "--token-file"},
		"refused": {problem(409, `{"detail":"it has ended","code":4,"hint":"look at it"}`), api.Refused,
			"it has ended", "look at it"},
		"a kind that is not known": {problem(418, `{"detail":"a teapot"}`), api.Broken, "a teapot", ""},
		"a proxy's page": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>bad gateway", http.StatusBadGateway)
		}, api.Broken,
			"502 Bad Gateway", "not another program"},
		"another program": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, api.Broken,
			"not understood", "not another program"},
		"somewhere else": {http.RedirectHandler("/login", http.StatusFound).ServeHTTP, api.Broken, "302", "not another program"},
		"breaks off":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, api.Broken, "EOF", "simshift serve"},
	} {
		server := httptest.NewServer(one.answer)
		_, err := client.New(server.URL, token).Job(t.Context(), "x")
		server.Close()
		told := new(api.Failure)
		if !errors.As(err, &told) || told.Code != one.code {
			t.Errorf("%s: %+v", name, err)
			continue
		}
		if !strings.Contains(told.Error(), one.says) || !strings.Contains(told.Hint, one.hint) ||
			strings.Contains(told.Error()+told.Hint, token) {
			t.Errorf("%s: %v (%s)", name, told, told.Hint)
		}
	}
}

func TestAServerThatIsAwayIsNamed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := client.New(server.URL, token).Overview(t.Context())
	told := new(api.Failure)
	if !errors.As(err, &told) || !strings.Contains(told.Error(), server.URL) || !strings.Contains(told.Hint, "--server") {
		t.Errorf("%+v", err)
	}
}

// The token goes to the server that was named, and nowhere else.
func TestATokenIsNotCarriedElsewhere(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if _, err := client.New(server.URL, token).Overview(t.Context()); err == nil {
		t.Error("a redirection is no answer")
	}
}

func TestACertificateIsVerified(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked, with %q", r.Header.Get("Authorization"))
	}))
	defer server.Close()
	if _, err := client.New(server.URL, token).Overview(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of nobody's: %v", err)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"detail":"no job x","code":1}`))
	}))
	defer server.Close()
	if _, err := client.New(server.URL, token).Job(t.Context(), "x"); !errors.Is(err, jobs.ErrNotFound) || err.Error() != "no job x" {
		t.Errorf("%v", err)
	}
}
