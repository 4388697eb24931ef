package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Process counts what one process does. All of its methods are safe for concurrent use, and cheap.
type Process struct {
	registry *prometheus.Registry
	answers  *prometheus.CounterVec // by status
	intake   prometheus.Histogram
	requests *prometheus.CounterVec // by outcome
	sent     prometheus.Counter
	took     prometheus.Histogram
	turns    *prometheus.CounterVec // by limiter and answer
	waits    *prometheus.HistogramVec

	taken, unavailable prometheus.Counter // the usual answers to callbacks, resolved once
}

// New makes the counters of this process, all of them 0.
func New() *Process {
	p := &Process{
		registry: prometheus.NewRegistry(),
		answers: counters("callback_requests_total", "Requests to the callback endpoint, by the status they were answered with.",
			"code"),
		intake: histogram("callback_intake_seconds",
			"Time from a callback's head to its answer, of those that were taken (200) or could not be written (503).",
			.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5),
		requests: counters("requests_total", "Requests to the carrier to enable devices, by their outcome.", "outcome"),
		sent:     prometheus.NewCounter(counterOpts("request_devices_total", "Devices in requests to the carrier.")),
		took: histogram("request_seconds", "Time that requests to the carrier took.",
			.1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300),
		turns: counters("limiter_turns_total", "Answers of the limiter to batches that ask for their turn.", "limiter", "answer"),
		waits: prometheus.NewHistogramVec(histogramOpts("limiter_wait_seconds",
			"Waits that the limiter told: until the turn, or until asking again.", .01, .1, .25, .5, 1, 2, 5, 15, 30, 60, 300, 3600),
			[]string{"limiter"}),
	}
	p.registry.MustRegister(p.answers, p.intake, p.requests, p.sent, p.took, p.turns, p.waits)
	p.taken, p.unavailable = p.answers.WithLabelValues("200"), p.answers.WithLabelValues("503")
	// Those that alerts look at are there from the beginning: a rate needs a value before the first event.
	for _, outcome := range []string{"accepted", "refused", "throttled", "not_executed", "misdirected", "unknown"} {
		p.requests.WithLabelValues(outcome)
	}
	for _, limiter := range limiters {
		p.turns.WithLabelValues(limiter, "taken")
		p.waits.WithLabelValues(limiter)
	}
	return p
}

// Answered counts an answer of the callback endpoint.
func (p *Process) Answered(status int, took time.Duration) {
	switch status {
	case http.StatusOK:
		p.taken.Inc()
	case http.StatusServiceUnavailable:
		p.unavailable.Inc()
	default:
		p.answers.WithLabelValues(strconv.Itoa(status)).Inc()
		return
	}
	p.intake.Observe(took.Seconds())
}

// Requested counts a request to the carrier. outcome is one of a few words.
func (p *Process) Requested(outcome string, devices int, took time.Duration) {
	p.requests.WithLabelValues(outcome).Inc()
	p.sent.Add(float64(devices))
	p.took.Observe(took.Seconds())
}

// limiters are whose turns there are.
var limiters = [...]string{"deployment", "job"}

// Turn counts an answer of the deployment's limiter, or of a job's own. cause is why the turn was not taken; empty: it was.
func (p *Process) Turn(own bool, cause string, wait time.Duration) {
	limiter, answer := limiters[0], cause
	if own {
		limiter = limiters[1]
	}
	if answer == "" {
		answer = "taken"
	}
	p.turns.WithLabelValues(limiter, answer).Inc()
	p.waits.WithLabelValues(limiter).Observe(wait.Seconds())
}

// Fates counts what became of callbacks; worker.Fates is one.
type Fates interface {
	Each(yield func(word, effect string, n uint64))
}

// Handler answers scrapes with the figures of this process, those of the Go runtime, what became of the callbacks, and what
// is added, such as a [Deployment].
func (p *Process) Handler(fates Fates, more ...prometheus.Collector) http.Handler {
	around := prometheus.NewRegistry()
	around.MustRegister(callbacks{fates}, collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	around.MustRegister(more...)
	return promhttp.HandlerFor(prometheus.Gatherers{p.registry, around},
		promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 20})
}

var callbacksDesc = describe("callbacks_total", "Callbacks weighed, by the carrier's word and what it did.", "word", "effect")

// callbacks reads counters that are kept elsewhere.
type callbacks struct{ fates Fates }

func (c callbacks) Describe(to chan<- *prometheus.Desc) { to <- callbacksDesc }

func (c callbacks) Collect(to chan<- prometheus.Metric) {
	c.fates.Each(func(word, effect string, n uint64) {
		to <- prometheus.MustNewConstMetric(callbacksDesc, prometheus.CounterValue, float64(n), word, effect)
	})
}
