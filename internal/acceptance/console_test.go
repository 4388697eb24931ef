package acceptance_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/simshift/simshift/internal/browsertest"
)

// visitor is a person at a browser.
type visitor struct {
	*browsertest.Page

	n   *night
	url string // of the console
}

// openConsole starts a listener with a console, and gives its address. Whoever has a token by then may look.
func (n *night) openConsole() (url string) {
	n.t.Helper()
	n.set("CONSOLE_LISTEN", "127.0.0.1:0")
	p := n.serve()
	n.set("CONSOLE_LISTEN", "off")
	return "http://" + p.says(`msg="the console listens" address=(\S+)`)
}

// token gives somebody a token.
func (n *night) token(name, role string) string {
	n.t.Helper()
	n.set("CONSOLE_TOKENS_FILE", filepath.Join(n.folder, "tokens"))
	return strings.TrimSpace(string(n.ask("tokens", "add", name, "--role", role)))
}

func (v *visitor) visit(path string) {
	v.n.t.Helper()
	v.Do(chromedp.Navigate(v.url + path))
}

// click clicks what is called so and waits until the page that it leads to is there.
func (v *visitor) click(name string) {
	v.n.t.Helper()
	v.Do(chromedp.Evaluate[chromedp.Void]("window.leaving = true"), chromedp.Click(named(name)))
	v.n.until(func() bool {
		return browsertest.Get(v.Page, chromedp.Evaluate[bool]("!window.leaving && document.readyState === 'complete'"))
	})
}

// named finds a link or a button by its words.
func named(name string) chromedp.Search {
	return chromedp.Search(fmt.Sprintf("//*[self::a or self::button][contains(., %q)]", name))
}

func (v *visitor) fill(id, text string) {
	v.n.t.Helper()
	v.Do(chromedp.SetValue(chromedp.CSS("#"+id), text))
}

func (v *visitor) tick(name, value string) {
	v.n.t.Helper()
	v.Do(chromedp.Click(chromedp.CSS(fmt.Sprintf("input[name=%q][value=%q]", name, value))))
}

// text is what the page says.
func (v *visitor) text() string {
	v.n.t.Helper()
	return browsertest.Get(v.Page, chromedp.Text(chromedp.CSS("body")))
}

// says waits until the page says so, of its own accord.
func (v *visitor) says(words string) {
	v.n.t.Helper()
	v.n.until(func() bool { return strings.Contains(v.text(), words) })
}

// count is a figure of the page, which changes by itself.
func (v *visitor) count(state string) int {
	v.n.t.Helper()
	text := browsertest.Get(v.Page, chromedp.Evaluate[string](
		fmt.Sprintf(`document.querySelector('table.states [data-count=%q]').textContent`, state)))
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	n, err := strconv.Atoi(digits)
	if err != nil {
		v.n.t.Fatalf("%s: %q", state, text)
	}
	return n
}

// ended waits until the page says by itself that the job has ended.
func (v *visitor) ended() {
	v.n.t.Helper()
	v.n.within(2*time.Minute, func() bool {
		return strings.HasPrefix(browsertest.Get(v.Page, chromedp.Text(chromedp.CSS(".jobline"))), "finished")
	})
}

func (v *visitor) logIn(token string) {
	v.n.t.Helper()
	v.fill("token", token)
	v.click("Sign in")
}

// file asks for something as the browser does, and gives what came.
func (v *visitor) file(path string) string {
	v.n.t.Helper()
	return browsertest.Get(v.Page, chromedp.Evaluate[string](
		fmt.Sprintf("fetch(%q).then(answer => answer.text())", path), chromedp.EvalAwaitPromise))
}

// The whole night is driven by clicks in a browser: upload, plan, start, watch, pause, resume, another round, download. The
// page complains of nothing meanwhile, and every control has a name (browsertest fails for both).
func TestANightIsDrivenFromABrowser(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--faulty", "0.2", "--latency", "100ms-500ms")
	n.set("RATE_REQUESTS", "30/min") // so that a browser on a busy machine is in time to pause it
	dana := n.token("dana", "operator")
	url := n.openConsole()
	n.start("work").says(works)
	browser := browsertest.Start(t)
	v := &visitor{browser.Page(t), n, url}

	v.visit("/jobs") // nobody yet: the login page in its place, which leads back
	v.Complaints()   // it was answered 401
	v.Named()
	v.logIn(dana)
	if got := browsertest.Get(v.Page, chromedp.Location()); got != url+"/jobs" {
		t.Errorf("the login leads to %s", got)
	}

	v.click("Import")
	v.tick("target", "global")
	fleet := n.fleet(400)
	text, err := os.ReadFile(fleet)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fleet, append(text, "not an eid,not an iccid\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	v.Do(chromedp.SetUploadFiles(chromedp.CSS("#fleet"), []string{fleet}))
	v.Named()
	v.click("Upload, and show the plan")
	v.says("1 row would be rejected")
	if rejects := v.file(browsertest.Get(v.Page, chromedp.AttributeValue(named("Download rejects.csv"), "href")).Value); !strings.Contains(
		rejects, "not an eid") {
		t.Errorf("the rejected rows are %q", rejects)
	}
	v.Do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('details').forEach(d => d.open = true)"))
	for field, value := range map[string]string{
		"name": "spring", "batch_size": "20", "attempts": "1", "answer_within": "10s", "backoff": "1s",
	} {
		v.fill(field, value)
	}
	v.Named()
	v.click("Plan anew")
	v.click("Go on without them")
	v.tick("confirmed", "1")
	v.fill("why", "the spring migration")
	v.click("Start the job")
	v.says("spring")
	v.Named()

	seen := v.count("succeeded")
	n.until(func() bool { return v.count("succeeded") > seen }) // by itself: nobody loads the page anew
	v.click("Pause")
	v.Named()
	v.fill("reason", "support sees cars without network")
	v.click("Pause the job")
	v.says("support sees cars without network")
	v.click("Resume")
	v.fill("reason", "it was something else")
	v.click("Resume the job")
	v.ended()
	if v.count("succeeded")+v.count("failed") != 400 || v.count("failed") == 0 {
		t.Errorf("%d devices succeeded and %d failed, of 400", v.count("succeeded"), v.count("failed"))
	}

	v.click("Another round")
	v.Named()
	v.fill("reason", "they were looked at")
	v.tick("now", "1")
	v.click("Give another round")
	v.says("get another round; ")
	v.ended()

	id := strings.TrimPrefix(strings.SplitN(browsertest.Get(v.Page, chromedp.Location()), "?", 2)[0], url+"/jobs/")
	n.ends(id, 0)
	if got, want := v.file("/jobs/"+id+"/results.csv"), string(n.ask("results", id)); got != want {
		t.Errorf("the download is not what `simshift results` prints:\n%.300s\nand\n%.300s", got, want)
	}
	v.visit("/devices?q=" + n.eids[0])
	v.says("Its story")
	v.Named()
	v.visit("/jobs/" + id + "/log")
	for _, act := range []string{"imported", "paused", "resumed", "retried"} {
		v.says(act)
	}
	if log := string(n.ask("jobs", "log", id)); strings.Count(log, "dana at 127.0.0.1") < 4 {
		t.Errorf("the log does not name who did it:\n%s", log)
	}
	for _, path := range []string{"/", "/jobs", "/jobs/" + id, "/jobs/" + id + "/batches", "/parked", "/limits", "/health"} {
		v.visit(path)
		v.Named()
	}
	v.onAPhone("/", "/jobs/"+id, "/devices?q="+n.eids[0])

	v.looksOn(browser, n.token("robin", "viewer"), id)
	v.click("Sign out")
	v.visit("/jobs/" + id)
	v.says("Your token says who you are")
	v.Complaints() // it was answered 401
}

// onAPhone fails the test where a page is wider than a phone.
func (v *visitor) onAPhone(paths ...string) {
	v.n.t.Helper()
	v.Show(390, browsertest.Dark)
	for _, path := range paths {
		v.visit(path)
		if width := browsertest.Get(v.Page, chromedp.Evaluate[int]("document.documentElement.scrollWidth")); width > 390 {
			v.n.t.Errorf("%s is %d pixels wide on a phone of 390", path, width)
		}
	}
	v.Show(1280, browsertest.Light)
}

// looksOn is somebody who may only look: no control changes anything, and nothing can be changed past them.
func (v *visitor) looksOn(browser *browsertest.Browser, token, job string) {
	t := v.n.t
	t.Helper()
	viewer := &visitor{browser.Page(t), v.n, v.url}
	viewer.n.until(func() bool { // the console looks at its tokens file once a second
		viewer.visit("/login")
		viewer.logIn(token)
		viewer.Complaints()
		return strings.Contains(viewer.text(), "robin")
	})
	viewer.visit("/jobs/" + job)
	viewer.Named()
	for _, control := range viewer.Controls() {
		if strings.HasSuffix(control.Name, "…") {
			t.Errorf("a viewer is offered %q", control.Name)
		}
	}
	status := browsertest.Get(viewer.Page, chromedp.Evaluate[int](
		fmt.Sprintf("fetch('/jobs/%s/act/cancel', {method: 'POST'}).then(answer => answer.status)", job), chromedp.EvalAwaitPromise))
	if status != http.StatusForbidden {
		t.Errorf("a viewer's cancel is answered %d", status)
	}
	viewer.Complaints() // the 403
}
