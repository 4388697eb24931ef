package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/console/pages"
)

func midnight() time.Time { return fixture.Midnight }

// site is the pages at a desk, as somebody sees them.
type site struct {
	t    testing.TB
	desk api.Desk
	mux  *http.ServeMux
	who  access.Person
}

func newSite(t testing.TB, desk api.Desk, role access.Role) *site {
	s := &site{t: t, desk: desk, mux: http.NewServeMux(), who: access.Person{Name: "jonas", Role: role}}
	for _, route := range pages.New(desk, pages.Options{Now: midnight, Zone: time.UTC}).Routes() {
		s.mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) {
			if who, _ := access.PersonOf(r.Context()); who.Role < route.Needs {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			route.Handle(w, r)
		})
	}
	return s
}

// night is the pages in the middle of a made-up night.
func night(t testing.TB, role access.Role) (*site, *fixture.Desk) {
	desk := fixture.New(midnight, 7)
	return newSite(t, desk, role), desk
}

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	ctx := api.WithActor(access.WithPerson(r.Context(), s.who), api.Actor{Name: s.who.Name, From: "192.0.2.1"})
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(ctx))
	return w
}

func (s *site) get(path string) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, path, nil))
}

func (s *site) head(path string) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequestWithContext(s.t.Context(), http.MethodHead, path, nil))
}

func (s *site) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(r)
}

// follow gets the page that an answer leads to, with the cookies it set.
func (s *site) follow(w *httptest.ResponseRecorder) string {
	s.t.Helper()
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("status %d, but it should lead on: %s", w.Code, text(parse(s.t, w.Body.String())))
	}
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, w.Header().Get("Location"), nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	next := s.do(r)
	if next.Code != http.StatusOK {
		s.t.Fatalf("%s: status %d", r.URL, next.Code)
	}
	return next.Body.String()
}

// page gets a page as it should be.
func (s *site) page(path string, status int) string {
	s.t.Helper()
	w := s.get(path)
	if w.Code != status {
		s.t.Fatalf("%s: status %d, but it should be %d: %s", path, w.Code, status, text(parse(s.t, w.Body.String())))
	}
	return w.Body.String()
}

func parse(t testing.TB, page string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// text is what of a page is to be read, with single spaces.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, name string) string {
	value, _ := attrOf(n, name)
	return value
}

func attrOf(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// has fails where a page does not say something.
func has(t testing.TB, page string, words ...string) {
	t.Helper()
	is := strings.Join(strings.Fields(text(parse(t, page))), " ")
	for _, want := range words {
		if !strings.Contains(is, want) {
			t.Errorf("the page does not say %q: %s", want, is)
		}
	}
}
