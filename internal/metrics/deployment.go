package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/simshift/simshift/jobs"
)

const (
	// fresh is how long figures are told again without reading them again, however many ask.
	fresh = time.Second
	// readWithin bounds what a scrape waits for them. Prometheus itself waits ten seconds.
	readWithin = 5 * time.Second
)

// Deployment is a collector of what all processes share. Where that can not be read, it tells so and nothing else of it:
// figures of an hour ago would look like those of now.
type Deployment struct {
	read  func(context.Context) (*Figures, error)
	now   func() time.Time
	asked chan struct{} // has room for one: one reading at a time

	mu      sync.Mutex
	figures *Figures // nil: the last reading failed
	at      time.Time
	took    time.Duration
	errors  float64
}

// NewDeployment gives a collector of what read gives. read must end soon after its context does.
func NewDeployment(read func(context.Context) (*Figures, error), now func() time.Time) *Deployment {
	return &Deployment{read: read, now: now, asked: make(chan struct{}, 1)}
}

// Describe implements [prometheus.Collector].
func (d *Deployment) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range deploymentDescs {
		to <- desc
	}
}

// Collect implements [prometheus.Collector].
func (d *Deployment) Collect(to chan<- prometheus.Metric) {
	figures := d.current()
	d.mu.Lock()
	took, failed := d.took, d.errors
	d.mu.Unlock()
	tell := gauges{to}
	up := 0.0
	if figures != nil {
		up = 1
		figures.collect(tell)
	}
	tell.gauge(redisUp, up)
	tell.gauge(readSeconds, took.Seconds())
	tell.counter(readErrors, failed)
}

// current gives figures that are fresh, or nil.
func (d *Deployment) current() *Figures {
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	select {
	case d.asked <- struct{}{}:
	case <-ctx.Done():
		return nil // a reading that does not end is one that failed
	}
	d.mu.Lock()
	known, figures := !d.at.IsZero() && d.now().Sub(d.at) < fresh, d.figures
	d.mu.Unlock()
	if known {
		<-d.asked
		return figures
	}
	done := make(chan *Figures, 1)
	go func() {
		defer func() { <-d.asked }()
		done <- d.readAnew(ctx)
	}()
	select {
	case figures := <-done:
		return figures
	case <-ctx.Done():
		return nil
	}
}

func (d *Deployment) readAnew(ctx context.Context) *Figures {
	began := d.now()
	figures, err := d.read(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at, d.figures = d.now(), figures
	d.took = d.at.Sub(began)
	if err != nil {
		d.figures = nil
		d.errors++
	}
	return d.figures
}

var (
	redisUp     = describe("redis_up", "1 where the deployment's figures could be read from Redis, else 0.")
	readSeconds = describe("read_seconds", "Time that the last reading of the deployment's figures took.")
	readErrors  = describe("read_errors_total", "Readings of the deployment's figures that failed.")

	jobInfo       = describe("job_info", "A job; always 1.", "job_id", "name", "target", "phase")
	jobDevices    = describe("devices", "Devices of a job, by their state.", "job_id", "state")
	jobAttempts   = describe("job_attempts_total", "Devices of a job that were sent, each time anew.", "job_id")
	jobRepeats    = describe("job_repeats_total", "Devices of a job that were sent again after an unknown outcome.", "job_id")
	jobBatches    = describe("job_batches_total", "Batches that were formed of a job.", "job_id")
	jobRequests   = describe("job_requests_total", "Requests that were made for a job.", "job_id")
	jobCallbacks  = describe("job_callbacks_total", "Callbacks that were written for a job.", "job_id")
	jobPaused     = describe("job_paused", "1 for a job that is paused, by who paused it.", "job_id", "by")
	jobStarted    = describe("job_started_timestamp_seconds", "When a job first sent something.", "job_id")
	jobFinished   = describe("job_finished_timestamp_seconds", "When a job ended.", "job_id")
	jobUnanswered = describe("job_oldest_unanswered_timestamp_seconds",
		"When the oldest batch of a job that still waits for callbacks was sent.", "job_id")
	jobWithin = describe("job_answer_within_seconds", "How long a job waits for a callback.", "job_id")
	jobWindow = describe("job_window_open", "1 where the start and the windows of an unfinished job let it send now, else 0.", "job_id")
	jobDrift  = describe("job_ledger_drift_devices", "Devices by which a job's counts by state differ from its roster.", "job_id")
	jobFound  = describe("job_ledger_drift_found", "1 for a job of which a recount found and righted wrong counts.", "job_id")

	phases      = describe("jobs", "Jobs that are kept, by phase.", "phase")
	leftOut     = describe("jobs_left_out", "Unfinished or recent jobs beyond the bound on those with figures of their own.")
	holdSince   = describe("hold_start_timestamp_seconds", "Since when nothing is sent for an account, or for any (everything).", "scope")
	holdUntil   = describe("hold_end_timestamp_seconds", "Until when; +Inf: until a person releases it.", "scope")
	loginHeld   = describe("login_held", "1 where nobody logs in at the carrier until a person has looked, else 0.")
	rateShare   = describe("limit_share_ratio", "Share of the full rate that is sent at, less than 1 after a slow-down.")
	rateOf      = describe("limit_per_second", "The limit on requests or devices of all workers; +Inf: none.", "of")
	inFlight    = describe("in_flight_devices", "Devices that are with the carrier.")
	inFlightMax = describe("in_flight_limit_devices", "Devices that may be with the carrier; +Inf: any number.")
	queueTasks  = describe("queue_tasks", "Tasks in a queue, by state.", "queue", "state")
	queueAge    = describe("queue_age_seconds", "How long the task that is next in a queue has been waiting.", "queue")
	workers     = describe("workers", "Workers that are alive.")
	parked      = describe("parked_callbacks", "Callbacks that fit no known request.")
	parkedSince = describe("parked_oldest_timestamp_seconds", "When the oldest parked callback came.")
	inDoubt     = describe("in_doubt_batches",
		"Batches sent in the last week whose request id is not known: under way, in doubt, or given up.")
	losses = describe("redis_losses", "Times in the last week that Redis had lost what it had acknowledged.")

	deploymentDescs = []*prometheus.Desc{
		redisUp, readSeconds, readErrors, jobInfo, jobDevices, jobAttempts, jobRepeats, jobBatches, jobRequests, jobCallbacks,
		jobPaused, jobStarted, jobFinished, jobUnanswered, jobWithin, jobWindow, jobDrift, jobFound, phases, leftOut, holdSince,
		holdUntil, loginHeld,
		rateShare, rateOf, inFlight, inFlightMax, queueTasks, queueAge, workers, parked, parkedSince, inDoubt, losses,
	}
)

// everyPhase is each phase that can be kept for long.
var everyPhase = []jobs.Phase{jobs.Importing, jobs.Running, jobs.Paused, jobs.Cancelling, jobs.Finished, jobs.Stopped}
