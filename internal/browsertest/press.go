package browsertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Press clicks where the control with this role and name is seen, which must be the only one. Both are as [Control] has
// them: what a screen reader does not tell of can not be pressed.
func (p *Page) Press(role, name string) {
	p.t.Helper()
	p.Do(p.press(role, name))
}

// Follow presses a control that leads to another page, waits until that is there, and fails the test unless it is answered 200.
func (p *Page) Follow(role, name string) {
	p.t.Helper()
	if status := p.FollowTo(role, name); status != http.StatusOK {
		p.t.Fatalf("%s %q leads to a page with status %d", role, name, status)
	}
}

// FollowTo presses a control that leads to another page, waits until that is there, and gives its status.
func (p *Page) FollowTo(role, name string) int {
	p.t.Helper()
	return p.loaded(p.press(role, name))
}

// Open goes to an address, waits until the page is there, and gives its status.
func (p *Page) Open(url string) int {
	p.t.Helper()
	return p.loaded(chromedp.Navigate(url))
}

func (p *Page) loaded(step chromedp.Action[chromedp.Void]) int {
	p.t.Helper()
	response := Get(p, func(ctx context.Context, _ *chromedp.Target) (*network.Response, error) {
		return chromedp.RunResponse(ctx, step)
	})
	return int(response.Status)
}

// Fill writes a text into the field with this name, in place of what is in it.
func (p *Page) Fill(name, text string) {
	p.t.Helper()
	p.Do(p.at("", name, func(ctx context.Context, tab *chromedp.Target, c Control) error {
		if _, err := cdp.Call(ctx, tab, dom.Focus, dom.FocusParams{BackendNodeID: c.node}); err != nil {
			return err
		}
		if _, err := chromedp.Evaluate[chromedp.Void]("document.activeElement.select()")(ctx, tab); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, tab, input.InsertText, input.InsertTextParams{Text: text})
		return err
	}))
}

// press focuses the control first: a page that puts parts of itself in anew leaves that in place which has the focus.
func (p *Page) press(role, name string) chromedp.Action[chromedp.Void] {
	return p.at(role, name, func(ctx context.Context, tab *chromedp.Target, c Control) error {
		if _, err := cdp.Call(ctx, tab, dom.Focus, dom.FocusParams{BackendNodeID: c.node}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, tab, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: c.node}); err != nil {
			return err
		}
		got, err := cdp.Call(ctx, tab, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: c.node})
		if err != nil {
			return err
		}
		if len(got.Quads) == 0 || len(got.Quads[0]) != 8 {
			return fmt.Errorf("%s %q is not seen", c.Role, c.Name)
		}
		q := got.Quads[0] // corners, each x before y
		_, err = chromedp.MouseClickXY((q[0]+q[4])/2, (q[1]+q[5])/2)(ctx, tab)
		return err
	})
}

// tries is how often a control is looked up anew that was replaced under the hand that reached for it.
const tries = 5

// at does something to the one control with this name, and with this role unless that is empty: then to the one field.
func (p *Page) at(role, name string, do func(context.Context, *chromedp.Target, Control) error) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		var failed error
		for range tries {
			list, err := controls(ctx, tab)
			if err != nil {
				return chromedp.Void{}, err
			}
			c, err := only(list, role, name)
			if err != nil {
				return chromedp.Void{}, err
			}
			if failed = do(ctx, tab, c); !isGone(failed) {
				break
			}
		}
		return chromedp.Void{}, failed
	}
}

// isGone tells whether a control was replaced since it was looked up.
func isGone(err error) bool {
	fault := new(cdproto.Error)
	return errors.As(err, &fault)
}

// fields are the roles of what is written into.
var fields = map[string]bool{"textbox": true, "searchbox": true, "spinbutton": true}

func only(list []Control, role, name string) (found Control, err error) {
	var seen []string
	times := 0
	for _, c := range list {
		if c.Role == role || role == "" && fields[c.Role] {
			seen = append(seen, c.Name)
			if c.Name == name {
				found = c
				times++
			}
		}
	}
	if times != 1 {
		return found, fmt.Errorf("%d times %s %q, among %q", times, role, name, seen)
	}
	return found, nil
}

// Until waits until a JavaScript expression is true of the page, which is asked at each change of what the page shows. The
// page must not be left meanwhile, and must let its scripts run.
func (p *Page) Until(expression string) {
	p.t.Helper()
	p.Do(chromedp.Evaluate[chromedp.Void](`new Promise((done) => {
		const look = () => {
			if (!(`+expression+`)) return;
			changes.disconnect();
			done();
		};
		const changes = new MutationObserver(look);
		changes.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
		look();
	})`, chromedp.EvalAwaitPromise))
}

// Download presses a control that leads to a file, and gives the file's name and what is in it.
func (p *Page) Download(role, name string) (file string, content []byte) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	begins, progress := chromedp.Events(ctx, browser.DownloadWillBegin), chromedp.Events(ctx, browser.DownloadProgress)
	folder, on := p.t.TempDir(), true
	p.Do(command(browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior:         browser.SetDownloadBehaviorBehaviorAllowAndName, //nolint:misspell // the protocol's own word
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID, DownloadPath: folder, EventsEnabled: &on,
	}), p.press(role, name))
	for event, err := range begins {
		if err != nil {
			p.t.Fatalf("%s %q leads to no file: %v", role, name, err)
		}
		file = event.SuggestedFilename
		break
	}
	for event, err := range progress {
		if err != nil || event.State == browser.DownloadProgressStateCanceled {
			p.t.Fatalf("%s does not come: %v", file, err)
		}
		if event.State != browser.DownloadProgressStateCompleted {
			continue
		}
		if content, err = os.ReadFile(filepath.Join(folder, event.GUID)); err != nil { //nolint:gosec // the browser named it, in our folder
			p.t.Fatal(err)
		}
		break
	}
	return file, content
}
