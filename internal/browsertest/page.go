package browsertest

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Page is a tab with cookies of its own. Its methods belong to the test's own goroutine.
type Page struct {
	t   testing.TB
	ctx context.Context // chromedp's handle of the tab
	log *complaints
}

// Page opens an empty page in a bright window of 1280 by 800 pixels. It is closed after the test, and fails it then for
// every complaint that [Page.Complaints] has not taken.
func (b *Browser) Page(t testing.TB) *Page {
	t.Helper()
	p := &Page{t: t, log: newComplaints()}
	var closing context.CancelFunc
	p.ctx, closing = chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.log.hear))
	t.Cleanup(func() {
		for _, complaint := range p.Complaints() {
			t.Errorf("the browser complains: %s", complaint)
		}
		closing()
	})
	// The first call opens the tab, which lives as long as the call's context: it has no deadline of its own.
	if err := chromedp.Do(p.ctx); err != nil {
		t.Fatalf("no page opens: %v", err)
	}
	p.Do(command(network.Enable, network.EnableParams{}))
	p.Show(1280, Light)
	return p
}

// Do carries the steps out in their order, and ends the test where one fails or takes more than two minutes.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// Get carries out a step that reads something from the page, under the same rules as [Page.Do].
func Get[T any](p *Page, step chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, step)
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// Complaints takes what the browser has complained about since the last call, in order: errors on the console, exceptions
// that nobody caught, requests that failed or were answered with 400 and above. What was broken off, as by leaving the page,
// is no failure.
func (p *Page) Complaints() []string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	// What the page has said before it answers has been heard by then.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int]("0")); err != nil {
		p.t.Errorf("the page does not answer: %v", err)
	}
	return p.log.take()
}

// Scheme is the colour scheme that somebody prefers, as prefers-color-scheme has it.
type Scheme string

// The two schemes.
const (
	Light Scheme = "light"
	Dark  Scheme = "dark"
)

// phone is the width in pixels up to which a window is a phone's: it heeds the viewport element, and is touched.
const phone = 600

// Show sets the window's width in pixels and the scheme, for what is shown and what will be. Nothing moves by itself:
// reduced motion is preferred as well.
func (p *Page) Show(width int, scheme Scheme) {
	p.t.Helper()
	var kind []chromedp.EmulateViewportOption
	if width <= phone {
		kind = append(kind, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	p.Do(chromedp.EmulateViewport(int64(width), 800, kind...),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: string(scheme)},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		}}))
}

// WithoutScripts turns scripts off for what is opened from now on, as a careful browser does.
func (p *Page) WithoutScripts() {
	p.t.Helper()
	p.Do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// PNG is a picture of the whole page, below the window's edge too.
func (p *Page) PNG() []byte {
	p.t.Helper()
	p.Do(chromedp.Evaluate[chromedp.Void]("document.fonts.ready.then(() => {})", chromedp.EvalAwaitPromise))
	return Get(p, chromedp.FullScreenshot(100))
}

// command makes a step of a command of the protocol whose result nobody wants.
func command[P, R any](name cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, tab, name, params)
		return chromedp.Void{}, err
	}
}
