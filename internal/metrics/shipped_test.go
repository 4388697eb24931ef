package metrics_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/simshift/simshift/internal/required"
)

// shipped reads a file of deploy.
func shipped(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// promtool runs Prometheus's own checker, which must be content.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	promtoolOn(t, "", args...)
}

// promtoolOn is that with something on its standard input.
func promtoolOn(t *testing.T, input string, args ...string) {
	t.Helper()
	program := required.Program(t, "promtool is not on PATH; `make test` installs it on Debian (apt-get install prometheus), elsewhere "+
		"it comes with Prometheus", "promtool")
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin = strings.NewReader(input)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

func TestTheFiguresAreNamedAsPrometheusWantsThem(t *testing.T) {
	t.Parallel()
	var ours strings.Builder
	for line := range strings.Lines(exposure(t)) { // Go's own figures have names of their own
		if strings.Contains(line, "simshift_") {
			ours.WriteString(line)
		}
	}
	promtoolOn(t, ours.String(), "check", "metrics")
}

func TestTheExampleOfScrapingIsOneThatPrometheusTakes(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "config", "--syntax-only", "../../deploy/prometheus/prometheus.yml")
}

// panel is what is looked at of one of the dashboard's.
type panel struct {
	Title, Type, Description string
	Datasource               struct{ UID string }
	Targets                  []struct{ Expr string }
	Panels                   []panel
}

// expressions are those of the dashboard, with values in place of Grafana's variables, by their panel.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	var board panel
	if err := json.Unmarshal([]byte(shipped(t, "grafana/simshift.json")), &board); err != nil {
		t.Fatal(err)
	}
	values := strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$__interval", "1m", "$job_id", ".+", "$instance", ".+")
	found := make(map[string]string)
	var look func([]panel)
	look = func(panels []panel) {
		for _, p := range panels {
			if p.Type != "row" && (p.Description == "" || p.Datasource.UID != "$datasource" || len(p.Targets) == 0) {
				t.Errorf("panel %q has no description, not the dashboard's data source, or no expression", p.Title)
			}
			for i, target := range p.Targets {
				found[fmt.Sprintf("panel %q, %d", p.Title, i+1)] = values.Replace(target.Expr)
			}
			look(p.Panels)
		}
	}
	look(board.Panels)
	if len(found) < 10 {
		t.Errorf("the dashboard has %d expressions", len(found))
	}
	return found
}

// Recording rules are expressions that promtool looks at.
func TestTheDashboardsExpressionsAreWellFormed(t *testing.T) {
	t.Parallel()
	type rule struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var rules []rule
	for _, expr := range expressions(t) {
		if strings.Contains(expr, "$") {
			t.Errorf("a variable in %s is not known here", expr)
		}
		rules = append(rules, rule{fmt.Sprintf("dashboard:%d", len(rules)), expr})
	}
	text, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dashboard.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", path)
}

var (
	selector = regexp.MustCompile(`\b(simshift_\w+?)(?:_bucket|_sum|_count)?\b(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
)

// Whoever renames a figure renames it wherever it is looked at: a series that is not there is no error to Prometheus.
func TestDashboardAndAlertsLookAtFiguresThatThereAre(t *testing.T) {
	t.Parallel()
	figures := read(t, exposure(t))
	for _, where := range []string{"grafana/simshift.json", "prometheus/alerts.yml"} {
		for _, found := range selector.FindAllStringSubmatch(shipped(t, where), -1) {
			figure := figures[found[1]]
			if figure == nil {
				t.Errorf("%s: there is no %s", where, found[1])
				continue
			}
			for _, label := range matcher.FindAllStringSubmatch(found[2], -1) {
				if !figure.labels[label[1]] && label[1] != "instance" && label[1] != "le" {
					t.Errorf("%s: %s has no label %s", where, found[1], label[1])
				}
			}
		}
	}
}
