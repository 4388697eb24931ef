// Package pages is the console that people look at: server-rendered, readable and workable without a script. What is live
// comes over the API's server-sent events.
package pages

import (
	"bytes"
	"cmp"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
)

// Options are what pages go by besides the desk. The zero value of each field has a default.
type Options struct {
	Now    func() time.Time
	Zone   *time.Location // of times that belong to no job, or to one without a zone; nil: the machine's
	Log    *slog.Logger   // what goes wrong in a page itself
	Secure bool           // browsers reach the pages over TLS, here or at a proxy: cookies then go over TLS only
}

// Pages serve the console.
type Pages struct {
	desk   api.Desk
	now    func() time.Time
	zone   *time.Location
	logger *slog.Logger
	secure bool
}

// New makes the pages of a desk.
func New(desk api.Desk, o Options) *Pages {
	p := &Pages{
		desk: desk, now: o.Now, zone: cmp.Or(o.Zone, time.Local), logger: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), secure: o.Secure,
	}
	if p.now == nil {
		p.now = time.Now
	}
	return p
}

// shell is what every page has.
type shell struct {
	Title  string
	Here   string // the entry of the navigation that the page belongs to
	Person access.Person
	Known  bool // whose request it is
	Said   string
	Live   string // where the events come from that the page follows; empty: none
	Parts  string // where a script gets parts of the page anew
	Zone   *time.Location
	Now    time.Time
	Body   any
}

// May tells whether the one who looks may do what an operator may.
func (s *shell) May() bool { return s.Person.Role >= access.Operator }

// Approves tells whether the one who looks may approve.
func (s *shell) Approves() bool { return s.Person.Role >= access.Approver }

// show renders a page, or a part of it (PAGE:PART), as a whole before its first byte leaves: a page that fails half way would
// be taken for a whole one.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, page string, s shell) {
	s.Person, s.Known = access.PersonOf(r.Context())
	s.Now, s.Zone = p.now(), cmp.Or(s.Zone, p.zone)
	var b bytes.Buffer
	name, part, _ := strings.Cut(page, ":")
	if err := templates()[name].ExecuteTemplate(&b, cmp.Or(part, "layout"), &s); err != nil {
		p.logger.ErrorContext(r.Context(), "a page can not be made", "page", page, "error", err)
		http.Error(w, "this page can not be made; the log of simshift serve tells why", http.StatusInternalServerError)
		return
	}
	send(w, r, status, "text/html; charset=utf-8", "no-store", b.Bytes())
}

func send(w http.ResponseWriter, r *http.Request, status int, kind, cache string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", cache)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// Login writes the page on which a token is given, with a message about what went wrong, if something did. Its form posts
// token and next, the path to go back to, to /login.
func (p *Pages) Login(w http.ResponseWriter, r *http.Request, status int, message string) {
	next := "/"
	if r.Method == http.MethodGet && r.URL.Path != "/login" {
		next = r.URL.RequestURI()
	} else if given := r.FormValue("next"); given != "" {
		next = given
	}
	p.show(w, r, status, "login", shell{Title: "Sign in", Here: "login", Body: struct{ Message, Next string }{message, next}})
}
