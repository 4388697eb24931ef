package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/chromedp"
)

// Control is what a person can use or come to by the keyboard, as a screen reader tells of it. The page itself is one: its
// name is its title.
type Control struct {
	Role, Name string

	node cdp.BackendNodeID
}

// roles are those of controls, in the words of ARIA and where that has none, of Chromium. A control that is out of use for
// now is one too, though the keyboard passes it by.
var roles = []string{
	"button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "switch", "slider", "spinbutton", "tab",
	"menuitem", "menuitemcheckbox", "menuitemradio", "treeitem", "DisclosureTriangle", "Date", "DateTime", "InputTime", "ColorWell",
}

// Controls are the page's controls as the accessibility tree has them, in no order. What is hidden from it is not among them.
func (p *Page) Controls() []Control {
	p.t.Helper()
	return Get(p, controls)
}

func controls(ctx context.Context, tab *chromedp.Target) (list []Control, err error) {
	tree, err := cdp.Call(ctx, tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	for _, node := range tree.Nodes {
		role := text(node.Role)
		if !node.Ignored && (slices.Contains(roles, role) || focusable(node)) {
			list = append(list, Control{role, strings.TrimSpace(text(node.Name)), node.BackendDOMNodeID})
		}
	}
	return list, err
}

// Named fails the test for each control without a name.
func (p *Page) Named() {
	p.t.Helper()
	for _, c := range p.Controls() {
		if c.Name == "" {
			p.t.Errorf("a %s has no name: %s", c.Role, p.tag(c))
		}
	}
}

// tag is a control's element as it stands in the page, without what is in it.
func (p *Page) tag(c Control) string {
	p.t.Helper()
	told := Get(p, func(ctx context.Context, tab *chromedp.Target) (dom.DescribeNodeResult, error) {
		return cdp.Call(ctx, tab, dom.DescribeNode, dom.DescribeNodeParams{BackendNodeID: c.node})
	})
	var b strings.Builder
	b.WriteString("<" + strings.ToLower(told.Node.NodeName))
	for pair := range slices.Chunk(told.Node.Attributes, 2) {
		fmt.Fprintf(&b, " %s=%q", pair[0], pair[1])
	}
	return b.String() + ">"
}

// focusable tells whether a node takes the focus. The main part does where a link skips to it, and is no control for that.
func focusable(node *accessibility.Node) bool {
	return text(node.Role) != "main" && slices.ContainsFunc(node.Properties, func(p *accessibility.Property) bool {
		return p.Name == accessibility.PropertyNameFocusable && text(p.Value) == "true"
	})
}

// text is a value of the tree in plain letters.
func text(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	return plain(value.Value)
}

// plain is a JSON value as a person reads it: a string without its quotes.
func plain(value []byte) (text string) {
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	return text
}
