package access

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/simshift/simshift/console/api"
)

// Config is what a guard goes by.
type Config struct {
	Keys *Keyring
	// Host is the name by which browsers know the listener, besides localhost and any address; empty: there is none. A page of
	// another site that makes its own name point here is refused by it (DNS rebinding).
	Host string
	// Secure tells that browsers reach the listener over TLS, here or at a proxy: cookies then go over TLS only.
	Secure bool
	// LoginPage writes the page on which a token is given.
	LoginPage func(w http.ResponseWriter, r *http.Request, status int, message string)
	Now       func() time.Time
	Log       *slog.Logger
}

// Guard stands before every route of the private listener.
type Guard struct {
	Config

	sessions sessionKeeper
	wrong    *rate.Limiter // of tokens that nobody has
	crossing *http.CrossOriginProtection
}

// NewGuard makes a guard.
func NewGuard(c Config) *Guard {
	return &Guard{
		Config: c, sessions: sessionKeeper{now: c.Now}, crossing: http.NewCrossOriginProtection(),
		wrong: rate.NewLimiter(10, 50),
	}
}

// Handler lets requests through to the routes, as far as they may. What is no route is answered so only to those who have a
// token.
func (g *Guard) Handler(routes []Route) http.Handler {
	mux := http.NewServeMux()
	for _, route := range routes {
		mux.Handle(route.Method+" "+route.Path, g.admit(route))
	}
	return g.frame(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			g.admit(Route{Needs: Viewer, Handle: func(w http.ResponseWriter, r *http.Request) {
				mux.ServeHTTP(&routerAnswer{ResponseWriter: w, guard: g, request: r}, r)
			}}).ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// routerAnswer puts the router's own errors, that there is no such path or method, into the words of all others.
type routerAnswer struct {
	http.ResponseWriter

	guard   *Guard
	request *http.Request
	refused bool
}

// WriteHeader takes the place of an error.
func (a *routerAnswer) WriteHeader(status int) {
	if status < http.StatusBadRequest {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.refused = true
	a.guard.refuse(a.ResponseWriter, a.request, status, fmt.Sprintf("there is no %s %s", a.request.Method, a.request.URL.Path),
		"GET /api/v1/openapi.json lists the paths of the API")
}

func (a *routerAnswer) Write(p []byte) (int, error) {
	if a.refused {
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

// frame is what holds for every request, whoever sends it.
func (g *Guard) frame(next http.Handler) http.Handler {
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		w := &answer{ResponseWriter: plain}
		setHeaders(w.Header(), g.Secure)
		defer g.note(w, r, g.Now())
		defer g.recovered(w, r)
		if !g.knowsHost(r.Host) {
			g.refuse(w, r, http.StatusMisdirectedRequest, "the console is not known by this name",
				"open it by the name in SIMSHIFT_CONSOLE_URL, or by its address")
			return
		}
		if err := g.crossing.Check(r); err != nil {
			g.refuse(w, r, http.StatusForbidden, "the request comes from another site", "do it from the console's own pages")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// contentPolicy lets a page use what the listener itself serves, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func setHeaders(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store") // what may be kept says so itself
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// knowsHost compares names only: a port tells nothing.
func (g *Guard) knowsHost(host string) bool {
	name := host
	if alone, _, err := net.SplitHostPort(host); err == nil {
		name = alone
	}
	name = strings.Trim(name, "[]")
	return net.ParseIP(name) != nil || strings.EqualFold(name, "localhost") || g.Host != "" && strings.EqualFold(name, g.Host)
}

// admit lets through who has the role.
func (g *Guard) admit(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := g.keyOf(r)
		person, known := g.person(shown)
		ctx := r.Context()
		if known {
			g.sessions.renew(shown.session)
			named(w, person)
			ctx = api.WithActor(WithPerson(ctx, person), api.Actor{Name: person.Name, From: remoteHost(r)})
		}
		switch {
		case route.Needs == Anyone:
		case !known:
			g.unknown(w, r)
			return
		case person.Role < route.Needs:
			g.refuse(w, r, http.StatusForbidden, fmt.Sprintf("%s has the role %s, and this needs %s", person.Name, person.Role, route.Needs),
				"ask somebody with that role, or have yours changed in the tokens file")
			return
		}
		if known && r.Method == http.MethodGet {
			var end func()
			ctx, end = g.whileAllowed(ctx, shown, route.Needs)
			defer end()
		}
		route.Handle(w, r.WithContext(ctx))
	})
}

// recheck is how often a look that lasts is asked anew whether it may go on.
const recheck = 2 * time.Second

// whileAllowed ends a look, as a stream of events, soon after whoever looks has lost the token, the role or the session. An
// act comes to its end: it was allowed when it began, and half of it helps nobody.
func (g *Guard) whileAllowed(ctx context.Context, shown key, needs Role) (looking context.Context, end func()) {
	looking, cancel := context.WithCancel(ctx)
	var look func()
	look = func() {
		if looking.Err() != nil {
			return
		}
		if person, known := g.person(shown); !known || person.Role < needs {
			cancel()
			return
		}
		time.AfterFunc(recheck, look)
	}
	first := time.AfterFunc(recheck, look)
	return looking, func() {
		first.Stop()
		cancel()
	}
}

// key is what a request shows: the digest of a token, or else the cookie of a session.
type key struct {
	token   Digest
	session string
}

// keyOf reads what a request shows. A token that is wrong is not made good by a cookie.
func (g *Guard) keyOf(r *http.Request) (k key) {
	if header := r.Header.Get("Authorization"); header != "" {
		if scheme, token, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "Bearer") {
			k.token = DigestOf(strings.TrimSpace(token))
		}
		return k
	}
	k.session = sessionOf(r, g.Secure)
	return k
}

// person tells whose key it is, now.
func (g *Guard) person(k key) (Person, bool) {
	token := k.token
	if k.session != "" {
		var open bool
		if token, open = g.sessions.find(k.session); !open {
			return Person{}, false
		}
	}
	if token == (Digest{}) { // whatever stands in the file: it is what shows nothing
		return Person{}, false
	}
	return g.Keys.holder(token)
}

// unknown answers who has no token: a browser with the login page, a program with what to do.
func (g *Guard) unknown(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="simshift"`)
	if isPage(r) {
		g.LoginPage(w, r, http.StatusUnauthorized, g.advice())
		return
	}
	hint := "send `Authorization: Bearer TOKEN`; `simshift tokens add NAME --role operator` makes a token"
	if r.Header.Get("Authorization") != "" {
		hint = "the token that was sent is nobody's: it may have been removed from the tokens file"
	}
	g.refuse(w, r, http.StatusUnauthorized, "this needs a token", hint)
}

// advice is for a listener on which nobody can log in.
func (g *Guard) advice() string {
	if g.Keys.Empty() {
		return "Nobody has a token yet. On the machine: simshift tokens add NAME --role operator, with SIMSHIFT_CONSOLE_TOKENS_FILE " +
			"naming the file for this process, too."
	}
	return ""
}

// isPage tells whether a person looks at the answer. Paths of the API and of programs are never pages.
func isPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/api/")
}

// refuse answers with problem details (RFC 9457), or for a browser in a plain line.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, status int, detail, hint string) {
	if isPage(r) {
		http.Error(w, detail+". To go on: "+hint+".", status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	code := api.Refused
	if status == http.StatusUnauthorized {
		code = api.Misuse
	}
	_ = json.NewEncoder(w).Encode(api.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Hint: hint, Code: code,
	})
}

// recovered keeps a fault of one request from the others. [http.ErrAbortHandler] is how a handler breaks an answer off: one
// that has begun must not look whole.
func (g *Guard) recovered(w *answer, r *http.Request) {
	fault := recover()
	if fault == nil {
		return
	}
	if fault == http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
		panic(fault)
	}
	g.Log.ErrorContext(r.Context(), "a request failed in the program itself: please report it", "method", r.Method,
		"route", r.Pattern, "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	clear(w.Header()) // those were for another answer
	setHeaders(w.Header(), g.Secure)
	g.refuse(w, r, http.StatusInternalServerError, "the program failed in this request", "the log of simshift serve tells more")
}
