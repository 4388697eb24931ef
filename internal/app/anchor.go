package app

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// anchor ties a process to the Redis that holds the books. It gives the time on Redis's clock, so that deadlines mean
// the same to every process however wrong its own clock is; and it notices on the first command to another server, or
// to the same one started again, that what was acknowledged before may not be there.
type anchor struct {
	own    func() time.Time
	offset atomic.Int64 // what to add to our own clock, in nanoseconds

	mu      sync.Mutex
	servers map[string]bool // run ids of the servers we have talked to
	times   int             // how often an unknown one has answered after the first
	moved   time.Time       // when it did last, on our own clock
}

const (
	// clockSlack is how far off the clock may be before it is corrected: it should not jump with every connection.
	clockSlack = 100 * time.Millisecond
	// clockLag is the longest way to Redis and back that still tells its time.
	clockLag = 2 * time.Second
)

func newAnchor(own func() time.Time) *anchor {
	return &anchor{own: own, servers: make(map[string]bool)}
}

// Now is the time on Redis's clock, as far as we know it.
func (a *anchor) Now() time.Time { return a.own().Add(time.Duration(a.offset.Load())) }

// skew is how far our own clock is from Redis's.
func (a *anchor) skew() time.Duration { return -time.Duration(a.offset.Load()) }

// connected is asked by go-redis before a new connection is used: whatever is sent on it comes after. It never fails,
// since a Redis that does not tell its time or name is usable all the same.
func (a *anchor) connected(ctx context.Context, conn *redis.Conn) error {
	asked := a.own()
	pipe := conn.Pipeline()
	clock, info := pipe.Time(ctx), pipe.Info(ctx, "server")
	_, _ = pipe.Exec(ctx) // each answer is looked at by itself
	if there, err := clock.Result(); err == nil {
		a.set(there, asked, a.own().Sub(asked))
	}
	if _, rest, found := strings.Cut(info.Val(), "run_id:"); found {
		id, _, _ := strings.Cut(rest, "\r\n")
		a.saw(id)
	}
	return nil
}

// set corrects the clock by what Redis said at some moment of the lag after asked.
func (a *anchor) set(there, asked time.Time, lag time.Duration) {
	offset := there.Sub(asked.Add(lag / 2))
	if lag <= clockLag && (offset-time.Duration(a.offset.Load())).Abs() > clockSlack+lag/2 {
		a.offset.Store(int64(offset))
	}
}

// saw notes which server has answered.
func (a *anchor) saw(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.servers[id] && len(a.servers) > 0 {
		a.times, a.moved = a.times+1, a.own()
	}
	a.servers[id] = true
}

// Moved tells how often another server has taken the place of the first, and how long ago that happened last.
func (a *anchor) Moved() (times int, ago time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.times == 0 {
		return 0, 0
	}
	return a.times, a.own().Sub(a.moved)
}
