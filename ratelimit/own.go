package ratelimit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// largestBatch is the carrier's bound on the devices of a request.
const largestBatch = 10_000

// own is the limiter of this process alone. It lets through a little more than the shared one, and goes by the moments
// at which turns start on Redis's clock, without the jitter of the way here: so it speaks up only when Redis has
// forgotten.
type own struct {
	mu       sync.Mutex
	limits   Limits
	requests *rate.Limiter
	devices  *rate.Limiter
}

func newOwn() *own {
	return &own{requests: rate.NewLimiter(rate.Inf, 1), devices: rate.NewLimiter(rate.Inf, largestBatch)}
}

// reserve tells how much later than at the given time a turn may start, and how to give it back.
func (o *own) reserve(limits Limits, at time.Time, devices int) (later time.Duration, giveBack func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if limits != o.limits {
		o.requests.SetLimitAt(at, perSecond(limits.Requests))
		o.devices.SetLimitAt(at, perSecond(limits.Devices))
		o.limits = limits
	}
	request := o.requests.ReserveN(at, 1)
	batch := o.devices.ReserveN(at, min(devices, largestBatch))
	later = max(request.DelayFrom(at), batch.DelayFrom(at))
	return later, func() {
		// At the time of its own turn: an earlier one would credit the time until then twice.
		request.CancelAt(at)
		batch.CancelAt(at)
	}
}

func perSecond(r Rate) rate.Limit {
	if r.Unlimited() {
		return rate.Inf
	}
	return rate.Limit(float64(r.Count) / r.Per.Seconds())
}
