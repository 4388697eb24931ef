package pages

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/simshift/simshift/console/api"
)

// handler answers a request, or tells what is wrong with it.
type handler func(http.ResponseWriter, *http.Request) error

func (p *Pages) handle(page handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := page(w, r); err != nil {
			p.problem(w, r, err)
		}
	}
}

// problem is the page of what went wrong.
func (p *Pages) problem(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there any more
	}
	problem := api.ProblemOf(err)
	if problem.Status >= http.StatusInternalServerError {
		p.logger.WarnContext(r.Context(), "a page failed", "path", r.URL.Path, "error", err)
	}
	p.show(w, r, problem.Status, "problem", shell{Title: problem.Title, Body: problem})
}

// saidCookie carries what an act did over to the page that is shown next. A text in the address would let anybody put words
// into the console's mouth.
const saidCookie = "simshift-said"

// say leads on to a page after an act, and has it say what was done.
func (p *Pages) say(w http.ResponseWriter, r *http.Request, to, said string) {
	if len(said) > 1000 {
		said = said[:1000]
	}
	http.SetCookie(w, p.cookie(base64.RawURLEncoding.EncodeToString([]byte(said)), time.Minute))
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // within the house: a path of ours and an id of the desk's
}

func (p *Pages) cookie(value string, lasts time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure is set wherever there is TLS
		Name: saidCookie, Value: value, Path: "/", MaxAge: int(lasts / time.Second), HttpOnly: true, Secure: p.secure,
		SameSite: http.SameSiteStrictMode,
	}
}

// said takes what is to be said, once.
func (p *Pages) said(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(saidCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, p.cookie("", -time.Second))
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return ""
	}
	return string(text)
}
