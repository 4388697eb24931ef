package acceptance_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/simshift/simshift/internal/browsertest"
	"github.com/simshift/simshift/internal/madeup"
)

// visitor is somebody at the console, with a browser and a token.
type visitor struct {
	*browsertest.Page

	t       *testing.T
	console string
}

// serveConsole starts a listener with a console, and gives the console's address.
func (n *night) serveConsole() string {
	n.t.Helper()
	n.set("CONSOLE_LISTEN", "127.0.0.1:0")
	return "http://" + n.serve().says(`msg="the console listens" address=(127\.0\.0\.1:\d+)`)
}

// token makes somebody a token. The first one must be made before the console starts.
func (n *night) token(name, role string) string {
	n.t.Helper()
	n.set("CONSOLE_TOKENS_FILE", filepath.Join(n.folder, "tokens"))
	return strings.TrimSpace(string(n.run(0, "tokens", "add", name, "--role", role)))
}

// signIn opens a path without a session, and gives the token on the page that stands there instead.
func (v *visitor) signIn(path, token string) {
	v.t.Helper()
	if status := v.Open(v.console + path); status != http.StatusUnauthorized {
		v.t.Fatalf("%s is answered %d to somebody unknown", path, status)
	}
	v.onlyAnswered(http.StatusUnauthorized)
	v.Named()
	v.Fill("Token", token)
	v.Follow("button", "Sign in")
	if got := v.path(); got != path {
		v.t.Errorf("after signing in it is %s, not %s", got, path)
	}
}

// onlyAnswered takes the browser's complaints, which must be about one answer with this status.
func (v *visitor) onlyAnswered(status int) {
	v.t.Helper()
	if got := v.Complaints(); len(got) != 1 || !strings.HasSuffix(got[0], fmt.Sprintf("is answered %d", status)) {
		v.t.Errorf("the browser complains of %q, and not only of status %d", got, status)
	}
}

// path is where the page is, with its query.
func (v *visitor) path() string {
	v.t.Helper()
	return browsertest.Get(v.Page, chromedp.Evaluate[string]("location.pathname + location.search"))
}

// reads fails the test unless the page says all this.
func (v *visitor) reads(words ...string) {
	v.t.Helper()
	is := strings.Join(strings.Fields(browsertest.Get(v.Page, chromedp.Text(chromedp.CSS("main")))), " ")
	for _, want := range words {
		if !strings.Contains(is, want) {
			v.t.Errorf("%s does not say %q: %s", v.path(), want, is)
		}
	}
}

// sound opens a page at a desk and on a phone: each control has a name, and nothing hangs over the edge.
func (v *visitor) sound(path string) {
	v.t.Helper()
	if status := v.Open(v.console + path); status != http.StatusOK {
		v.t.Errorf("%s is answered %d", path, status)
	}
	v.Named()
	for _, width := range []int{390, 1280} {
		v.Show(width, browsertest.Light)
		if got := browsertest.Get(v.Page, chromedp.Evaluate[int]("document.documentElement.scrollWidth")); got > width {
			v.t.Errorf("%s is %d pixels wide in a window of %d: %q", path, got, width, v.overhanging(width))
		}
	}
}

// overhanging are the elements that reach further to the right, those in what scrolls by itself too.
func (v *visitor) overhanging(width int) []string {
	v.t.Helper()
	const list = `[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > %d)
		.map((e) => e.outerHTML.slice(0, 120))`
	return browsertest.Get(v.Page, chromedp.Evaluate[[]string](fmt.Sprintf(list, width)))
}

// fleetWithAReject is a fleet whose fourth row a spreadsheet has spoilt.
func (n *night) fleetWithAReject(devices int) string {
	n.t.Helper()
	path := n.fleet(devices)
	text, err := os.ReadFile(path)
	if err != nil {
		n.t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	spoilt := fmt.Sprintf("8.90149E+31,%s,,0000123456-00001,Global 5MB\n", madeup.Device(devices).ICCID)
	if err := os.WriteFile(path, []byte(strings.Join(slices.Insert(lines, 4, spoilt), "")), 0o600); err != nil {
		n.t.Fatal(err)
	}
	return path
}

// The whole night by clicks, from the login to the results, against the real thing.
func TestANightIsDrivenFromABrowser(t *testing.T) {
	t.Parallel()
	const devices = 400
	n := newBriefNight(t, "--offline", "0.3", "--latency", "100ms-500ms")
	n.set("RATE_REQUESTS", "30/min") // so that a browser on a busy machine is in time to pause it
	token := n.token("dana", "operator")
	console := n.serveConsole()
	n.start("work").says(works)
	v := &visitor{browsertest.Start(t).Page(t), t, console}

	v.signIn("/import", token)
	v.plans(n.fleetWithAReject(devices), devices)
	v.Follow("button", "Start the job")
	id := strings.TrimPrefix(v.path(), "/jobs/")
	v.watches()
	v.pauses("to look at it")
	v.limits(n, id)
	v.Follow("link", "Resume…")
	v.Fill("Reason", "it was nothing")
	v.Follow("button", "Resume the job")
	v.ends()
	failed := v.number("[data-count=failed]")
	if failed == 0 || failed+v.number("[data-count=succeeded]") != devices {
		t.Fatalf("%d of %d devices failed: there is nothing to be retried", failed, devices)
	}
	v.Follow("link", "Another round…")
	v.Press("checkbox", "At once, instead of after 1 s")
	v.Fill("Reason", "they are on now")
	v.Follow("button", "Give another round")
	v.ends()
	v.reads("100%", fmt.Sprintf("%d of %d", devices, devices))
	name, results := v.Download("button", "Download CSV")
	if want := n.ask("results", id); name != "results-spring.csv" || !bytes.Equal(results, want) {
		t.Errorf("%s does not hold what the command prints:\n%.300s\nbut:\n%.300s", name, results, want)
	}
	n.agree(id)
	v.asks(n.eids[0])
	v.parks(n)
	v.logged(id)
	for _, path := range []string{
		"/", "/jobs", "/jobs/" + id, "/jobs/" + id + "/batches", "/jobs/" + id + "/log", "/jobs/" + id + "/act/retry", "/devices?q=" + n.eids[0],
		"/import", "/parked", "/limits", "/limits?job=" + id, "/health",
	} {
		v.sound(path)
	}
	v.Follow("button", "Sign out")
	v.signIn("/jobs/"+id, token)
}

// plans uploads the fleet, has it planned as a night that takes seconds, and looks at what would be rejected.
func (v *visitor) plans(fleet string, devices int) {
	v.t.Helper()
	v.Press("radio", "Global local carriers abroad")
	v.Do(chromedp.SetUploadFiles(chromedp.CSS("#fleet"), []string{fleet}))
	v.Follow("button", "Upload, and show the plan")
	v.Fill("Name of the job", "spring")
	v.Press("DisclosureTriangle", "Attempts and answers")
	v.Fill("Attempts a device", "1")
	v.Fill("Second attempt after", "1s")
	v.Fill("Devices in a request", "10")
	v.Follow("button", "Plan anew")
	v.reads("of 401 rows", "A spreadsheet has rounded the number", "1 row would be rejected")
	v.sound(v.path())
	name, rejects := v.Download("link", "Download rejects.csv")
	if lines := bytes.Count(rejects, []byte("\n")); name != "rejects.csv" || lines != 2 || !bytes.Contains(rejects, []byte("8.90149E+31")) {
		v.t.Errorf("%s: %s", name, rejects)
	}
	v.Follow("link", "Go on without them…")
	v.Press("checkbox", fmt.Sprintf("Yes, move %d devices to Global, without the 1 rejected row, as this plan says.", devices))
	v.Fill("Reason for the job’s log", "the spring migration")
}

// number reads a figure of the page.
func (v *visitor) number(selector string) int64 {
	v.t.Helper()
	text := browsertest.Get(v.Page, chromedp.Evaluate[string]("document.querySelector('table.states "+selector+"').textContent"))
	n, err := strconv.ParseInt(strings.ReplaceAll(text, "\u202f", ""), 10, 64)
	if err != nil {
		v.t.Fatal(err)
	}
	return n
}

// watches sees the figures change, in the page as it was loaded.
func (v *visitor) watches() {
	v.t.Helper()
	v.Do(chromedp.Evaluate[chromedp.Void]("void (window.loadedOnce = true)"))
	const moved = "Number(document.querySelector('table.states [data-count=succeeded]').textContent)"
	v.Until(moved + " > 0")
	v.Until(fmt.Sprintf("%s > %d && window.loadedOnce", moved, v.number("[data-count=succeeded]")))
	v.reads("running")
}

// pauses pauses the job whose page is open.
func (v *visitor) pauses(reason string) {
	v.t.Helper()
	v.Follow("link", "Pause…")
	v.Named()
	v.Fill("Reason", reason)
	v.Follow("button", "Pause the job")
	v.reads("Why nothing is sent:", "paused by dana: "+reason)
}

// ends waits for the end of the job whose page is open.
func (v *visitor) ends() {
	v.t.Helper()
	v.Until("document.querySelector('[data-part=state] .badge').textContent.trim().startsWith('finished')")
}

// limits bounds the paused job, whose page is open, and then lets all jobs send faster.
func (v *visitor) limits(n *night, id string) {
	v.t.Helper()
	v.Follow("link", "Look, or set them")
	v.Fill("Devices", "1000/s")
	v.Fill("Reason", "gently at first")
	v.Follow("button", "Change…")
	v.reads("Set these limits?", "Devices: 1000/s", "gently at first")
	v.Follow("button", "Set the limits")
	v.reads("The limits are set.", "1000/s")
	v.Follow("link", "Limits")
	v.Fill("Requests", "20/s")
	v.Fill("Reason", "the carrier allows more")
	v.Follow("button", "Change…")
	v.Follow("button", "Set the limits")
	v.reads("20/s", "the carrier allows more")
	if shown := string(n.ask("jobs", "limits")); !strings.Contains(shown, "20/s") {
		v.t.Errorf("the command does not know of the limits: %s", shown)
	}
	v.Follow("link", "Jobs")
	v.Follow("link", "spring")
}

// asks looks for a device and reads its story.
func (v *visitor) asks(eid string) {
	v.t.Helper()
	v.Follow("link", "Devices")
	v.Fill("EID, ICCID or IMEI", eid)
	v.Follow("button", "Search")
	v.reads("In spring", eid, "succeeded", "attempt 1, batch ")
}

// parks has a callback parked, and forgets it.
func (v *visitor) parks(n *night) {
	v.t.Helper()
	unknown := madeup.Device(2_000_000).EID
	n.post(fmt.Sprintf(`{"username":"carrier","password":"hush","requestId":"nobody-knows","status":"SUCCESS",
		"deviceIds":[{"kind":"Eid","id":%q}]}`, unknown))
	v.Follow("link", "Parked")
	v.reads("1 callback fitted no known request", unknown, "nobody-knows")
	v.sound("/parked")
	box := slices.IndexFunc(v.Controls(), func(c browsertest.Control) bool { return c.Role == "checkbox" })
	v.Press("checkbox", v.Controls()[box].Name)
	v.Follow("button", "Forget the chosen ones…")
	v.Follow("button", "Forget it")
	v.reads("No callback is parked")
}

// logged reads in the job's log who did what.
func (v *visitor) logged(id string) {
	v.t.Helper()
	v.Open(v.console + "/jobs/" + id + "/log")
	const rows = "[...document.querySelectorAll('table.log tbody tr')].map((row) => row.textContent.replace(/\\s+/g, ' '))"
	log := browsertest.Get(v.Page, chromedp.Evaluate[[]string](rows))
	for _, act := range []string{
		"imported", "paused", "to look at it", "limits", "gently at first", "resumed", "it was nothing", "retried", "they are on now",
	} {
		if !slices.ContainsFunc(log, func(row string) bool { return strings.Contains(row, act) && strings.Contains(row, "dana") }) {
			v.t.Errorf("the log does not tell that dana did %q: %q", act, log)
		}
	}
}

// Who may only look is shown nothing that changes, and is refused it; who lets no scripts run can do all the same.
func TestAConsoleIsReadWithoutARoleAndWithoutScripts(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	operator, viewer := n.token("dana", "operator"), n.token("vera", "viewer")
	console := n.serveConsole()
	id := n.imported(n.fleet(20), "--start", "tomorrow 22:00", "--name", "spring")
	browser := browsertest.Start(t)
	t.Run("viewer", func(t *testing.T) {
		v := &visitor{browser.Page(t), t, console}
		v.signIn("/", viewer)
		for _, path := range []string{
			"/", "/jobs", "/jobs/" + id, "/jobs/" + id + "/act/pause", "/import", "/parked", "/limits", "/limits?job=" + id,
		} {
			v.sound(path)
			v.changesNothing()
		}
		const post = "fetch('/jobs/%s/act/pause', { method: 'POST', body: new URLSearchParams({ reason: 'x' }) }).then((a) => a.status)"
		status := browsertest.Get(v.Page, chromedp.Evaluate[int](fmt.Sprintf(post, id), chromedp.EvalAwaitPromise))
		if v.onlyAnswered(http.StatusForbidden); status != http.StatusForbidden {
			t.Errorf("a viewer's pause is answered %d", status)
		}
		if got := n.show(id); got.State != "running" {
			t.Errorf("a viewer left the job %s", got.State)
		}
	})
	t.Run("without scripts", func(t *testing.T) {
		v := &visitor{browser.Page(t), t, console}
		v.WithoutScripts()
		v.signIn("/", operator)
		v.reads("spring", "20 devices")
		v.Follow("link", "spring")
		v.reads("Why nothing is sent:", "no worker is running", "Nothing was sent yet")
		v.pauses("without a script")
		if got := n.show(id); !strings.Contains(got.Hold, "paused by dana: without a script") {
			t.Errorf("the job is held as %q", got.Hold)
		}
	})
}

// changesNothing fails the test for whatever on the page would change something.
func (v *visitor) changesNothing() {
	v.t.Helper()
	const changing = `[...document.querySelectorAll("form[method=post]:not([action='/logout']), a[href*='/act/']")].map((e) => e.outerHTML)`
	for _, control := range browsertest.Get(v.Page, chromedp.Evaluate[[]string](changing)) {
		v.t.Errorf("%s shows a viewer %s", v.path(), control)
	}
}
