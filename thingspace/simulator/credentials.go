package simulator

import (
	"encoding/json"
	"net/http"
	"time"
)

// token is POST ts/v1/oauth2/token: client credentials, in the header or in the form.
func (s *Simulator) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		s.refused(w, tokenRefusal(http.StatusBadRequest, "invalid_request", "The form can not be read"))
		return
	}
	if !s.gate.client(r) {
		s.note(func(t *tally) { t.TokensRefused++ })
		s.journal.line(s.cfg.Now().UnixNano(), "token_refused")
		s.refused(w, tokenRefusal(http.StatusUnauthorized, "invalid_client", "Client Authentication failed."))
		return
	}
	if r.PostForm.Get("grant_type") != "client_credentials" {
		s.refused(w, tokenRefusal(http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant_type value"))
		return
	}
	token, left, fresh := s.gate.issue(s.mind.Load())
	if fresh {
		s.note(func(t *tally) { t.TokensIssued++ })
	}
	s.journal.line(s.cfg.Now().UnixNano(), "token_given", field{"fresh", fresh})
	w.Header().Set("Cache-Control", "no-store")
	s.wrote(writeJSON(w, struct {
		Token     string `json:"access_token"`
		Scope     string `json:"scope"`
		Type      string `json:"token_type"`
		ExpiresIn int64  `json:"expires_in"`
	}{token, "am_application_scope default", "Bearer", int64(left / time.Second)}))
}

// sessionBody is the answer to login and logout.
type sessionBody struct {
	Token string `json:"sessionToken"`
}

// login is POST m2m/v1/session/login. The codes of its refusals are not published.
func (s *Simulator) login(r *http.Request) (any, *refusal) {
	var given struct{ Username, Password string }
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
		return nil, refuseInput("RequestUndefined", "The request body is not valid JSON.")
	}
	session, result := s.gate.login(s.mind.Load(), given.Username, given.Password)
	s.bookLogin(result)
	switch result {
	case loginOK:
		return sessionBody{session}, nil
	case loginFailed:
		return nil, refuse(http.StatusUnauthorized, "REQUEST_FAILED.LoginFailed", "The user name or the password is wrong.")
	default:
		return nil, refuse(http.StatusUnauthorized, "REQUEST_FAILED.ContactLocked",
			"The contact record is locked after five failed logins. Ask Verizon support to unlock it.")
	}
}

func (s *Simulator) bookLogin(result loginResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := "login_ok"
	switch result {
	case loginOK:
		s.tally.LoginsOK++
	case loginFailed:
		s.tally.LoginsFailed++
		name = "login_failed"
	case loginLocks:
		s.tally.LoginsFailed++
		s.tally.Locked = true
		s.incident(Locked, eid{}, "", "five logins in a row failed")
		name = "login_locks"
	case loginLocked:
		s.tally.LoginsFailed++
		name = "login_locked"
	}
	s.journal.line(s.cfg.Now().UnixNano(), name)
}

// logout is POST m2m/v1/session/logout.
func (s *Simulator) logout(r *http.Request) (any, *refusal) {
	token := r.Header.Get("VZ-M2M-Token")
	s.gate.logout(token)
	return sessionBody{token}, nil
}

// ExpireSessions ends all sessions as if they had idled too long.
func (s *Simulator) ExpireSessions() { s.gate.expireSessions() }

// ExpireToken ends the bearer as if its life was over.
func (s *Simulator) ExpireToken() { s.gate.expireToken() }
