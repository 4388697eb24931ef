package worker

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// mood is how the carrier behaves: chances are of each attempt, and independent.
type mood struct {
	lostRequests float64       // requests whose answer never comes, and which the carrier did not take
	lostAnswers  float64       // callbacks that never come
	permanent    float64       // devices that are refused for good
	transient    float64       // devices that fail and may succeed later
	off          int           // of a hundred devices are switched off at times
	offFails     float64       // the same as transient, for these
	answers      time.Duration // the mean time until a callback; it is spread exponentially
	latest       time.Duration // and no longer than this
}

// decide tells what comes of one attempt of a device: the fault, empty for success, and when the callback comes, if it does.
func (m *mood) decide(chance *rand.Rand, place jobs.Place) (fault string, after time.Duration, answered bool) {
	transient := m.transient
	if scattered := uint32(place) * 2654435761 >> 16; int(scattered%100) < m.off { // not the first of each chunk
		transient = m.offFails
	}
	after = min(time.Duration(chance.ExpFloat64()*float64(m.answers)), m.latest)
	switch x := chance.Float64(); {
	case x < m.lostAnswers:
		return "", 0, false
	case x < m.lostAnswers+m.permanent:
		return "UnifiedWebService.REQUEST_FAILED.DeviceNotFound", after, true
	case x < m.lostAnswers+m.permanent+transient:
		return "UnifiedWebService.REQUEST_FAILED.UnexpectedError", after, true
	}
	return "", after, true
}

// agenda is what happens next: the earliest first, of equals the first entered, so that a night can be played again.
type agenda []entry

type entry struct {
	at     time.Time
	number int
	do     func()
}

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(entry)) }

func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].number < a[j].number
}

func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// swallow takes every command of a Redis client and sends it nowhere: a queue that nobody reads.
type swallow struct{}

func (swallow) DialHook(next redis.DialHook) redis.DialHook { return next }

func (swallow) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		if script, ok := cmd.(*redis.Cmd); ok {
			script.SetVal(int64(1)) // the task was put in
		}
		return nil
	}
}

func (swallow) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { return nil }
}
