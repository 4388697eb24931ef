package access

import (
	"log/slog"
	"net"
	"net/http"
	"time"
)

// answer remembers of a request what its end in the log tells.
type answer struct {
	http.ResponseWriter

	status int // 0 until it has begun
	who    string
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// named says whose request is answered.
func named(w http.ResponseWriter, p Person) {
	if a, ok := w.(*answer); ok {
		a.who = p.Name
	}
}

// note logs a request at its end, for whoever looks for a fault. It tells the route, never the path or the query: those hold
// devices.
func (g *Guard) note(a *answer, r *http.Request, began time.Time) {
	if !g.Log.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	g.Log.DebugContext(r.Context(), "a request to the console", "method", r.Method, "route", r.Pattern, "status", a.status,
		"took", g.Now().Sub(began), "who", a.who, "from", remoteHost(r))
}

// remoteHost is where a request comes from: the proxy's address where there is one, since anybody can write a header that
// says otherwise.
func remoteHost(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}
