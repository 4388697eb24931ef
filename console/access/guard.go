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
			g.admit(Route{Needs: Viewer, Handle: mux.ServeHTTP}).ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// frame is what holds for every request, whoever sends it.
func (g *Guard) frame(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header(), g.Secure)
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
		person, known := g.person(r)
		ctx := r.Context()
		if known {
			ctx = g.introduce(ctx, r, person)
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
		route.Handle(w, r.WithContext(ctx))
	})
}

// introduce says who acts, and from where.
func (g *Guard) introduce(ctx context.Context, r *http.Request, person Person) context.Context {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	return api.WithActor(WithPerson(ctx, person), api.Actor{Name: person.Name, From: from})
}

// person tells whose request it is: by its token, else by its session. A token that is wrong is not made good by a cookie.
func (g *Guard) person(r *http.Request) (Person, bool) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return Person{}, false
		}
		person, _, known := g.Keys.Find(strings.TrimSpace(token))
		return person, known
	}
	c, err := r.Cookie(cookieName(g.Secure))
	if err != nil {
		return Person{}, false
	}
	token, open := g.sessions.find(c.Value)
	if !open {
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

// recovered keeps a fault of one request from the others. [http.ErrAbortHandler] is how a handler breaks an answer off.
func (g *Guard) recovered(w http.ResponseWriter, r *http.Request) {
	fault := recover()
	if fault == nil {
		return
	}
	if fault == http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
		panic(fault)
	}
	g.Log.ErrorContext(r.Context(), "a request failed in the program itself: please report it", "method", r.Method,
		"fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
	g.refuse(w, r, http.StatusInternalServerError, "the program failed in this request", "the log of simshift serve tells more")
}
