package worker

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// doorman turns away sources that are not allowed: at accept, before TLS, where the peer alone decides it, and else
// before the body is read. A flood of strangers does not become a flood of log lines.
type doorman struct {
	sources Sources
	now     func() time.Time
	log     *slog.Logger
	words   *rate.Limiter
}

func newDoorman(sources Sources, now func() time.Time, log *slog.Logger) *doorman {
	return &doorman{sources: sources, now: now, log: log, words: rate.NewLimiter(rate.Every(10*time.Second), 10)}
}

// refuse tells it in the log, not every time.
func (d *doorman) refuse(from, why string) {
	if d.words.AllowN(d.now(), 1) {
		d.log.Warn("refused before it was read", "from", from, "reason", why)
	}
}

// listener gives the connections of inner whose peers are not turned away at once.
func (d *doorman) listener(inner net.Listener) net.Listener { return &watched{inner, d} }

const notAllowed = "its address is not allowed"

type watched struct {
	net.Listener
	doorman *doorman
}

func (w *watched) Accept() (net.Conn, error) {
	for {
		conn, err := w.Listener.Accept()
		if err != nil || !w.doorman.sources.refuseAtOnce(addressOf(conn.RemoteAddr())) {
			return conn, err
		}
		w.doorman.refuse(conn.RemoteAddr().String(), notAllowed)
		_ = conn.Close()
	}
}

// handler lets next answer the sources that are allowed.
func (d *doorman) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if source, err := d.sources.of(r); err != nil {
			d.refuse(r.RemoteAddr, err.Error())
		} else if !d.sources.allow(source) {
			d.refuse(source.String(), notAllowed)
		} else {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusForbidden)
	})
}
