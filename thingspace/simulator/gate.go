package simulator

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	loginsToLock = 5      // failed logins in a row that lock the contact record
	keptSessions = 10_000 // from here on dead sessions are forgotten, and then count as made up
)

// gate keeps the credentials: the bearer, the sessions, the lock.
type gate struct {
	key, secret, username, password string
	now                             func() time.Time
	newID                           func() string

	mu         sync.Mutex
	token      string
	tokenUntil time.Time
	sessions   map[string]time.Time // by token: when it was last used; the zero time is an ended one
	failures   int                  // failed logins in a row
	locked     bool
	complaints int // session errors so far
}

func newGate(cfg Config) *gate {
	return &gate{
		key: cfg.Key, secret: cfg.Secret, username: cfg.Username, password: cfg.Password,
		now: cfg.Now, newID: cfg.NewID,
		sessions: make(map[string]time.Time),
	}
}

// issue gives the bearer: the same one until its life is over. fresh tells that it is a new one.
func (g *gate) issue(m *mind) (token string, left time.Duration, fresh bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if g.token == "" || !now.Before(g.tokenUntil) {
		g.token, g.tokenUntil, fresh = g.newID(), now.Add(m.TokenLife), true
	}
	if m.TokenOverstated {
		return g.token, m.TokenLife, fresh
	}
	return g.token, g.tokenUntil.Sub(now), fresh
}

// client tells whether a request whose form was parsed carries the OAuth client's key and secret. In the header both
// are form-encoded (RFC 6749, section 2.3.1), but many clients send them as they are: either will do.
func (g *gate) client(r *http.Request) bool {
	key, secret, given := r.BasicAuth()
	if !given {
		return same(r.PostForm.Get("client_id"), g.key) && same(r.PostForm.Get("client_secret"), g.secret)
	}
	if same(key, g.key) && same(secret, g.secret) {
		return true
	}
	plainKey, keyErr := url.QueryUnescape(key)
	plainSecret, secretErr := url.QueryUnescape(secret)
	return keyErr == nil && secretErr == nil && same(plainKey, g.key) && same(plainSecret, g.secret)
}

// checkBearer judges the Authorization header.
func (g *gate) checkBearer(header string) *refusal {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return missingBearer
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.token == "" || !same(token, g.token) || !g.now().Before(g.tokenUntil) {
		return wrongBearer
	}
	return nil
}

// login judges a user name and a password. After five failures in a row the contact record is locked, and no password
// is right any more.
func (g *gate) login(m *mind, username, password string) (session string, result loginResult) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.locked {
		return "", loginLocked
	}
	if m.RefuseLogins || !same(username, g.username) || !same(password, g.password) {
		if g.failures++; g.failures >= loginsToLock {
			g.locked = true
			return "", loginLocks
		}
		return "", loginFailed
	}
	g.failures = 0
	if m.OneSession {
		g.endAll()
	}
	g.forgetDead(m)
	session = g.newID()
	g.sessions[session] = g.now()
	return session, loginOK
}

type loginResult uint8

const (
	loginOK     loginResult = iota
	loginFailed             // wrong
	loginLocks              // wrong, and that locked the contact record
	loginLocked             // not looked at: the record was locked before
)

// checkSession judges the VZ-M2M-Token header, and keeps a good session alive.
func (g *gate) checkSession(m *mind, token string) *refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	used, known := g.sessions[token]
	switch {
	case token == "":
		return g.complain(m, "Format", "The VZ-M2M-Token header is missing.")
	case !known:
		return g.complain(m, "Invalid", "The session token is not valid.")
	case used.IsZero() || g.now().Sub(used) >= m.SessionLife:
		g.sessions[token] = time.Time{}
		return g.complain(m, "Expired", "The session token has expired.")
	}
	g.sessions[token] = g.now()
	return nil
}

// complain words a session error, with the status that the mood has for it. It needs the lock.
func (g *gate) complain(m *mind, name, message string) *refusal {
	g.complaints++
	status := m.SessionStatus
	if status == 0 {
		status = 400 + (g.complaints+1)%2 // 400 and 401 in turn: both were seen
	}
	return refuse(status, "REQUEST_FAILED.SessionToken."+name, message)
}

// logout ends one session.
func (g *gate) logout(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sessions, token)
}

// expireSessions ends all sessions as if they had idled too long.
func (g *gate) expireSessions() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.endAll()
}

// expireToken ends the bearer as if its life was over.
func (g *gate) expireToken() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokenUntil = time.Time{}
}

func (g *gate) endAll() {
	for token := range g.sessions {
		g.sessions[token] = time.Time{}
	}
}

// forgetDead makes room where a client logs in without end.
func (g *gate) forgetDead(m *mind) {
	if len(g.sessions) < keptSessions {
		return
	}
	for token, used := range g.sessions {
		if used.IsZero() || g.now().Sub(used) >= m.SessionLife {
			delete(g.sessions, token)
		}
	}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
