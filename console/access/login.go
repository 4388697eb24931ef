package access

import (
	"net/http"
	"strings"
)

// mostLogin is the largest body of a login.
const mostLogin = 4 << 10

// Routes are those by which a browser logs in and out.
func (g *Guard) Routes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/login", Needs: Anyone, Handle: func(w http.ResponseWriter, r *http.Request) {
			g.LoginPage(w, r, http.StatusOK, g.advice())
		}},
		{Method: http.MethodPost, Path: "/login", Needs: Anyone, Handle: g.login},
		{Method: http.MethodPost, Path: "/logout", Needs: Anyone, Handle: g.logout},
	}
}

// login takes a token for a session. Those that are nobody's are slowed down all together and never those that are right:
// 256 bits are not guessed, so this only spares the log, and locks nobody out.
func (g *Guard) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostLogin)
	token := strings.TrimSpace(r.PostFormValue("token"))
	person, digest, known := g.Keys.Find(token)
	if !known {
		if !g.wrong.AllowN(g.Now(), 1) {
			g.LoginPage(w, r, http.StatusTooManyRequests, "Too many wrong tokens were tried; try again in a minute.")
			return
		}
		g.Log.WarnContext(r.Context(), "a login with a token that is nobody's", "from", remoteHost(r))
		g.LoginPage(w, r, http.StatusUnauthorized, "This token is nobody's. It begins with simshift_ and is 52 characters long.")
		return
	}
	g.Log.InfoContext(r.Context(), "logged in", "who", person.Name, "from", remoteHost(r))
	http.SetCookie(w, cookie(g.sessions.begin(digest), g.Secure))
	http.Redirect(w, r, local(r.PostFormValue("next")), http.StatusSeeOther)
}

// local is a path of this listener: nothing that was sent takes a person anywhere else.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") || next == "/login" {
		return "/"
	}
	return next
}

func (g *Guard) logout(w http.ResponseWriter, r *http.Request) {
	g.sessions.end(sessionOf(r, g.Secure))
	http.SetCookie(w, cookie("", g.Secure))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
