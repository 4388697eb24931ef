package access_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/simshift/simshift/console/access"
)

func TestASessionEndsWhenItIsIdleOrOld(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	open := func(cookies []*http.Cookie) bool {
		return h.ask(t, http.MethodGet, "/who/x", "", with(cookies)).Code == http.StatusOK
	}
	idle := h.login(t, "vera")
	h.now = h.now.Add(2 * time.Hour)
	if !open(idle) {
		t.Error("a session ended after two hours")
	}
	h.now = h.now.Add(2*time.Hour + 1)
	if open(idle) {
		t.Error("a session goes on that nobody used for more than two hours")
	}
	busy := h.login(t, "vera")
	began := h.now
	for h.now.Sub(began) < 12*time.Hour {
		h.now = h.now.Add(time.Hour)
		if !open(busy) {
			t.Fatalf("a session in use ended after %v", h.now.Sub(began))
		}
	}
	h.now = h.now.Add(time.Minute)
	if open(busy) {
		t.Error("a session in use goes on for more than twelve hours")
	}
	// A token beside the cookie makes no old session young.
	forgotten := h.login(t, "vera")
	h.now = h.now.Add(3 * time.Hour)
	h.ask(t, http.MethodGet, "/who/x", "", with(forgotten), h.bearer("vera"))
	if open(forgotten) {
		t.Error("a session that was over is open again")
	}
}

func TestALogoutEndsTheSessionItself(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	cookies, other := h.login(t, "vera"), h.login(t, "vera")
	w := h.ask(t, http.MethodPost, "/logout", "", with(cookies))
	if taken := w.Result().Cookies(); w.Code != http.StatusSeeOther || len(taken) != 1 || taken[0].MaxAge >= 0 || taken[0].Value != "" {
		t.Errorf("a logout is answered %d, %v", w.Code, taken)
	}
	if w := h.ask(t, http.MethodGet, "/who/x", "", with(cookies)); w.Code != http.StatusUnauthorized {
		t.Errorf("the cookie is good after the logout: %d", w.Code)
	}
	if w := h.ask(t, http.MethodGet, "/who/x", "", with(other)); w.Code != http.StatusOK {
		t.Errorf("the session in another browser ended, too: %d", w.Code)
	}
}

func TestCookiesOverTLSAreThisHostsAlone(t *testing.T) {
	t.Parallel()
	for secure, name := range map[bool]string{false: "simshift", true: "__Host-simshift"} {
		h := newHouse(t, nil, func(c *access.Config) { c.Secure = secure })
		c := h.login(t, "vera")[0]
		if c.Name != name || c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("with TLS %v the cookie is %v", secure, c)
		}
	}
}

// Tokens that are nobody's are slowed down, and keep nobody out who has one.
func TestWrongTokensAreSlowedDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	tries, status := 0, http.StatusUnauthorized
	for ; status == http.StatusUnauthorized && tries < 1000; tries++ {
		status = h.ask(t, http.MethodPost, "/login", "token="+access.NewToken()).Code
	}
	if status != http.StatusTooManyRequests || tries > 100 {
		t.Fatalf("after %d wrong tokens at once the answer is %d", tries, status)
	}
	h.login(t, "vera")
	h.now = h.now.Add(time.Minute)
	if w := h.ask(t, http.MethodPost, "/login", "token="+access.NewToken()); w.Code != http.StatusUnauthorized {
		t.Errorf("a minute later it is answered %d", w.Code)
	}
}

func TestALoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	for next, want := range map[string]string{
		"/jobs/x?after=1": "/jobs/x?after=1", "": "/", "/login": "/", "https://evil.example": "/", "//evil.example": "/", "/\\evil.example": "/",
		"/%0d%0aX: y": "/",
	} {
		w := h.ask(t, http.MethodPost, "/login", "token="+h.tokens["vera"]+"&next="+next)
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("next=%s leads to %q", next, got)
		}
	}
}

// What is looked at for long, as a stream of events, ends with what allowed it; an act comes to its end.
func TestALookEndsWithTheTokenTheRoleOrTheSession(t *testing.T) {
	t.Parallel()
	for what, lose := range map[string]func(*testing.T, *house, []*http.Cookie){
		"the token is taken back": func(t *testing.T, h *house, _ []*http.Cookie) { h.write(t, h.without("otto")) },
		"the role is taken back": func(t *testing.T, h *house, _ []*http.Cookie) {
			viewer := access.Holder{Person: access.Person{Name: "otto", Role: access.Viewer}, Digest: access.DigestOf(h.tokens["otto"])}
			h.write(t, append(h.without("otto"), viewer))
		},
		"a logout": func(t *testing.T, h *house, cookies []*http.Cookie) {
			h.ask(t, http.MethodPost, "/logout", "", with(cookies))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, time.Now)
				release := make(chan struct{})
				last := func(_ http.ResponseWriter, r *http.Request) {
					select {
					case <-r.Context().Done():
					case <-release:
					}
				}
				h.serve(access.Route{Method: http.MethodGet, Path: "/events", Needs: access.Operator, Handle: last},
					access.Route{Method: http.MethodPost, Path: "/act", Needs: access.Operator, Handle: last})
				cookies := h.login(t, "otto")
				ended := make(chan string, 2)
				for _, method := range []string{http.MethodGet + " /events", http.MethodPost + " /act"} {
					go func() {
						verb, path, _ := strings.Cut(method, " ")
						h.handler.ServeHTTP(httptest.NewRecorder(), newRequest(t.Context(), verb, path, "", with(cookies)))
						ended <- method
					}()
				}
				time.Sleep(time.Hour) // of the bubble's clock
				if len(ended) != 0 {
					t.Fatalf("%s ended by itself", <-ended)
				}
				lose(t, h, cookies)
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if len(ended) != 1 {
					t.Fatalf("after three seconds %d of two requests ended", len(ended))
				}
				if first := <-ended; first != "GET /events" {
					t.Errorf("%s ended first", first)
				}
				close(release)
				<-ended
			})
		})
	}
}
