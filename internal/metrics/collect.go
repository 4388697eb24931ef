package metrics

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// gauges is where figures are told.
type gauges struct{ to chan<- prometheus.Metric }

func (g gauges) gauge(desc *prometheus.Desc, value float64, labels ...string) {
	g.to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func (g gauges) counter(desc *prometheus.Desc, value float64, labels ...string) {
	g.to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, labels...)
}

// moment tells a time, unless it is zero.
func (g gauges) moment(desc *prometheus.Desc, at time.Time, labels ...string) {
	if !at.IsZero() {
		g.gauge(desc, float64(at.UnixMilli())/1000, labels...)
	}
}

func (f *Figures) collect(tell gauges) {
	for i := range f.Jobs {
		f.Jobs[i].collect(tell)
	}
	for _, phase := range everyPhase {
		tell.gauge(phases, float64(f.Phases[phase]), string(phase))
	}
	tell.gauge(leftOut, float64(f.LeftOut))
	collectLimits(tell, &f.Limits)
	tell.gauge(loginHeld, yes(f.LoginHeld))
	for _, queue := range f.Queues {
		for state, tasks := range queue.Tasks {
			tell.gauge(queueTasks, float64(tasks), queue.Name, state)
		}
		tell.gauge(queueAge, queue.Latency.Seconds(), queue.Name)
	}
	tell.gauge(workers, float64(f.Workers))
	tell.gauge(parked, float64(f.Parked))
	tell.moment(parkedSince, f.ParkedAt)
	tell.gauge(inDoubt, float64(f.InDoubt))
	tell.gauge(losses, float64(f.Losses))
}

func (j *Job) collect(tell gauges) {
	tell.gauge(jobInfo, 1, j.ID, j.Name, string(j.Target), string(j.State))
	for _, state := range jobs.States {
		tell.gauge(jobDevices, float64(j.Counts[state]), j.ID, state.String())
	}
	tell.counter(jobAttempts, float64(j.Attempts), j.ID)
	tell.counter(jobRepeats, float64(j.Repeats), j.ID)
	tell.counter(jobBatches, float64(j.Batches), j.ID)
	tell.counter(jobRequests, float64(j.Requests), j.ID)
	tell.counter(jobCallbacks, float64(j.Callbacks), j.ID)
	if j.State == jobs.Paused {
		tell.gauge(jobPaused, 1, j.ID, j.PausedBy)
	}
	if j.StartedAt != nil {
		tell.moment(jobStarted, *j.StartedAt, j.ID)
	}
	if j.FinishedAt != nil {
		tell.moment(jobFinished, *j.FinishedAt, j.ID)
	}
	tell.moment(jobUnanswered, j.Oldest, j.ID)
	if j.State.Open() {
		tell.gauge(jobWithin, j.Policy.AnswerWithin.Seconds(), j.ID)
		tell.gauge(jobWindow, yes(j.InWindow), j.ID)
	}
	tell.gauge(jobDrift, math.Abs(float64(j.Devices-j.Counts.Total())), j.ID)
	tell.gauge(jobFound, yes(j.Drift != ""), j.ID)
}

func collectLimits(tell gauges, s *ratelimit.Status) {
	tell.gauge(rateShare, s.Share)
	tell.gauge(rateOf, perSecond(s.Limits.Requests), "requests")
	tell.gauge(rateOf, perSecond(s.Limits.Devices), "devices")
	tell.gauge(inFlight, float64(s.InFlight))
	most := math.Inf(1)
	if s.Limits.MaxInFlight > 0 {
		most = float64(s.Limits.MaxInFlight)
	}
	tell.gauge(inFlightMax, most)
	for _, hold := range s.Holds {
		scope := hold.Scope
		if scope == "" {
			scope = "everything"
		}
		tell.moment(holdSince, hold.Since, scope)
		if hold.Until.IsZero() {
			tell.gauge(holdUntil, math.Inf(1), scope)
		}
		tell.moment(holdUntil, hold.Until, scope)
	}
}

func perSecond(r ratelimit.Rate) float64 {
	if r.Unlimited() {
		return math.Inf(1)
	}
	return float64(r.Count) / r.Per.Seconds()
}

func yes(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
