package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/console/pages"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// elsewhere are paths that others serve.
var elsewhere = []string{"/api/", "/login", "/logout", "/metrics"}

// Whatever a page leads to is a page again, sound in its structure, at every desk and for everybody.
func TestEveryPageLeadsToPagesOnly(t *testing.T) {
	t.Parallel()
	for _, role := range []access.Role{access.Viewer, access.Operator, access.Approver} {
		for name, desk := range map[string]api.Desk{"night": fixture.New(midnight, 7), "empty": fixture.Empty(midnight)} {
			t.Run(fmt.Sprintf("%s %d", name, role), func(t *testing.T) {
				t.Parallel()
				seen := crawl(t, newSite(t, desk, role))
				if least := map[string]int{"night": 100, "empty": 7}[name]; len(seen) < least {
					t.Errorf("only %d pages were found: %v", len(seen), seen)
				}
			})
		}
	}
}

func crawl(t *testing.T, s *site) []string {
	seen := []string{"/"}
	for i := 0; i < len(seen); i++ {
		path := seen[i]
		if strings.Contains(path, ".csv") {
			if w := s.head(path); w.Code != http.StatusOK {
				t.Errorf("%s: status %d", path, w.Code)
			}
			continue
		}
		w := s.get(path)
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", path, w.Code)
			continue
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		page := w.Body.String()
		checkStructure(t, path, page)
		for _, link := range links(t, s, path, page) {
			if !slices.Contains(seen, link) {
				seen = append(seen, link)
			}
		}
	}
	return seen
}

// links are where a page leads, and where its forms go to has a route.
func links(t *testing.T, s *site, path, page string) (list []string) {
	base, err := url.Parse("http://console" + path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range parse(t, page).Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, name := range []string{"href", "action", "formaction", "src", "data-parts"} {
			target, has := attrOf(n, name)
			if !has || strings.HasPrefix(target, "#") {
				continue
			}
			at, err := base.Parse(target)
			if err != nil || at.Host != "console" {
				t.Errorf("%s leads out of the house: %q", path, target)
				continue
			}
			if slices.ContainsFunc(elsewhere, func(begin string) bool { return strings.HasPrefix(at.Path, begin) }) {
				continue
			}
			if name == "data-parts" {
				if w := s.get(at.RequestURI()); w.Code != http.StatusOK {
					t.Errorf("%s: its parts at %s have status %d", path, at, w.Code)
				}
				continue
			}
			if strings.HasSuffix(name, "action") && strings.EqualFold(attr(n, "method"), "post") || name == "formaction" {
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, at.RequestURI(), nil)
				if _, pattern := s.mux.Handler(r); !strings.HasPrefix(pattern, "POST ") {
					t.Errorf("%s has a form for %s, where nothing is posted to", path, at.Path)
				}
				continue
			}
			list = append(list, at.RequestURI())
		}
	}
	return list
}

func TestHostileNamesStayText(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Approver)
	id := desk.JobNamed(fixture.Hostile)
	for _, path := range []string{
		"/", "/jobs", "/jobs/" + id, "/jobs/" + id + "/log", "/jobs/" + id + "/batches", "/jobs/" + id + "/act/pause",
		"/jobs/" + id + "/act/retry?fault=" + url.QueryEscape(`"><script>alert(9)</script>`), "/parked", "/limits", "/limits?job=" + id,
		"/devices?q=" + url.QueryEscape(`"><script>alert(8)</script>`), "/jobs/" + url.PathEscape(`<script>alert(7)</script>`),
		"/jobs?which=" + url.QueryEscape(`<img src=x>`), "/import?target=" + url.QueryEscape(`"><b>`),
	} {
		page := s.get(path).Body.String()
		checkStructure(t, path, page) // no foreign elements, no handlers
		for n := range parse(t, page).Descendants() {
			if n.Type == html.ElementNode && (n.Data == "i" || n.Data == "u") {
				t.Errorf("%s: a foreign <%s> came in", path, n.Data)
			}
		}
	}
	has(t, s.page("/jobs/"+id, http.StatusOK), strings.Join(strings.Fields(fixture.Hostile), " "),
		`<script>alert("carrier")</script> & 'more'`)
}

func TestEveryStateIsToldInWords(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Viewer)
	for name, words := range map[string][]string{
		fixture.Night:     {"running", "wave 3 of 3", "3 now", "Throughput over the night", "How long it took", "Done about"},
		fixture.Gated:     {"held at the gate", "Why nothing is sent:", "the gate wants 95%", "The service plan is unknown"},
		fixture.Braked:    {"stopped by the brake"},
		fixture.Approval:  {"awaits approval", "Nothing was sent yet"},
		fixture.Windowed:  {"waiting", "it sends nothing before", "sat,sun 22:00-05:00 (America/Chicago)"},
		fixture.Held:      {"paused", "paused by jonas"},
		fixture.Waiting:   {"waiting", "await the carrier's callbacks"},
		fixture.Ending:    {"being cancelled"},
		fixture.Failures:  {"finished, 445 did not move", "Moved to the wrong network", "Ended", "2 passed", "3 the last"},
		fixture.Small:     {"finished", "100%"},
		fixture.Withdrawn: {"cancelled"},
		fixture.Writing:   {"being imported"},
		fixture.Large:     {"10 000 000 devices"},
	} {
		has(t, s.page("/jobs/"+desk.JobNamed(name), http.StatusOK), words...)
	}
}

func TestAPageThatFailsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Approver)
	has(t, s.page("/jobs/nothing", http.StatusNotFound), "There is no such thing", "No job \"nothing\"", "simshift jobs list")
	has(t, s.page("/jobs?which=all", http.StatusBadRequest), "Choose open or ended", "is no kind of jobs")
	w := s.post("/jobs/"+desk.JobNamed(fixture.Small)+"/act/pause", url.Values{"reason": {"x"}})
	if w.Code != http.StatusConflict {
		t.Errorf("to pause a finished job has status %d", w.Code)
	}
	has(t, s.page("/import/none", http.StatusNotFound), "Upload the file again")
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	t.Parallel()
	s, _ := night(t, access.Anyone)
	s.who.Role = access.Viewer
	found := 0
	for n := range parse(t, s.page("/", http.StatusOK)).Descendants() {
		for _, name := range []string{"href", "src"} {
			path := attr(n, name)
			if !strings.HasPrefix(path, "/static/") {
				continue
			}
			found++
			w := s.get(path)
			if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
				t.Errorf("%s: status %d, %v", path, w.Code, w.Header())
			}
		}
	}
	if found != 3 {
		t.Errorf("%d static files are used", found)
	}
	if w := s.get("/static/console.css"); w.Code != http.StatusNotFound {
		t.Errorf("a file without its sum has status %d", w.Code)
	}
}

func TestTheLoginPageLeadsBack(t *testing.T) {
	t.Parallel()
	p := pages.New(fixture.Empty(midnight), pages.Options{Now: midnight})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.Login(w, r, http.StatusUnauthorized, "this token is not known; `simshift tokens list` shows those that are")
	})
	s := &site{t: t, mux: mux}
	w := s.get("/jobs/abc?x=1")
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
	page := w.Body.String()
	checkStructure(t, "login", page)
	has(t, page, "Sign in", "this token is not known", "simshift tokens list")
	for n := range parse(t, page).Descendants() {
		if attr(n, "name") == "next" && attr(n, "value") != "/jobs/abc?x=1" {
			t.Errorf("it leads back to %q", attr(n, "value"))
		}
	}
}
