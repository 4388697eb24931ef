package pages_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// checkStructure tells what is wrong with a page for those who do not see it, and for a browser that runs nothing inline.
func checkStructure(t *testing.T, path, page string) {
	t.Helper()
	c := check(parse(t, page))
	for _, complaint := range c.complaints {
		t.Errorf("%s: %s", path, complaint)
	}
}

func check(doc *html.Node) *checker {
	c := &checker{ids: map[string]int{}, labelled: map[string]bool{}}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			c.learn(n)
		}
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			c.element(n)
		}
	}
	if c.h1 != 1 {
		c.wrong("%d main headings", c.h1)
	}
	if c.scripts > 1 {
		c.wrong("%d scripts", c.scripts)
	}
	for id, times := range c.ids {
		if times > 1 {
			c.wrong("the id %s %d times", id, times)
		}
	}
	return c
}

type checker struct {
	ids        map[string]int
	labelled   map[string]bool // by id
	level      int             // of the heading before
	h1         int
	scripts    int
	complaints []string
}

func (c *checker) wrong(format string, args ...any) {
	c.complaints = append(c.complaints, sprintf(format, args...))
}

func (c *checker) learn(n *html.Node) {
	if id, has := attrOf(n, "id"); has {
		c.ids[id]++
	}
	if n.Data == "label" {
		c.labelled[attr(n, "for")] = true
	}
}

func (c *checker) element(n *html.Node) {
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			c.wrong("<%s> has the attribute %s", n.Data, a.Key)
		}
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
			c.wrong("<%s> has %s=%q", n.Data, a.Key, a.Val)
		}
	}
	for _, refers := range []string{"aria-labelledby", "aria-describedby", "for"} {
		for id := range strings.FieldsSeq(attr(n, refers)) {
			if c.ids[id] == 0 {
				c.wrong("<%s %s> names the id %s, which is not there", n.Data, refers, id)
			}
		}
	}
	switch n.Data {
	case "script":
		c.scripts++
		if attr(n, "src") == "" || n.FirstChild != nil {
			c.wrong("a script stands in the page")
		}
	case "style", "img", "iframe", "object", "embed", "base", "font":
		c.wrong("there is a <%s>", n.Data)
	case "h1", "h2", "h3", "h4":
		c.heading(n)
	case "input", "textarea", "select":
		c.control(n)
	case "button", "a":
		if name(n) == "" {
			c.wrong("a <%s> has no name", n.Data)
		}
	case "svg":
		if attr(n, "aria-hidden") != "true" && parentIsHTML(n) && (attr(n, "role") != "img" || name(n) == "" && attr(n,
			"aria-labelledby") == "") {
			c.wrong("a picture has no name")
		}
	case "table":
		c.table(n)
	}
	if n.Data == "html" && attr(n, "lang") == "" {
		c.wrong("the page has no language")
	}
	if _, focus := attrOf(n, "tabindex"); focus && attr(n, "role") == "region" && name(n) == "" && attr(n, "aria-labelledby") == "" {
		c.wrong("a region has no name")
	}
}

func parentIsHTML(n *html.Node) bool { return n.Parent == nil || n.Parent.Namespace == "" }

func (c *checker) heading(n *html.Node) {
	level := int(n.Data[1] - '0')
	if level == 1 {
		c.h1++
	}
	if level > c.level+1 {
		c.wrong("h%d %q follows h%d", level, text(n), c.level)
	}
	c.level = level
	if text(n) == "" {
		c.wrong("an empty h%d", level)
	}
}

func (c *checker) control(n *html.Node) {
	if attr(n, "type") == "hidden" {
		return
	}
	if attr(n, "aria-label") != "" || c.labelled[attr(n, "id")] && attr(n, "id") != "" {
		return
	}
	for up := n.Parent; up != nil; up = up.Parent {
		if up.Data == "label" {
			return
		}
	}
	c.wrong("the control %s has no label", attr(n, "name"))
}

func (c *checker) table(n *html.Node) {
	caption := false
	for d := range n.Descendants() {
		switch d.Data {
		case "caption":
			caption = text(d) != ""
		case "th":
			if attr(d, "scope") == "" {
				c.wrong("a table's heading has no scope")
			}
			if text(d) == "" {
				c.wrong("a table's heading is empty")
			}
		}
	}
	if !caption {
		c.wrong("a table has no caption")
	}
}

// name is what an element is called by those who read it out.
func name(n *html.Node) string {
	if label := attr(n, "aria-label"); label != "" {
		return label
	}
	return text(n)
}

func TestTheCheckerSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		`<p style="color:red">x</p>`, `<p onclick="x()">x</p>`, `<script>x()</script>`, `<a href="javascript:x()">x</a>`, `<img src="x">`,
		`<input name="x">`, `<h1>two</h1>`, `<h3>skips</h3>`, `<p id="a"></p><p id="a"></p>`, `<p aria-labelledby="none">x</p>`,
		`<table><tr><td>x</td></tr></table>`, `<table><caption>x</caption><tr><th>x</th></tr></table>`, `<a href="/"></a>`, `<svg></svg>`,
	} {
		c := check(parse(t, `<html lang="en"><body><h1>one</h1>`+wrong))
		if len(c.complaints) == 0 {
			t.Errorf("nothing is wrong with %s", wrong)
		}
	}
	if c := check(parse(t, `<html lang="en"><body><h1>one</h1><h2>two</h2><label>x <input name="x"></label>`)); len(c.complaints) != 0 {
		t.Errorf("a sound page is blamed: %v", c.complaints)
	}
}
