package bench

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/redistest"
)

// figures are what was measured, by name, in the order of the runs.
type figures map[string][]float64

func (f figures) add(name string, value float64) { f[name] = append(f[name], value) }

// record is one part's figures, and what they were measured on.
type record struct {
	Date    string  `json:"date"`
	Commit  string  `json:"commit"`
	Machine string  `json:"machine"`
	Cores   int     `json:"cores"`
	Go      string  `json:"go"`
	Redis   string  `json:"redis"`
	Rows    int     `json:"rows"`
	Runs    int     `json:"runs"`
	Figures figures `json:"figures"`
}

// records are the parts that have been measured, by name. Parts that are measured later replace their own alone.
type records map[string]*record

func newRecord(t *testing.T) *record {
	t.Helper()
	info, err := redistest.Start(t).Client(t).Info(t.Context(), "server").Result()
	check(t, err)
	return &record{
		Date: time.Now().UTC().Format(time.DateOnly), Commit: commit(t), Machine: processor(), Cores: runtime.NumCPU(),
		Go: runtime.Version(), Redis: caught(`redis_version:(\S+)`, info), Rows: *rows, Runs: *runs, Figures: make(figures),
	}
}

// commit is what is measured, as git names it; dirty where anything but the figures differs from it.
func commit(t *testing.T) string {
	t.Helper()
	name, err := exec.CommandContext(t.Context(), "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	changed, err := exec.CommandContext(t.Context(), "git", "status", "--porcelain", "--", ":/", ":(top,exclude)docs/performance.*").Output()
	if err != nil || len(changed) > 0 {
		return strings.TrimSpace(string(name)) + "-dirty"
	}
	return strings.TrimSpace(string(name))
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	return caught(`model name\s*: (.*)`, string(text))
}

func caught(pattern, text string) string {
	if found := regexp.MustCompile(pattern).FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return "unknown"
}

// median is the middle one of a figure's values; NaN where it was not measured.
func (r records) median(name string) float64 {
	part, _, _ := strings.Cut(name, ".")
	if r[part] == nil || len(r[part].Figures[name]) == 0 {
		return math.NaN()
	}
	values := slices.Sorted(slices.Values(r[part].Figures[name]))
	middle := len(values) / 2
	if len(values)%2 == 0 {
		return (values[middle-1] + values[middle]) / 2
	}
	return values[middle]
}

// writeDown replaces the measured parts in performance.json, and then the table in performance.md by what is in there.
func writeDown(t *testing.T, folder string, measured records) {
	t.Helper()
	all, page := writtenDown(t, folder)
	maps.Copy(all, measured)
	text, err := json.MarshalIndent(all, "", "\t")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(folder, "performance.json"), append(text, '\n'), 0o644))
	page, err = all.into(page)
	check(t, err)
	check(t, os.WriteFile(filepath.Join(folder, "performance.md"), []byte(page), 0o644))
	for _, why := range all.unexplained(page) {
		t.Errorf("performance.md does not tell what limits a line that is not reached: it has no heading %q", why)
	}
}

// writtenDown reads what was measured before, and the page it stands in.
func writtenDown(t *testing.T, folder string) (all records, page string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "performance.json"))
	check(t, err)
	check(t, json.Unmarshal(text, &all))
	text, err = os.ReadFile(filepath.Join(folder, "performance.md"))
	check(t, err)
	return all, string(text)
}

func TestTheDocumentedTableIsThatOfTheRawFigures(t *testing.T) {
	t.Parallel()
	const docs = "../../docs"
	if os.Getenv("UPDATE_PERFORMANCE") != "" {
		writeDown(t, docs, nil)
	}
	all, page := writtenDown(t, docs)
	made, err := all.into(page)
	check(t, err)
	if made != page {
		t.Error("the table was changed by hand, or its lines in the code: UPDATE_PERFORMANCE=1 go test ./internal/bench writes it anew")
	}
	for _, why := range all.unexplained(page) {
		t.Errorf("a line is not reached, and what limits it is not told: there is no heading %q", why)
	}
}
