package metrics_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madepage"
	"github.com/simshift/simshift/internal/metrics"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/worker"
)

var night = time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)

// everything is a deployment in which each figure has a value.
func everything() *metrics.Figures {
	started, finished := night, night.Add(time.Hour)
	open := jobs.Job{
		ID: "j1", Name: "night", Target: jobs.Global, State: jobs.Paused, PausedBy: jobs.ByBrake, Devices: 100, Attempts: 60, Repeats: 3,
		Batches: 6, Requests: 5, Callbacks: 41, Drift: "failed 1 instead of 2", StartedAt: &started,
		Policy: jobs.DefaultPolicy(), Counts: jobs.Counts{jobs.Pending: 40, jobs.Submitted: 10, jobs.Succeeded: 48},
	}
	ended := jobs.Job{ID: "j2", Name: "before", State: jobs.Finished, Devices: 1, Counts: jobs.Counts{jobs.Failed: 1}, FinishedAt: &finished}
	return &metrics.Figures{
		Jobs:   []metrics.Job{{Job: open, Oldest: night.Add(time.Minute), InWindow: true}, {Job: ended}},
		Phases: map[jobs.Phase]int{jobs.Paused: 1, jobs.Finished: 7}, LeftOut: 2,
		Limits: ratelimit.Status{
			Limits: ratelimit.Limits{Requests: ratelimit.Rate{Count: 120, Per: time.Minute}}, Share: 0.5, InFlight: 10,
			Holds: []ratelimit.Hold{{Since: night, Until: night.Add(time.Minute)}, {Scope: "0000123456-00001", Since: night}},
		},
		LoginHeld: true, Workers: 2, Parked: 3, ParkedAt: night, InDoubt: 1, Losses: 1,
		Queues: []metrics.Queue{{Name: "submit", Tasks: map[string]int{"pending": 4}, Latency: 2 * time.Second}},
	}
}

func still() time.Time { return night }

// scrape gives what a handler exposes.
func scrape(t *testing.T, handler http.Handler) string {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("a scrape is answered %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// exposure is what a process with all figures exposes, after each of its counters was used.
func exposure(t *testing.T) string {
	t.Helper()
	process := metrics.New()
	process.Answered(http.StatusOK, time.Millisecond)
	process.Requested("accepted", 10, time.Second)
	process.Turn(true, "requests", time.Second)
	read := func(context.Context) (*metrics.Figures, error) { return everything(), nil }
	return scrape(t, process.Handler(new(worker.Fates), metrics.NewDeployment(read, still)))
}

// figure is one of the names that are exposed.
type figure struct {
	name, kind, help string
	labels           map[string]bool
}

var (
	helpLine   = regexp.MustCompile(`^# HELP (\S+) (.*)$`)
	typeLine   = regexp.MustCompile(`^# TYPE (\S+) (\S+)$`)
	sampleLine = regexp.MustCompile(`^([a-z_]+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? `)
	labelName  = regexp.MustCompile(`(\w+)="`)
)

// read reads the figures of ours in an exposition.
func read(t *testing.T, text string) map[string]*figure {
	t.Helper()
	figures := make(map[string]*figure)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		switch {
		case helpLine.MatchString(line):
			part := helpLine.FindStringSubmatch(line)
			figures[part[1]] = &figure{name: part[1], help: part[2], labels: make(map[string]bool)}
		case typeLine.MatchString(line):
			part := typeLine.FindStringSubmatch(line)
			figures[part[1]].kind = part[2]
		case sampleLine.MatchString(line):
			part := sampleLine.FindStringSubmatch(line)
			for _, label := range labelName.FindAllStringSubmatch(part[2], -1) {
				if at := figures[part[1]]; at != nil && label[1] != "le" {
					at.labels[label[1]] = true
				}
			}
		}
	}
	maps.DeleteFunc(figures, func(name string, _ *figure) bool { return !strings.HasPrefix(name, "simshift_") })
	return figures
}

// The table of docs/metrics.md is made from what is exposed; UPDATE_README=1 writes it anew.
func TestTheDocumentedFiguresAreTheExposedOnes(t *testing.T) {
	t.Parallel()
	own := read(t, scrape(t, metrics.New().Handler(new(worker.Fates))))
	all := read(t, exposure(t))
	of := func(f *figure) string {
		if own[f.name] != nil {
			return "each process"
		}
		return "`serve`"
	}
	list := slices.SortedFunc(maps.Values(all), func(a, b *figure) int {
		return cmp.Or(strings.Compare(of(a), of(b)), strings.Compare(a.name, b.name))
	})
	var table strings.Builder
	table.WriteString("| figure | kind | labels | told by | |\n|---|---|---|---|---|\n")
	for _, f := range list {
		labels := strings.Join(slices.Sorted(maps.Keys(f.labels)), ", ")
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", f.name, f.kind, labels, of(f), f.help)
	}
	madepage.Hold(t, "../../docs/metrics.md", "figures", table.String(), "./internal/metrics")
}

func TestFiguresComeOutAsTheyAre(t *testing.T) {
	t.Parallel()
	text := exposure(t)
	for _, line := range []string{
		`simshift_redis_up 1`,
		`simshift_devices{job_id="j1",state="submitted"} 10`,
		`simshift_devices{job_id="j1",state="queued"} 0`,
		`simshift_job_info{job_id="j1",name="night",phase="paused",target="global"} 1`,
		`simshift_job_paused{by="brake",job_id="j1"} 1`,
		`simshift_job_ledger_drift_devices{job_id="j1"} 2`,
		`simshift_job_ledger_drift_found{job_id="j1"} 1`,
		`simshift_job_ledger_drift_found{job_id="j2"} 0`,
		`simshift_job_oldest_unanswered_timestamp_seconds{job_id="j1"} 1.77240246e+09`,
		`simshift_job_window_open{job_id="j1"} 1`,
		`simshift_job_answer_within_seconds{job_id="j1"} 21600`,
		`simshift_jobs{phase="finished"} 7`,
		`simshift_jobs{phase="running"} 0`,
		`simshift_jobs_left_out 2`,
		`simshift_hold_end_timestamp_seconds{scope="everything"} 1.77240246e+09`,
		`simshift_hold_end_timestamp_seconds{scope="0000123456-00001"} +Inf`,
		`simshift_limit_per_second{of="requests"} 2`,
		`simshift_limit_per_second{of="devices"} +Inf`,
		`simshift_limit_share_ratio 0.5`,
		`simshift_queue_tasks{queue="submit",state="pending"} 4`,
		`simshift_queue_age_seconds{queue="submit"} 2`,
		`simshift_callback_requests_total{code="200"} 1`,
		`simshift_callback_intake_seconds_bucket{le="0.001"} 1`,
		`simshift_requests_total{outcome="accepted"} 1`,
		`simshift_requests_total{outcome="unknown"} 0`,
		`simshift_request_devices_total 10`,
		`simshift_limiter_turns_total{answer="requests",limiter="job"} 1`,
		`simshift_callbacks_total{effect="settled",word="confirmed"} 0`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no line %s", line)
		}
	}
	if strings.Contains(text, `unanswered_timestamp_seconds{job_id="j2"}`) {
		t.Error("a job of which nothing waits has an oldest one that does")
	}
}
