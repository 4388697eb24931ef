package pages_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/console/live"
	"github.com/simshift/simshift/console/pages"
	"github.com/simshift/simshift/console/rest"
	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/internal/browsertest"
	"github.com/simshift/simshift/jobs"
)

// shop is the pages and the API at a fixture, for a browser.
type shop struct {
	*httptest.Server
	desk   *fixture.Desk
	answer atomic.Int32 // to everything; 0: what there is
}

// policy is as strict as that of the guard.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'"

func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{desk: fixture.New(midnight, 7)}
	hub := live.New(s.desk, midnight, nil)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); hub.Run(ctx) }()
	mux := http.NewServeMux()
	p := pages.New(s.desk, pages.Options{Now: midnight, Zone: time.UTC})
	for _, route := range slices.Concat(p.Routes(), rest.New(s.desk, hub, nil).Routes()) {
		mux.HandleFunc(route.Method+" "+route.Path, route.Handle)
	}
	who := access.Person{Name: "jonas", Role: access.Approver}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		if status := s.answer.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		mux.ServeHTTP(w, r.WithContext(api.WithActor(access.WithPerson(r.Context(), who), api.Actor{Name: who.Name})))
	}))
	t.Cleanup(func() { stop(); <-done; s.Close() })
	return s
}

// breakOff lets every request fail from now on, those that are under way too.
func (s *shop) breakOff(status int) {
	s.answer.Store(int32(status))
	s.CloseClientConnections()
}

// until waits for something to become true in a page.
func until(p *browsertest.Page, what string) {
	browsertest.Get(p, chromedp.Evaluate[bool](`new Promise((done, fail) => {
		const end = Date.now() + 30_000;
		const look = () => {
			if (`+what+`) return done(true);
			if (Date.now() > end) return fail(new Error(`+strconv.Quote(what)+` + " never came about: " + document.body.innerText));
			setTimeout(look, 30);
		};
		look();
	})`, chromedp.EvalAwaitPromise))
}

func read(p *browsertest.Page, what string) string {
	return browsertest.Get(p, chromedp.Evaluate[string](what))
}

func TestAPageKeepsItselfFresh(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	t.Run("a job", func(t *testing.T) { t.Parallel(); followsItsJob(t, openShop(t), browser.Page(t)) })
	t.Run("the overview", func(t *testing.T) { t.Parallel(); followsTheFleet(t, openShop(t), browser.Page(t)) })
	t.Run("a lost connection", func(t *testing.T) { t.Parallel(); tellsOfLoss(t, openShop(t), browser.Page(t)) })
}

// shows waits until a job's page shows how the job stands.
func (s *shop) shows(t *testing.T, p *browsertest.Page, name string) {
	t.Helper()
	job, err := s.desk.Job(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	moved := job.Counts[jobs.Succeeded]
	until(p, fmt.Sprintf(`document.querySelector(".legend [data-count=succeeded]").textContent === %q &&
		Math.abs(parseFloat(document.querySelector("[data-bar] rect").getAttribute("width")) - %f) < 0.01`,
		words.Number(moved), 100*float64(moved)/float64(job.Devices)))
}

func followsItsJob(t *testing.T, s *shop, p *browsertest.Page) {
	id := s.desk.JobNamed(fixture.Night)
	p.Do(chromedp.Navigate(s.URL + "/jobs/" + id))
	p.Do(chromedp.Evaluate[chromedp.Void](`window.moved = 0; new PerformanceObserver((list) => {
		for (const shift of list.getEntries()) window.moved += shift.value;
	}).observe({ type: "layout-shift", buffered: true })`))
	for range 3 {
		s.desk.Advance(time.Minute)
		s.shows(t, p, fixture.Night)
	}
	if news := read(p, `document.getElementById("news").textContent`); news != "" {
		t.Errorf("counts are read out: %q", news)
	}
	if _, err := s.desk.Control(t.Context(), id, api.Command{Act: api.Pause, Reason: "<b>look</b>"}); err != nil {
		t.Fatal(err)
	}
	until(p, `document.querySelector(".badge").textContent.trim() === "paused" &&
		document.querySelector(".statebox .buttons").textContent.includes("Resume") &&
		document.querySelector(".hold").textContent.includes("<b>look</b>") && document.getElementById("news").textContent.includes("is paused")`)
	if moved := read(p, `String(window.moved < 0.1)`); moved != "true" {
		t.Errorf("the layout jumped by %s", read(p, `String(window.moved)`))
	}
	p.Named()
}

func followsTheFleet(t *testing.T, s *shop, p *browsertest.Page) {
	p.Do(chromedp.Navigate(s.URL + "/"))
	s.desk.Advance(time.Minute)
	job, err := s.desk.Job(t.Context(), fixture.Large)
	if err != nil {
		t.Fatal(err)
	}
	until(p, fmt.Sprintf(`document.querySelector('[data-job="%s"] [data-count=succeeded]').textContent === %q`,
		job.ID, words.Number(job.Counts[jobs.Succeeded])))
	p.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-part=ended] a").focus(); window.focused = document.activeElement`))
	back, err := s.desk.Revert(t.Context(), fixture.Small, api.RevertOrder{Order: api.Order{RevertPlan: "US 5MB"}})
	if err != nil {
		t.Fatal(err)
	}
	until(p, fmt.Sprintf(`document.querySelector('[data-part=running] [data-job="%s"]')`, back.ID))
	if read(p, `String(window.focused === document.activeElement)`) != "true" {
		t.Error("the focus was taken from whoever works in the page")
	}
	p.Named()
}

func tellsOfLoss(t *testing.T, s *shop, p *browsertest.Page) {
	p.Do(chromedp.Navigate(s.URL + "/jobs/" + s.desk.JobNamed(fixture.Night)))
	s.desk.Advance(time.Minute)
	s.shows(t, p, fixture.Night)
	s.breakOff(http.StatusServiceUnavailable)
	until(p, `document.getElementById("offline").checkVisibility() &&
		document.getElementById("offline").textContent.includes("connection is lost")`)
	s.answer.Store(0)
	s.desk.Advance(time.Minute)
	s.shows(t, p, fixture.Night)
	until(p, `!document.getElementById("offline").checkVisibility()`)
	s.breakOff(http.StatusUnauthorized)
	until(p, `document.getElementById("offline").textContent.includes("signed out")`)
	for _, complaint := range p.Complaints() { // of requests that failed, and of nothing else
		if !strings.Contains(complaint, s.URL) || strings.Contains(complaint, "console.js:") {
			t.Errorf("the browser complains: %s", complaint)
		}
	}
}

func TestPagesFitWherePeopleLook(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	p := browsertest.Start(t).Page(t)
	night, failures := "/jobs/"+s.desk.JobNamed(fixture.Night), "/jobs/"+s.desk.JobNamed(fixture.Failures)
	for _, path := range []string{
		"/", "/jobs", night, failures, "/jobs/" + s.desk.JobNamed(fixture.Hostile), "/jobs/" + s.desk.JobNamed(fixture.Long), night + "/batches",
		night + "/log", night + "/act/cancel", failures + "/act/retry", "/devices", "/parked", "/limits", "/health", "/import",
	} {
		p.Show(1600, browsertest.Light)
		p.Do(chromedp.Navigate(s.URL + path))
		p.Named()
		for _, width := range []int{1600, 390} {
			p.Show(width, browsertest.Dark)
			if over := read(p, `String(document.documentElement.scrollWidth - innerWidth)`); over != "0" && !strings.HasPrefix(over, "-") {
				t.Errorf("%s is %s pixels too wide at %d", path, over, width)
			}
		}
	}
}
