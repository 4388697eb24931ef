// Package madepage holds the tables of documents that tests make from the program itself.
package madepage

import (
	"os"
	"strings"
	"testing"
)

// Update is the variable that lets tests write their tables anew instead of failing.
const Update = "UPDATE_README"

// Hold compares what stands in a document between <!-- NAME --> and <!-- /NAME --> with what should. pkg is the package to
// be tested for an update, as go test takes it.
func Hold(t testing.TB, path, name, want, pkg string) {
	t.Helper()
	text, err := os.ReadFile(path) //nolint:gosec // a document of ours
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, found := strings.Cut(string(text), begin)
	is, after, ended := strings.Cut(rest, end)
	switch {
	case !found || !ended:
		t.Fatalf("%s has no %s... %s", path, strings.TrimSpace(begin), end)
	case is == want:
	case os.Getenv(Update) == "":
		t.Errorf("%s is not up to date between %s and %s; %s=1 go test %s writes it", path, strings.TrimSpace(begin), end, Update, pkg)
	default:
		//nolint:gosec // a document, for all to read
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
