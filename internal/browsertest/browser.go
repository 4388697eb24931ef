package browsertest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/simshift/simshift/internal/required"
)

// patience is how long whatever is asked of a browser may take, on a busy machine too: it ends what hangs.
const patience = 2 * time.Minute

// names are what the program is called: by Debian, Alpine and Fedora, by Google, and where it is put on macOS.
var names = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
	"/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

const missing = "chromium is not on PATH; `make test` installs it on Debian, elsewhere install Chromium or Chrome " +
	"(dnf install chromium, apk add chromium, brew install --cask google-chrome)"

// Browser is a running Chromium.
type Browser struct {
	ctx context.Context // chromedp's handle of the process
}

// Start runs a Chromium that is gone, with its profile and all its processes, after the test. A browser takes a second to
// start: tests that belong together share one and take a [Page] each.
func Start(t testing.TB) *Browser {
	t.Helper()
	// chromedp's own options keep shared memory out of /dev/shm, which is small in containers, and let root start it.
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(required.Program(t, missing, names...)),
		chromedp.DisableGPU,
		chromedp.Flag("hide-scrollbars", true), // in pictures
		chromedp.Flag("lang", "en-GB"),         // of the browser's own words, in the accessibility tree, too
	)
	allocator, reap := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, kill := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		gently, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := chromedp.Cancel(gently); err != nil {
			t.Logf("closing the browser: %v", err)
		}
		kill()
		reap()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return &Browser{ctx}
}
