package housekeeping_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madepage"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

const scalePage = "../../docs/scale.md"

// figures are the measured ones that docs/scale.md reckons with, by the name in its first table.
type figures map[string]float64

var figureRow = regexp.MustCompile(`(?m)^\| ([^|]+?) \| ([0-9.,]+) \|`)

func readFigures(t *testing.T) figures {
	t.Helper()
	text, err := os.ReadFile(scalePage)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- figures -->\n")
	table, _, _ := strings.Cut(rest, "<!-- /figures -->")
	f := make(figures)
	for _, row := range figureRow.FindAllStringSubmatch(table, -1) {
		if f[row[1]], err = strconv.ParseFloat(strings.ReplaceAll(row[2], ",", ""), 64); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f figures) of(t *testing.T, name string) float64 {
	t.Helper()
	value, found := f[name]
	if !found || value <= 0 {
		t.Fatalf("docs/scale.md has no figure %q", name)
	}
	return value
}

// The tables of docs/scale.md are made from its figures and from the program's own arithmetic; UPDATE_README=1 writes them anew.
func TestThePageOfScaleIsReckonedFromItsFigures(t *testing.T) {
	t.Parallel()
	f := readFigures(t)
	for name, table := range map[string]func(*testing.T, figures) string{
		"memory": memoryTable, "hours": hoursTable, "processes": processTable, "retries": retryTable,
	} {
		madepage.Hold(t, scalePage, name, table(t, f), "./internal/housekeeping")
	}
}

const million = 1_000_000

func memoryTable(t *testing.T, f figures) string {
	t.Helper()
	perDevice, shard := f.of(t, "Redis, bytes a device"), f.of(t, "memory of a Redis shard, GB")
	var out strings.Builder
	out.WriteString("| devices | in Redis | with room for a rewrite (twice) | shards | import | importer's memory |\n" +
		"|---:|---:|---:|---:|---:|---:|\n")
	for _, devices := range []float64{1 * million, 10 * million, 100 * million, 1000 * million} {
		gigabytes := devices * perDevice / 1e9
		imports := time.Duration(devices / million * f.of(t, "import, seconds a million") * float64(time.Second))
		importer := "ten files or more"
		if devices <= 10*million {
			importer = fmt.Sprintf("%.0f MB", f.of(t, "importer, MB")+devices*f.of(t, "importer, bytes a row")/million)
		}
		fmt.Fprintf(&out, "| %.0f million | %.2f GB | %.2f GB | %.0f | %v | %s |\n", devices/million, gigabytes, 2*gigabytes,
			math.Ceil(2*gigabytes/shard), imports.Round(time.Second), importer)
	}
	return out.String()
}

// limit is a row of the limits that the page compares.
type limit struct{ requests, devices string }

var limitRows = []limit{{"2/s", "60000/min"}, {"2/s", "300000/min"}, {"2/s", "600000/min"}, {"2/s", "0"}}

func (l limit) parse(t *testing.T) (limits ratelimit.Limits) {
	t.Helper()
	var err error
	if limits.Requests, err = ratelimit.ParseRate(l.requests); err == nil {
		limits.Devices, err = ratelimit.ParseRate(l.devices)
	}
	if err != nil {
		t.Fatal(err)
	}
	return limits
}

func hoursTable(t *testing.T, _ figures) string {
	t.Helper()
	window, err := jobs.ParseWindow("22:00-05:00")
	if err != nil {
		t.Fatal(err)
	}
	policy := jobs.DefaultPolicy()
	policy.Schedule.Windows = []jobs.Window{window}
	parts, err := jobs.ParseWaves("100,5%,100%")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("| devices | accounts | waves | limits | requests | hours at least | nights of seven hours " +
		"| answers a second, full batches |\n" +
		"|---:|---:|---:|---|---:|---:|---:|---:|\n")
	for _, fleet := range []struct {
		devices, accounts int64
		waves             []jobs.Wave
	}{{10 * million, 20, nil}, {10 * million, 1000, parts}, {100 * million, 1000, nil}, {100 * million, 1000, parts}} {
		policy.Waves = fleet.waves
		groups := slices.Repeat([]int64{fleet.devices / fleet.accounts}, int(fleet.accounts))
		for _, row := range limitRows {
			limits, requests := row.parse(t), 0
			for range policy.Batches(groups) {
				requests++
			}
			noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
			sent := policy.Forecast(noon, policy.Batches(groups), limits.Gap)
			fmt.Fprintf(&out, "| %d million | %d | %d | %v, %v | %d | %.1f | %d | %.0f |\n", fleet.devices/million, fleet.accounts,
				max(1, len(fleet.waves)), limits.Requests, limits.Devices, requests, sent.Least.Hours(), sent.Windows, answers(limits))
		}
	}
	return out.String()
}

// answers is how many callbacks a second full batches bring in the long run.
func answers(limits ratelimit.Limits) float64 {
	return jobs.MaxChunk / limits.Gap(jobs.MaxChunk).Seconds()
}

func processTable(t *testing.T, f figures) string {
	t.Helper()
	most, takes, tasks := f.of(t, "callbacks a second, one listener"), f.of(t, "a request, seconds"), f.of(t, "asynq tasks a second")
	var out strings.Builder
	out.WriteString("| limits | answers a second | listeners, one to spare | requests in the air | worker slots of 10 | of asynq's tasks |\n" +
		"|---|---:|---:|---:|---:|---:|\n")
	for _, row := range limitRows {
		limits := row.parse(t)
		requests := 1 / limits.Gap(jobs.MaxChunk).Seconds()
		air := requests * takes
		// A batch is four tasks: sent, woken for its deadline, planned after, and planned when it closes.
		fmt.Fprintf(&out, "| %v, %v | %.0f | %.0f | %.1f | %.0f | %.2f%% |\n", limits.Requests, limits.Devices, answers(limits),
			math.Ceil(answers(limits)/most)+1, air, math.Ceil(air), 100*4*requests/tasks)
	}
	return out.String()
}

func retryTable(t *testing.T, _ figures) string {
	t.Helper()
	limits := limitRows[0].parse(t)
	second := limits.Requests.Cost(1).Seconds()
	var out strings.Builder
	out.WriteString("| accounts | `--backoff` | requests a second for one round of retries | of the limit 2/s |\n|---:|---:|---:|---:|\n")
	for _, accounts := range []float64{20, 100, 1000} {
		for _, backoff := range []time.Duration{15 * time.Minute, 45 * time.Minute, 3 * time.Hour} {
			requests := accounts / (backoff / 10).Seconds() // a tenth of the delay is gathered into one request an account
			fmt.Fprintf(&out, "| %.0f | %v | %.2f | %.0f%% |\n", accounts, backoff, requests, 100*requests*second)
		}
	}
	return out.String()
}
