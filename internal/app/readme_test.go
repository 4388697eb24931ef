package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/simshift/simshift/internal/app"
	"github.com/simshift/simshift/internal/madepage"
)

// The settings' table in the README is made from the settings; UPDATE_README=1 writes it anew.
func TestTheReadmeListsEverySetting(t *testing.T) {
	t.Parallel()
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
	madepage.Hold(t, "../../README.md", "settings", table.String(), "./internal/app")
}
