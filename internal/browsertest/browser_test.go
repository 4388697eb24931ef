package browsertest

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/simshift/simshift/internal/required"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const good = `<!doctype html><html lang="en"><title>Jobs</title><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<style>body { background: white; height: 2000px; margin: 0 } @media (prefers-color-scheme: dark) { body { background: black } }</style>
<button id="pause" onclick="this.textContent = 'Resume'">Pause</button> <a href="/bad">Results</a> <a href="/file" id="file">File</a>
<label>Name <input></label> <label>All <input type="checkbox"></label>
<label>State <select><option>failed</select></label>
<button disabled aria-label="Cancel"><svg></svg></button> <input type="hidden"> <div hidden><button></button></div>
<script>new EventSource('/events')</script>`

const bad = `<!doctype html><html lang="en"><meta http-equiv="Content-Security-Policy" content="style-src 'self'">
<link rel="icon" href="data:,"><p style="color: red"></p>
<button class="icon"></button> <button disabled></button> <input type="text"> <a href="/"></a> <input type="checkbox">
<select></select> <div tabindex="0"></div> <summary></summary> <details><summary></summary></details>
<img src="/missing.png" alt="nothing"><script src="http://127.0.0.1:1/closed.js"></script>
<script>console.error('no such job', 7); console.warn('only a warning'); null.length</script>
<script>Promise.reject(new Error('nobody waits'))</script>`

// site serves the good page, the bad one, a stream of events without end and a file. It must be there before the browser:
// while a page listens, it does not close.
func site(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	page := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, text)
		}
	}
	mux.HandleFunc("GET /{$}", page(good))
	mux.HandleFunc("GET /bad", page(bad))
	mux.HandleFunc("GET /form", page(form))
	mux.HandleFunc("GET /asked", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.RawQuery) })
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: hello\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", "attachment; filename=results.csv")
		fmt.Fprint(w, "row,eid\n")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// listener is a test that notes its failures and does not fail.
type listener struct {
	testing.TB

	failures []string
}

func (l *listener) Errorf(format string, args ...any) {
	l.failures = append(l.failures, fmt.Sprintf(format, args...))
}

func TestAGoodPageHasNoFaults(t *testing.T) {
	t.Parallel()
	url := site(t)
	page := Start(t).Page(t)
	page.Do(chromedp.Navigate(url))
	page.Named()
	want := []string{
		"RootWebArea Jobs", "button Cancel", "button Pause", "checkbox All", "combobox State", "link File", "link Results",
		"option failed", "textbox Name",
	}
	var got []string
	for _, c := range page.Controls() {
		got = append(got, c.Role+" "+c.Name)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("controls (-want +got):\n%s", diff)
	}
	page.Do(chromedp.Click(chromedp.CSS("#pause")), chromedp.Click(chromedp.CSS("#file")))
	if got := Get(page, chromedp.Text(chromedp.CSS("#pause"))); got != "Resume" {
		t.Errorf("after a click the button reads %q", got)
	}
	page.Do(chromedp.Navigate(url), chromedp.Navigate("about:blank")) // which breaks the events off
}

func TestABadPageFailsItsTest(t *testing.T) {
	t.Parallel()
	url, browser := site(t), Start(t)
	failed := &listener{TB: t}
	t.Run("page", func(t *testing.T) {
		failed.TB = t
		page := browser.Page(failed)
		page.Do(chromedp.Navigate(url + "/bad"))
		page.Named()
	})
	for _, want := range []string{
		"a RootWebArea has no name: <#document", `a button has no name: <button class="icon">`, `a button has no name: <button disabled="">`,
		`a textbox has no name: <input type="text">`, `a link has no name: <a href="/">`, `a checkbox has no name`, `a combobox has no name`,
		`has no name: <div tabindex="0">`, "a DisclosureTriangle has no name: <summary>",
		"GET " + url + "/missing.png is answered 404", "GET http://127.0.0.1:1/closed.js fails: net::ERR_",
		"violates the following Content Security Policy directive", "console: no such job 7",
		"TypeError: Cannot read properties of null", "nobody waits",
	} {
		if !slices.ContainsFunc(failed.failures, func(told string) bool { return strings.Contains(told, want) }) {
			t.Errorf("%q is not among the failures", want)
		}
	}
	if len(failed.failures) != 15 || t.Failed() {
		t.Errorf("%d failures:\n%s", len(failed.failures), strings.Join(failed.failures, "\n"))
	}
}

func TestComplaintsThatWereTakenFailNoTest(t *testing.T) {
	t.Parallel()
	url := site(t)
	page := Start(t).Page(t)
	page.Do(chromedp.Navigate(url + "/nowhere"))
	got := page.Complaints()
	if len(got) != 1 || !strings.HasSuffix(got[0], "/nowhere is answered 404") {
		t.Errorf("complaints: %q", got)
	}
}

// A form that is worked by what a screen reader tells of it: it leads to a page, to a file, and changes by itself.
const form = `<!doctype html><html lang="en"><title>Form</title><link rel="icon" href="data:,">
<form action="/asked"><label>Name <input name="name" value="old"></label> <button>Send</button></form>
<a href="/file">File</a> <a href="/nowhere">Nowhere</a> <p id="tells">none</p>
<button onclick="setTimeout(() => { tells.textContent = 'pressed' })">Press me</button>`

func TestControlsAreWorkedByTheirNames(t *testing.T) {
	t.Parallel()
	url := site(t)
	browser := Start(t)
	page := browser.Page(t)
	if status := page.Open(url + "/form"); status != http.StatusOK {
		t.Fatalf("the page is answered %d", status)
	}
	page.Press("button", "Press me")
	page.Until("document.querySelector('#tells').textContent === 'pressed'")
	if name, content := page.Download("link", "File"); name != "results.csv" || string(content) != "row,eid\n" {
		t.Errorf("%s holds %q", name, content)
	}
	page.Fill("Name", "new")
	page.Follow("button", "Send")
	if got := Get(page, chromedp.Text(chromedp.CSS("body"))); got != "name=new" {
		t.Errorf("the form sends %q", got)
	}
	page.Open(url + "/form")
	if status := page.FollowTo("link", "Nowhere"); status != http.StatusNotFound {
		t.Errorf("nowhere is answered %d", status)
	}
	page.Complaints() // of that

	still := browser.Page(t)
	still.WithoutScripts()
	still.Open(url + "/form")
	still.Press("button", "Press me")
	still.Fill("Name", "still")
	still.Follow("button", "Send")
	if got := Get(still, chromedp.Text(chromedp.CSS("body"))); got != "name=still" {
		t.Errorf("without scripts the form sends %q", got)
	}
}

func TestOneControlIsWorkedAndNoOther(t *testing.T) {
	t.Parallel()
	list := []Control{
		{Role: "link", Name: "File"}, {Role: "link", Name: "Twice"}, {Role: "link", Name: "Twice"}, {Role: "textbox", Name: "Name"},
	}
	for _, wrong := range [][2]string{{"link", "Twice"}, {"link", "Name"}, {"button", "File"}, {"", "File"}, {"link", "Fil"}} {
		if _, err := only(list, wrong[0], wrong[1]); err == nil {
			t.Errorf("a %q named %q is found", wrong[0], wrong[1])
		}
	}
	for _, right := range [][2]string{{"link", "File"}, {"", "Name"}} {
		if found, err := only(list, right[0], right[1]); err != nil || found.Name != right[1] {
			t.Errorf("a %q named %q: %v, %v", right[0], right[1], found, err)
		}
	}
}

func TestPagesShareNoCookies(t *testing.T) {
	t.Parallel()
	url, browser := site(t), Start(t)
	one, other := browser.Page(t), browser.Page(t)
	one.Do(chromedp.Navigate(url), chromedp.Evaluate[chromedp.Void]("document.cookie = 'who=ann'"))
	other.Do(chromedp.Navigate(url))
	if got := Get(other, chromedp.Evaluate[string]("document.cookie")); got != "" {
		t.Errorf("another's cookies are seen: %s", got)
	}
}

func TestPicturesShowTheWholePageAtItsWidthAndInItsScheme(t *testing.T) {
	t.Parallel()
	url := site(t)
	page := Start(t).Page(t)
	page.Do(chromedp.Navigate(url))
	for _, test := range []struct {
		width  int
		scheme Scheme
		grey   uint32
	}{
		{1280, Light, 0xffff}, {1280, Dark, 0}, {390, Dark, 0}, {390, Light, 0xffff},
	} {
		page.Show(test.width, test.scheme)
		picture, err := png.Decode(bytes.NewReader(page.PNG()))
		if err != nil {
			t.Fatal(err)
		}
		if want := (image.Point{test.width, 2000}); picture.Bounds().Size() != want {
			t.Errorf("%s: the picture is %v, not %v", test.scheme, picture.Bounds().Size(), want)
		}
		if red, _, _, _ := picture.At(test.width-1, 1999).RGBA(); red != test.grey {
			t.Errorf("%s: its ground is %x", test.scheme, red)
		}
	}
}

// using lists the processes that have the folder in their arguments, as all of a browser have that of its profile.
func using(t *testing.T, folder string) (list []string) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(names) == 0 {
		t.Skip("only Linux shows processes so")
	}
	for _, name := range names {
		if args, err := os.ReadFile(name); err == nil && bytes.Contains(args, []byte(folder)) {
			list = append(list, string(bytes.ReplaceAll(args, []byte{0}, []byte{' '})))
		}
	}
	return list
}

func TestLeavesNeitherProcessNorFilesBehind(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Run("inner", func(t *testing.T) {
		url := site(t)
		Start(t).Page(t).Do(chromedp.Navigate(url))
		if len(using(t, temporary)) < 2 {
			t.Error("its processes are not to be seen")
		}
	})
	if left := using(t, temporary); len(left) > 0 {
		t.Errorf("still running: %s", strings.Join(left, "\n"))
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDiesWithTheTestProcess(t *testing.T) {
	if os.Getenv("BROWSERTEST_VICTIM") == "1" {
		Start(t).Page(t)
		os.Stdout.WriteString("started\n") //nolint:errcheck // the parent notices
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		<-t.Context().Done()
	}
	required.Program(t, missing, names...)
	t.Parallel()
	temporary := t.TempDir()
	using(t, temporary)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "BROWSERTEST_VICTIM=1", "TMPDIR="+temporary)
	out, err := cmd.CombinedOutput()
	if err == nil || string(out) != "started\n" {
		t.Fatalf("the victim was to be killed with a browser: %v\n%s", err, out)
	}
	for late := time.Now().Add(patience); len(using(t, temporary)) > 0; { // between processes there is nothing to wait for
		if time.Now().After(late) {
			t.Fatalf("it outlived its test process: %s", strings.Join(using(t, temporary), "\n"))
		}
		<-time.After(10 * time.Millisecond)
	}
}
