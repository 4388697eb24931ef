package housekeeping_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/simshift/simshift/jobs"
)

var stateRow = regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|[^|\n]*\\|([^|\n]*)\\|$")

func TestTheDocumentedStatesAreTheTransitionTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string][]string)
	for _, row := range stateRow.FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = strings.FieldsFunc(row[2], func(r rune) bool { return r == ',' || r == ' ' })
	}
	if len(documented) != len(jobs.States) {
		t.Errorf("%d states are documented, there are %d", len(documented), len(jobs.States))
	}
	for _, from := range jobs.States {
		for _, to := range jobs.States {
			if said := slices.Contains(documented[from.String()], to.String()); said != from.May(to) {
				t.Errorf("%s may become %s: documented %v, in the table %v", from, to, said, !said)
			}
		}
	}
}
