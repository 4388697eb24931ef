package worker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madepage"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// tenMillion is a night of ten million devices in twenty accounts, as docs/scale.md tells of it. The clock is put forward in
// it: the window lasts six hours.
func tenMillion(t testing.TB) script {
	t.Helper()
	s := script{
		now:    time.Date(2026, 3, 8, 3, 0, 0, 0, time.UTC), // Saturday, 21:00
		policy: nightly(t, "22:00-05:00"), limits: limitsOf(t, "2/s", "60000/min"), groups: slices.Repeat([]int64{500_000}, 20), seed: 2,
		carrier: mood{
			lostRequests: 0.002, lostAnswers: 0.002, permanent: 0.005, transient: 0.01, off: 4, offFails: 0.6,
			answers: 90 * time.Second, latest: 20 * time.Minute,
		},
	}
	s.policy.AnswerWithin, s.policy.Backoff, s.policy.Gate = 30*time.Minute, 45*time.Minute, 0.9
	s.policy.Waves = wavesOf(t, "100,5%,100%")
	return s
}

// nightly is the default policy with a window in Chicago.
func nightly(t testing.TB, window string) jobs.Policy {
	t.Helper()
	w, err := jobs.ParseWindow(window)
	if err != nil {
		t.Fatal(err)
	}
	p := jobs.DefaultPolicy()
	p.Schedule = jobs.Schedule{Zone: "America/Chicago", Windows: []jobs.Window{w}}
	return p
}

func wavesOf(t testing.TB, text string) []jobs.Wave {
	t.Helper()
	waves, err := jobs.ParseWaves(text)
	if err != nil {
		t.Fatal(err)
	}
	return waves
}

func limitsOf(t testing.TB, requests, devices string) (l ratelimit.Limits) {
	t.Helper()
	var err error
	if l.Requests, err = ratelimit.ParseRate(requests); err == nil {
		l.Devices, err = ratelimit.ParseRate(devices)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What is played with the program's own decisions must come out as the arithmetic says, which knows nothing of them.
func TestANightOfTenMillionDevicesIsAsTheArithmeticSays(t *testing.T) {
	t.Parallel()
	s := tenMillion(t)
	n := playNight(t, s)
	if n.books.job.State != jobs.Finished {
		t.Fatalf("the job ended as %v: %s", n.books.job.State, n.books.job.Hold)
	}
	n.checkLimits(60_000, 2)
	n.checkWaves(len(s.policy.Waves))
	n.checkDevices()
	n.checkHours(22, 5)

	sum, counts := reckon(s), n.books.counts
	lines := []line{
		{"devices sent, all attempts", sum.sent, float64(n.books.job.Attempts), 0.005},
		{"succeeded", sum.succeeded, float64(counts[jobs.Succeeded]), 0.001},
		{"failed", sum.failed, float64(counts[jobs.Failed]), 0.01},
		{"unanswered", sum.unanswered, float64(counts[jobs.Unanswered]), 0.25},
		{"first requests", sum.requests, float64(n.firstRequests()), 0},
		{"minutes until the second wave opens", sum.firstWave.Minutes(), n.opened(2).Sub(n.book[0].at).Minutes(), 0.5},
		{"minutes from there until the third opens", sum.secondWave.Minutes(), n.opened(3).Sub(n.opened(2)).Minutes(), 0.02},
		{"minutes in which the third is sent", sum.thirdWave.Minutes(), n.lastFirst().Sub(n.opened(3)).Minutes(), 0.06},
		{"answers in the busiest second", sum.busiest, float64(n.busiest), 0.1},
	}
	var table strings.Builder
	table.WriteString("| | arithmetic | played | differs | may by |\n|---|---:|---:|---:|---:|\n")
	for _, l := range lines {
		l.write(&table)
		if off := l.off(); off > l.may || off < -l.may {
			t.Errorf("%s: %.1f by the arithmetic, %.1f played: %.1f%% apart, and at most %.1f%% may be", l.what, l.reckoned, l.played,
				100*off, 100*l.may)
		}
	}
	fmt.Fprintf(&table, "| requests, all attempts | | %s | | |\n", grouped(float64(n.books.job.Requests)))
	fmt.Fprintf(&table, "| last device settled after the first request | | %.1f h | | |\n", n.at.Sub(n.book[0].at).Hours())
	madepage.Hold(t, "../docs/scale.md", "night", table.String(), "./worker")
}

// line is a figure by the arithmetic and as it was played, and how far they may differ.
type line struct {
	what             string
	reckoned, played float64
	may              float64
}

func (l line) off() float64 { return l.played/l.reckoned - 1 }

func (l line) write(out *strings.Builder) {
	fmt.Fprintf(out, "| %s | %s | %s | %+.1f%% | %.1f%% |\n", l.what, grouped(l.reckoned), grouped(l.played), 100*l.off(), 100*l.may)
}

// grouped writes a figure with its thousands apart, and small ones with a digit after the point.
func grouped(x float64) string {
	if x < 1000 && x != float64(int64(x)) {
		return fmt.Sprintf("%.1f", x)
	}
	text := fmt.Sprintf("%.0f", x)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// What `simshift plan` says of the earliest end, and of the requests it takes, is what comes about where nothing fails and the
// carrier answers at once.
func TestAForecastIsKeptWhereNothingFails(t *testing.T) {
	t.Parallel()
	const mixed = "batches that fill no chunk" // of 6,000 and 4,000 in turn: no minute's devices can be filled with them
	for name, change := range map[string]func(*script){
		"ten million in a window":      func(s *script) { s.groups = slices.Repeat([]int64{500_000}, 20) },
		"windows too short for it":     func(s *script) { s.policy.Schedule = nightly(t, "22:00-22:03").Schedule },
		"no multiple in a window":      func(s *script) { s.policy.PerWindow = 345_000 },
		mixed:                          func(s *script) { s.policy.BatchSize, s.groups = 6000, slices.Repeat([]int64{100_000}, 10) },
		"requests are what is limited": func(s *script) { s.policy.BatchSize, s.limits.Devices = 100, ratelimit.Rate{} },
		"waves over many small accounts": func(s *script) {
			s.groups, s.policy.Waves = slices.Repeat([]int64{1000}, 300), wavesOf(t, "100,5%,100%")
		},
		"a wave too small for each account": func(s *script) {
			s.groups, s.policy.Waves = []int64{8472, 5, 11806}, wavesOf(t, "20000,3,100%")
		},
		"uneven accounts": func(s *script) { s.groups = []int64{1, 700_001, 29_999, 10_000, 123} },
		"a small fleet":   func(s *script) { s.groups = []int64{20_000} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script{
				now: time.Date(2026, 6, 2, 0, 0, 0, 0, time.UTC), policy: nightly(t, "22:00-05:00"),
				limits: limitsOf(t, "2/s", "60000/min"), groups: slices.Repeat([]int64{50_000}, 10), seed: 1,
			}
			change(&s)
			f := s.policy.Forecast(s.now, s.policy.Batches(s.groups), s.limits.Gap)
			n := playNight(t, s)
			requests, windows := 0, make(map[time.Time]bool)
			for range s.policy.Batches(s.groups) {
				requests++
			}
			for _, r := range n.book {
				span, open := s.policy.Schedule.Span(r.at)
				if windows[span.From] = true; !open {
					t.Fatalf("a request at %v, and the next window begins at %v", r.at, span.From)
				}
			}
			if requests != len(n.book) || f.Windows != len(windows) {
				t.Errorf("%d requests in %d windows were forecast, %d in %d were made", requests, f.Windows, len(n.book), len(windows))
			}
			// Turns are paced a hundredth slower than the limits; a wave's last answer takes a second, and the planner's look five.
			last := n.book[len(n.book)-1].at
			slack := f.Least / 50
			if name == mixed {
				slack *= 2
			}
			slack += time.Duration(1+len(s.policy.Waves)) * 7 * time.Second
			if n.book[0].at.Sub(f.Starts).Abs() > time.Second || last.Before(f.Ends) || last.Sub(f.Ends) > slack {
				t.Errorf("forecast from %v to %v, sent from %v to %v", f.Starts, f.Ends, n.book[0].at, last)
			}
			n.checkDevices()
		})
	}
}
