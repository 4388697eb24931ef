package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"regexp"
	"strings"
	"testing"
)

// What the carrier says is text and nothing else: no tag, no address that a browser would fetch, no word of a command line.
func TestForeignWordsDoNothingInAReport(t *testing.T) {
	t.Parallel()
	r := nightReport(t)
	var out bytes.Buffer
	if err := r.write(&out, HTML); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, tag := range regexp.MustCompile(`(?i)<[^>]*>`).FindAllString(text, -1) {
		if regexp.MustCompile(`(?i)^</?(script|img|link|iframe|object|base|form|a)\b|\s(src|href|on\w+|style)\s*=`).MatchString(tag) {
			t.Errorf("the page has %s", tag)
		}
	}
	if regexp.MustCompile(`(?i)url\(|@import`).MatchString(text) {
		t.Error("the style fetches something")
	}
	if !strings.Contains(text, "&lt;script src=") || !strings.Contains(text, "spring &lt;b&gt;migration") {
		t.Error("foreign words are not shown as they are")
	}
	for _, c := range r.NeedsPerson {
		for _, line := range c.Commands {
			if strings.Contains(line, "<script") && !strings.HasSuffix(line, "--fault '"+strings.Replace(hostile, "'", `'\''`, 1)+"'") {
				t.Errorf("printed to be run: %s", line)
			}
		}
	}
}

// The policy in the page's head allows its own style and nothing else.
func TestThePolicyOfAPageAllowsItsStyle(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := nightReport(t).write(&out, HTML); err != nil {
		t.Fatal(err)
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(out.String())
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(out.String())
	if style == nil || policy == nil {
		t.Fatal("the page has no style or no policy")
	}
	sum := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	if got := html.UnescapeString(policy[1]); got != want {
		t.Errorf("the policy is %s, not %s", got, want)
	}
}

func TestAWordOfACommandLineIsQuoted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"REQUEST_FAILED.X": "REQUEST_FAILED.X", "a b": "'a b'", "$(reboot)": "'$(reboot)'", "it's": `'it'\''s'`, "-o": "'-o'",
		"a\nb": "", "\x1b[2J": "", "a\u202eb": "",
	} {
		if got, safe := shellWord(text); got != want || safe != (want != "") {
			t.Errorf("%q becomes %s, %t", text, got, safe)
		}
	}
}

func TestATerminalIsNotMovedByForeignWords(t *testing.T) {
	t.Parallel()
	r := nightReport(t)
	lines := func() int {
		var out bytes.Buffer
		if err := r.write(&out, Table); err != nil {
			t.Fatal(err)
		}
		return strings.Count(out.String(), "\n")
	}
	before := lines()
	last := &r.Log[len(r.Log)-1]
	r.Job.Name, last.Words, last.Act = "a\x1b[2Jb\nNEXT", "c\u202ed", "e\tf\rg"
	if after := lines(); after != before {
		t.Errorf("a name made %d lines", after-before)
	}
	var out bytes.Buffer
	if err := r.write(&out, Table); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e\r") {
		t.Errorf("%q", out.String())
	}
}
