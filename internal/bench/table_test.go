package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// line is a line of the table: a figure, and what it is to be held against.
type line struct {
	what, target string
	figure       string
	show         func(float64) string
	times        string  // the figure that it is divided by; empty: none is
	least, most  float64 // of the ratio, or of the figure where there is none; 0: no bound
	allow        func(rows int) float64
	why          string // the heading in performance.md under which stands what limits it
}

const mebi = 1 << 20

// importMemory is the most that the importer may take, and is what its peak is divided by.
func importMemory(rows int) float64 { return 64*mebi + 24*float64(rows) }

func importMemoryLarge(rows int) float64 { return importMemory(10 * rows) }

var lines = []line{
	{what: "import, checked, deduplicated, durable (`always`)", target: "10 times the day-one program", why: "import",
		figure: "import.always.simshift.rows/s", show: rate("rows/s"), times: "import.always.day-one.rows/s", least: 10},
	{what: "the same with `everysec`", target: "10 times the day-one program", why: "import",
		figure: "import.everysec.simshift.rows/s", show: rate("rows/s"), times: "import.everysec.day-one.rows/s", least: 10},
	{what: "import (`everysec`)", target: "as fast as gocsv.UnmarshalToCallback alone", why: "import",
		figure: "import.everysec.simshift.rows/s", show: rate("rows/s"), times: "import.read-callback.rows/s", least: 1},
	{what: "importer's peak memory", target: "64 MB + 24 bytes a row", why: "memory",
		figure: "import.everysec.simshift.peak-bytes", show: megabytes, allow: importMemory, most: 1},
	{what: "the same, ten times the rows", target: "64 MB + 24 bytes a row", why: "memory",
		figure: "scale.large.import.peak-bytes", show: megabytes, allow: importMemoryLarge, most: 1},
	{what: "Redis, at rest", target: "64 bytes a device", why: "redis",
		figure: "import.everysec.simshift.redis-bytes/device", show: plain("bytes"), most: 64},
	{what: "Redis, in flight", target: "64 bytes a device", why: "redis",
		figure: "callbacks.everysec.in-flight.redis-bytes/device", show: plain("bytes"), most: 64},
	{what: "callbacks, `everysec`", target: "as many as the bare decoding handler", why: "callbacks",
		figure: "callbacks.everysec.simshift.callbacks/s", show: rate("/s"), times: "callbacks.everysec.bare.callbacks/s", least: 1},
	{what: "callbacks, `always`", target: "80% of the bare decoding handler", why: "callbacks",
		figure: "callbacks.always.simshift.callbacks/s", show: rate("/s"), times: "callbacks.always.bare.callbacks/s", least: 0.8},
	{what: "p99 in a burst of 10,000 a second, `everysec`", target: "under 100 ms", why: "burst",
		figure: "callbacks.everysec.simshift.burst.p99-ms", show: plain("ms"), most: 100},
	{what: "p99 in a burst of 10,000 a second, `always`", target: "under 100 ms", why: "burst",
		figure: "callbacks.always.simshift.burst.p99-ms", show: plain("ms"), most: 100},
	{what: "export of results", target: "10 times the day-one program", why: "export",
		figure: "job.simshift.export.rows/s", show: rate("rows/s"), times: "job.day-one.export.rows/s", least: 10},
	{what: "exporter's peak memory, ten times the rows", target: "constant: at most 1.1 times that of a tenth of the rows", why: "export",
		figure: "scale.large.export.peak-bytes", show: megabytes, times: "scale.small.export.peak-bytes", most: 1.1},
	{what: "whole job under a rate limit", target: "within 3% of the least time the limit allows, plus the last answer", why: "limit",
		figure: "limit.seconds", show: plain("s"), times: "limit.least-seconds", most: 1.03},
	{what: "whole job without a limit, simulator included", target: "1 million devices in under 100 s", why: "job",
		figure: "job.seconds", show: plain("s"), most: 100},
	{what: "ten times the rows against a tenth: import", target: "the same cost a device within 10%", why: "scale",
		figure: "scale.large.import-us/device", show: plain("µs"), times: "scale.small.import-us/device", most: 1.1},
	{what: "the same: callback", target: "the same within 10%", why: "scale",
		figure: "scale.large.callback-us", show: plain("µs"), times: "scale.small.callback-us", most: 1.1},
	{what: "the same: export", target: "the same within 10%", why: "scale",
		figure: "scale.large.export-us/device", show: plain("µs"), times: "scale.small.export-us/device", most: 1.1},
	{what: "the same: `jobs show`", target: "the same within 10%", why: "scale",
		figure: "scale.large.show-ms", show: plain("ms"), times: "scale.small.show-ms", most: 1.1},
	{what: "`jobs show`, ten times the rows", target: "under 50 ms", why: "looking",
		figure: "scale.large.show-ms", show: plain("ms"), most: 50},
	{what: "`device ID`, ten times the rows", target: "under 300 ms", why: "looking",
		figure: "scale.large.device-ms", show: plain("ms"), most: 300},
	{what: "the console's overview, ten times the rows", target: "under 100 ms", why: "console",
		figure: "scale.large.overview-ms", show: plain("ms"), most: 100},
	{what: "the console's page of the job, ten times the rows", target: "under 100 ms", why: "console",
		figure: "scale.large.job-page-ms", show: plain("ms"), most: 100},
	{what: "p99 in a burst of 10,000 a second, 50 browsers watching", target: "within 20% of that without them", why: "console",
		figure: "console.watched.p99-ms", show: plain("ms"), times: "console.alone.p99-ms", most: 1.2},
	{what: "four workers against one: devices submitted", target: "no slower (3% are noise)", why: "spread",
		figure: "spread.many.submitted/s", show: rate("/s"), times: "spread.one.submitted/s", least: 0.97},
	{what: "two listeners against one: callbacks", target: "no slower (3% are noise)", why: "spread",
		figure: "spread.many.callbacks/s", show: rate("/s"), times: "spread.one.callbacks/s", least: 0.97},
	{what: "the idlest of four workers", target: "none starved: half an even share", why: "spread",
		figure: "spread.many.least-worker", show: plain("of an even share"), least: 0.5},
	{what: "the idlest of two listeners", target: "none starved: half an even share", why: "spread",
		figure: "spread.many.least-listener", show: plain("of an even share"), least: 0.5},
}

// besides are what the lines are held against, and what else one would like to know.
var besides = []line{
	{what: "encoding/csv reads", figure: "import.read-csv.rows/s", show: rate("rows/s")},
	{what: "gocsv's NewUnmarshaller reads", figure: "import.read-unmarshaller.rows/s", show: rate("rows/s")},
	{what: "gocsv.UnmarshalToCallback reads", figure: "import.read-callback.rows/s", show: rate("rows/s")},
	{what: "the day-one program imports, `everysec`", figure: "import.everysec.day-one.rows/s", show: rate("rows/s")},
	{what: "its peak memory", figure: "import.everysec.day-one.peak-bytes", show: megabytes},
	{what: "Redis, for each of its devices at rest", figure: "import.everysec.day-one.redis-bytes/device", show: plain("bytes")},
	{what: "it takes callbacks, `everysec`", figure: "callbacks.everysec.day-one.callbacks/s", show: rate("/s")},
	{what: "it takes callbacks, `always`", figure: "callbacks.always.day-one.callbacks/s", show: rate("/s")},
	{what: "it exports", figure: "job.day-one.export.rows/s", show: rate("rows/s")},
	{what: "its exporter's peak memory", figure: "job.day-one.export.peak-bytes", show: megabytes},
	{what: "the bare handler's p99 in a burst of 10,000 a second", figure: "callbacks.everysec.bare.burst.p99-ms", show: plain("ms")},
	{what: "the day-one program's, `everysec`", figure: "callbacks.everysec.day-one.burst.p99-ms", show: plain("ms")},
	{what: "simshift's p99 at full speed, `everysec`", figure: "callbacks.everysec.simshift.p99-ms", show: plain("ms")},
	{what: "simshift's p99 at full speed, `always`", figure: "callbacks.always.simshift.p99-ms", show: plain("ms")},
	{what: "simshift's first callbacks, a tenth of the rows in flight: each", figure: "scale.small.first-callbacks-us", show: plain("µs")},
	{what: "the same, ten times the rows", figure: "scale.large.first-callbacks-us", show: plain("µs")},
	{what: "simshift's listener's peak memory, a tenth of the rows in flight", figure: "scale.small.listener.peak-bytes", show: megabytes},
	{what: "the same, ten times the rows", figure: "scale.large.listener.peak-bytes", show: megabytes},
	{what: "the generator's processor time for a callback", figure: "callbacks.everysec.bare.generator-us", show: plain("µs")},
}

func rate(unit string) func(float64) string {
	return func(v float64) string { return count(v) + " " + unit }
}

// count writes a number with its thousands apart.
func count(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// plain writes three digits that count, and all of a large number.
func plain(unit string) func(float64) string {
	return func(v float64) string {
		if v >= 1000 {
			return count(v) + " " + unit
		}
		return fmt.Sprintf("%.3g %s", v, unit)
	}
}

func megabytes(v float64) string { return fmt.Sprintf("%.0f MB", v/mebi) }

// unmeasured stands in the table for a figure that nobody has taken.
const unmeasured = "not measured"

// score gives a line's median, its ratio, and whether that is what was to be reached.
func (r records) score(l *line) (measured, ratio, verdict string) {
	value := r.median(l.figure)
	part, _, _ := strings.Cut(l.figure, ".")
	by := 1.0
	switch {
	case math.IsNaN(value):
	case l.times != "":
		by = r.median(l.times)
	case l.allow != nil:
		by = l.allow(r[part].Rows)
	}
	judged := value / by
	if math.IsNaN(judged) {
		return unmeasured, "", ""
	}
	if l.times != "" || l.allow != nil {
		ratio = fmt.Sprintf("%.2f", judged)
	}
	if l.times != "" {
		ratio += " × " + l.show(by)
	}
	verdict = "reached"
	if judged < l.least || l.most > 0 && judged > l.most {
		verdict = "not reached: [why](#" + l.why + ")"
	}
	return l.show(value), ratio, verdict
}

// table is the table of performance.md, the yardsticks, and what each part was measured on.
func (r records) table() string {
	var b strings.Builder
	b.WriteString("| what | at least | measured | ratio | |\n|---|---|---|---|---|\n")
	for i := range lines {
		measured, ratio, verdict := r.score(&lines[i])
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", lines[i].what, lines[i].target, measured, ratio, verdict)
	}
	b.WriteString("\n| beside it | measured |\n|---|---|\n")
	for i := range besides {
		measured, _, _ := r.score(&besides[i])
		fmt.Fprintf(&b, "| %s | %s |\n", besides[i].what, measured)
	}
	b.WriteString("\n| part | devices | runs | commit | date | on |\n|---|---|---|---|---|---|\n")
	for _, p := range parts {
		if m := r[p.name]; m != nil {
			fmt.Fprintf(&b, "| `%s` | %s | %d | %s | %s | %d cores %s, %s, Redis %s |\n", p.name, count(float64(m.Rows)),
				m.Runs, m.Commit, m.Date, m.Cores, m.Machine, m.Go, m.Redis)
		}
	}
	return b.String()
}

// unexplained is the headings that the page lacks, under which it must say what limits what is not reached.
func (r records) unexplained(page string) (headings []string) {
	for i := range lines {
		heading := "### " + lines[i].why
		_, _, verdict := r.score(&lines[i])
		if strings.HasPrefix(verdict, "not reached") && !strings.Contains(page, "\n"+heading+"\n") {
			headings = append(headings, heading)
		}
	}
	return slices.Compact(headings)
}

// The table stands between these in performance.md; all around it is written by hand.
const (
	tableBegins = "<!-- measured -->\n"
	tableEnds   = "<!-- /measured -->\n"
)

// into puts the table in the place of the one before.
func (r records) into(page string) (string, error) {
	before, rest, found := strings.Cut(page, tableBegins)
	_, after, ended := strings.Cut(rest, tableEnds)
	if !found || !ended {
		return "", fmt.Errorf("performance.md must have a line %q and a line %q", tableBegins, tableEnds)
	}
	return before + tableBegins + r.table() + tableEnds + after, nil
}
