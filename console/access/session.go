package access

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

// How long a browser stays logged in, and how many at once.
const (
	sessionIdle = 2 * time.Hour
	sessionMost = 12 * time.Hour // a night
	sessions    = 10_000
)

// sessionKeeper remembers who is logged in with a browser. It is this process's alone: a browser that comes to another one
// logs in there. A cookie that holds no more than a random name can not be made from what is in the tokens file.
type sessionKeeper struct {
	now func() time.Time

	mu   sync.Mutex
	open map[Digest]session // by the digest of the cookie's value
}

type session struct {
	token  Digest // of the person who opened it: it ends with the token
	opened time.Time
	seen   time.Time
}

func (s session) over(now time.Time) bool {
	return now.Sub(s.seen) > sessionIdle || now.Sub(s.opened) > sessionMost
}

// begin opens a session and gives the cookie's value.
func (k *sessionKeeper) begin(token Digest) string {
	value := rand.Text()
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.open == nil || len(k.open) >= sessions {
		k.sweep(now)
	}
	k.open[DigestOf(value)] = session{token, now, now}
	return value
}

// sweep makes room: first what is over, then whatever.
func (k *sessionKeeper) sweep(now time.Time) {
	kept := make(map[Digest]session)
	for name, s := range k.open {
		if !s.over(now) && len(kept) < sessions/2 {
			kept[name] = s
		}
	}
	k.open = kept
}

// find gives the digest of the token that a session was opened with. It does not make the session any younger.
func (k *sessionKeeper) find(value string) (Digest, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name, now := DigestOf(value), k.now()
	s, known := k.open[name]
	if !known {
		return Digest{}, false
	}
	if s.over(now) {
		delete(k.open, name)
		return Digest{}, false
	}
	return s.token, true
}

// renew says that somebody asked for something in an open session.
func (k *sessionKeeper) renew(value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := DigestOf(value)
	if s, known := k.open[name]; known {
		s.seen = k.now()
		k.open[name] = s
	}
}

func (k *sessionKeeper) end(value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.open, DigestOf(value))
}

// cookieName has the prefix by which browsers take such a cookie over TLS only, and for this host only.
func cookieName(secure bool) string {
	if secure {
		return "__Host-simshift"
	}
	return "simshift"
}

// sessionOf is the value of a request's cookie, empty where there is none.
func sessionOf(r *http.Request, secure bool) string {
	c, err := r.Cookie(cookieName(secure))
	if err != nil {
		return ""
	}
	return c.Value
}

// cookie is that of a session; an empty value takes it back.
func cookie(value string, secure bool) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure is set wherever there is TLS
		Name: cookieName(secure), Value: value, Path: "/", Secure: secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		MaxAge: int(sessionMost.Seconds()),
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
