package app_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/simshift/simshift/internal/app"
)

// The settings' table in the README is made from the settings; UPDATE_README=1 writes it anew.
func TestTheReadmeListsEverySetting(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../README.md", "<!-- settings -->\n", "<!-- /settings -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatal("the README has no table of settings")
	}
	var table strings.Builder
	table.WriteString("| variable | default | |\n|---|---|---|\n")
	for _, s := range app.Settings {
		usage, value := s.Usage, ""
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		if s.Secret {
			usage += " (secret)"
		}
		fmt.Fprintf(&table, "| `SIMSHIFT_%s` | %s | %s |\n", s.Name, value, usage)
	}
	want := before + begin + table.String() + end + after
	if want == string(text) {
		return
	}
	if os.Getenv("UPDATE_README") != "" {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Error("the table of settings is not up to date; UPDATE_README=1 go test ./internal/app writes it")
}
