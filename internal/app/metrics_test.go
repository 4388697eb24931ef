package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/internal/metrics"
	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/thingspace"
	"github.com/simshift/simshift/worker"
)

// scraped is a deployment with a job of ten devices, and its clock.
func scraped(t *testing.T, server *redistest.Server, flags ...string) (*deployment, *time.Time) {
	t.Helper()
	now := nightfall
	env := &Env{Out: io.Discard, Err: io.Discard, Flags: map[string]string{"REDIS_URL": server.URL()},
		Now: func() time.Time { return now }, Getenv: func(string) string { return "" }}
	for i := 0; i < len(flags); i += 2 {
		env.Flags[flags[i]] = flags[i+1]
	}
	liveNight(t, env, &now)
	d, err := open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d, &now
}

func scrape(t *testing.T, handler http.Handler) string {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("answered %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func TestScrapesTellWhatTheBooksSay(t *testing.T) {
	t.Parallel()
	d, now := scraped(t, redistest.Start(t))
	ctx := t.Context()
	err := errors.Join(
		d.limiter.Hold(ctx, "0000123456-00001", d.env.Now().Add(time.Hour), "by hand"),
		d.ledger.Park(ctx, []jobs.Parked{{ID: "a", At: *now, Raw: "{}"}}),
		d.tasks.Submit(ctx, jobs.BatchID{Job: "0198c5a2-night", Batch: 9}, 0),
	)
	if err != nil {
		t.Fatal(err)
	}
	turn, err := d.limiter.Reserve(ctx, "0000123456-00001", 1) // the hold refuses it
	if err != nil || turn.Taken() {
		t.Fatalf("%+v, %v", turn, err)
	}
	text := scrape(t, d.metrics())
	for _, line := range []string{
		`simshift_redis_up 1`,
		`simshift_devices{job_id="0198c5a2-night",state="succeeded"} 3`,
		`simshift_devices{job_id="0198c5a2-night",state="pending"} 6`,
		`simshift_job_info{job_id="0198c5a2-night",name="night",phase="running",target="global"} 1`,
		`simshift_job_ledger_drift_devices{job_id="0198c5a2-night"} 0`,
		`simshift_jobs{phase="running"} 1`,
		`simshift_parked_callbacks 1`,
		`simshift_queue_tasks{queue="submit",state="pending"} 1`,
		`simshift_workers 0`,
		`simshift_limit_per_second{of="requests"} 2`,
		`simshift_limiter_turns_total{answer="hold",limiter="deployment"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no line %s", line)
		}
	}
	if !strings.Contains(text, `simshift_hold_end_timestamp_seconds{scope="0000123456-00001"}`) {
		t.Error("the hold is not told")
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`(?m)^# TYPE (simshift_\w+)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(page), "`"+name[1]+"`") {
			t.Errorf("docs/metrics.md says nothing of %s", name[1])
		}
	}
	*now = now.Add(jobFigures)
	if text := scrape(t, d.metrics()); !strings.Contains(text, `simshift_devices{`) {
		t.Error("an unfinished job has no figures of its own any more")
	}
}

// A job of ten million devices has a thousand times as many columns as this one: none of them may be looked at.
func TestAScrapeReadsNoDevices(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	d, now := scraped(t, server)
	handler, rdb := d.metrics(), server.Client(t)
	scrape(t, handler) // what an import fixed is read once
	*now = now.Add(time.Minute)
	before, reads := commands(t, rdb)
	scrape(t, handler)
	after, more := commands(t, rdb)
	if after-before > 60 || more > reads {
		t.Errorf("a scrape took %d commands, %d of them on columns of devices", after-before, more-reads)
	}
}

// commands is how many commands Redis has carried out, and how many of them read parts of strings.
func commands(t *testing.T, rdb *redis.Client) (all, reads int) {
	t.Helper()
	info, err := rdb.Info(t.Context(), "stats", "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	count := func(pattern string) int {
		found := regexp.MustCompile(pattern).FindStringSubmatch(info)
		if found == nil {
			return 0
		}
		n, _ := strconv.Atoi(found[1]) // digits
		return n
	}
	return count(`total_commands_processed:(\d+)`), count(`cmdstat_getrange:calls=(\d+)`) + count(`cmdstat_get:calls=(\d+)`)
}

func TestAScrapeWithoutRedisIsAnsweredAllTheSame(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	d, _ := scraped(t, server)
	server.Kill()
	if text := scrape(t, d.metrics()); !strings.Contains(text, "\nsimshift_redis_up 0\n") || strings.Contains(text, "simshift_jobs{") {
		t.Errorf("without Redis a scrape says\n%s", text)
	}
}

func TestAWorkerShowsItsOwnFiguresOnThisMachineOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{":9464", "0.0.0.0:9464", "192.0.2.1:9464", "example.com:9464", "[::]:9464", "nowhere"} {
		if loopback(address) {
			t.Errorf("%s counts as this machine", address)
		}
	}
	d := &deployment{log: quiet(), env: &Env{Getenv: func(string) string { return "" }, Flags: map[string]string{}}}
	if stop, err := d.serveMetrics(t.Context()); err != nil {
		t.Error(err)
	} else {
		stop()
	}
	shown, _ := scraped(t, redistest.Start(t), "METRICS_LISTEN", "127.0.0.1:0")
	var said bytes.Buffer
	shown.log = slog.New(slog.NewTextHandler(&said, nil))
	stop, err := shown.serveMetrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	address := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(said.String())[1]
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(body), "\nsimshift_requests_total{") || strings.Contains(string(body), "simshift_jobs{") {
		t.Errorf("%v\n%s", err, body)
	}
}

func TestRequestsAreCountedByTheirOutcome(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"accepted":     nil,
		"unknown":      errors.New("nobody knows"),
		"refused":      &thingspace.Error{Outcome: thingspace.Refused, Status: 400},
		"throttled":    &thingspace.Error{Outcome: thingspace.NotExecuted, Status: 429},
		"not_executed": &thingspace.Error{Outcome: thingspace.NotExecuted, Status: 503},
		"misdirected":  &thingspace.Error{Outcome: thingspace.Misdirected, Status: 404},
	} {
		if got := outcome(err); got != want {
			t.Errorf("%v counts as %s, not as %s", err, got, want)
		}
		text := scrape(t, metrics.New().Handler(new(worker.Fates)))
		if !strings.Contains(text, `simshift_requests_total{outcome="`+want+`"} 0`) {
			t.Errorf("%s is not there before the first", want)
		}
	}
}

// badNight moves a fleet on a bad day in this process, to its end. prepare may change the deployment first.
func badNight(t *testing.T, devices int, prepare func(*deployment)) (*deployment, jobs.Job) {
	t.Helper()
	store, err := newDemoStore()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.close)
	env := &Env{Out: io.Discard, Err: io.Discard, Now: time.Now, Getenv: func(string) string { return "" }}
	d := wire(env, store.client, newAnchor(time.Now), ratelimit.Limits{}, demoTimeout, quiet())
	if prepare != nil {
		prepare(d)
	}
	stopWitness := d.witnessed(t.Context())
	running, stop := context.WithCancel(t.Context())
	wait, err := d.demoParts(running, 1)
	if err != nil {
		t.Fatal(err)
	}
	fleet := filepath.Join(t.TempDir(), "fleet.csv")
	if err := writeDemoFleet(fleet, devices, 1); err != nil {
		t.Fatal(err)
	}
	options := NewImportOptions()
	options.Target, options.Policy = string(jobs.Global), demoPolicy()
	options.Policy.Attempts, options.Policy.Backoff, options.Policy.AnswerWithin = 2, time.Second, 4*time.Second
	job, err := importFleet(t.Context(), d.env, d, fleet, options)
	if err == nil {
		_, err = watch(t.Context(), d.env, d, job.ID, 50*time.Millisecond)
	}
	stop()
	if err = errors.Join(err, wait()); err != nil {
		t.Fatal(err)
	}
	stopWitness()
	if job, err = d.ledger.Job(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	return d, job
}

// A whole night on a bad day: what this process has counted must be what the job's books say.
func TestTheFiguresOfANightAreThoseOfItsBooks(t *testing.T) {
	t.Parallel()
	d, job := badNight(t, 3000, nil)
	text := scrape(t, d.metrics())
	sum := func(series string) (total int64) {
		for _, line := range regexp.MustCompile(`(?m)^`+series+` (\S+)$`).FindAllStringSubmatch(text, -1) {
			n, err := strconv.ParseFloat(line[len(line)-1], 64)
			if err != nil {
				t.Fatal(err)
			}
			total += int64(n)
		}
		return total
	}
	settled := sum(`simshift_callbacks_total\{effect="(settled|repeated|outdated|noted)",.*\}`)
	taken := sum(`simshift_callback_requests_total\{code="200"\}`)
	for what, pair := range map[string][2]int64{
		"callbacks":         {settled, job.Callbacks},
		"taken callbacks":   {taken, settled + sum(`simshift_callbacks_total\{effect="ignored",.*\}`)},
		"intake":            {sum(`simshift_callback_intake_seconds_count`), taken + sum(`simshift_callback_requests_total\{code="503"\}`)},
		"requests":          {sum(`simshift_requests_total\{.*\}`), job.Requests},
		"devices sent":      {sum(`simshift_request_devices_total`), job.Attempts},
		"turns":             {sum(`simshift_limiter_turns_total\{answer="taken",limiter="deployment"\}`), job.Requests},
		"devices succeeded": {sum(`simshift_devices\{.*state="succeeded"\}`), job.Counts[jobs.Succeeded]},
		"all devices":       {sum(`simshift_devices\{.*\}`), 3000},
		"drift":             {sum(`simshift_job_ledger_drift_devices\{.*\}`), 0},
	} {
		// On a busy machine a callback may be parked first, and be weighed a second time; Redis may write callbacks and answer too
		// late, so that they are written twice and weighed once; a request's answer may come too late for the figure. What the books
		// say of devices and requests is exact all the same.
		apart := max(pair[0]-pair[1], pair[1]-pair[0])
		near := slices.Contains([]string{"callbacks", "taken callbacks", "devices sent"}, what)
		if near && apart <= pair[1]/20 {
			apart = 0
		}
		if apart != 0 || pair[1] == 0 && what != "drift" {
			t.Errorf("%s: %d by the figures, %d by the books", what, pair[0], pair[1])
		}
	}
}
