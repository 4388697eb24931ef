package app

import (
	"context"
	"errors"
	"fmt"
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
	own  func() time.Time
	told atomic.Pointer[reading] // what Redis's clock said last

	mu      sync.Mutex
	servers map[string]bool // the servers we have talked to
	times   int             // how often an unknown one has answered after the first
}

// reading is what Redis's clock said at a moment of ours. The stretch since then is measured by our monotonic clock, so
// that a step of the machine's time moves nothing.
type reading struct{ there, own time.Time }

const (
	// clockSlack is how far off the clock may be before it is corrected: it should not jump with every connection.
	clockSlack = 100 * time.Millisecond
	// clockLag is the longest way to Redis and back that still tells its time.
	clockLag = 2 * time.Second
	// clockEvery is how often the clock is asked again: without a new connection, two clocks drift apart.
	clockEvery = time.Minute
)

func newAnchor(own func() time.Time) *anchor {
	return &anchor{own: own, servers: make(map[string]bool)}
}

// Now is the time on Redis's clock, as far as we know it.
func (a *anchor) Now() time.Time {
	told := a.told.Load()
	if told == nil {
		return a.own()
	}
	return told.there.Add(a.own().Sub(told.own))
}

// skew is how far our own clock is from Redis's.
func (a *anchor) skew() time.Duration { return a.own().Round(0).Sub(a.Now()) }

// connected is asked by go-redis before a new connection is used: whatever is sent on it comes after. A Redis that does
// not tell its time or name is usable all the same; a connection that fails is not.
func (a *anchor) connected(ctx context.Context, conn *redis.Conn) error {
	asked := a.own()
	pipe := conn.Pipeline()
	clock, server, replication := pipe.Time(ctx), pipe.Info(ctx, "server"), pipe.Info(ctx, "replication")
	if _, err := pipe.Exec(ctx); err != nil {
		if refusal := redis.Error(nil); !errors.As(err, &refusal) {
			return fmt.Errorf("ask redis for its name and time: %w", err)
		}
	}
	if there, err := clock.Result(); err == nil {
		a.set(there, asked, a.own().Sub(asked))
	}
	// The run id is new after a restart; the replication id after a promotion, too, so that a server which comes back
	// to its old place without a restart is another one.
	if id := field(server.Val(), "run_id"); id != "" {
		a.saw(id + field(replication.Val(), "master_replid"))
	}
	return nil
}

// field reads one line of Redis's INFO.
func field(info, name string) string {
	_, rest, _ := strings.Cut(info, "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// keep asks for the time again and again until ctx is done.
func (a *anchor) keep(ctx context.Context, rdb redis.UniversalClient) {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked := a.own()
		if there, err := rdb.Time(ctx).Result(); err == nil {
			a.set(there, asked, a.own().Sub(asked))
		}
	}
}

// set corrects the clock by what Redis said at some moment of the lag after asked.
func (a *anchor) set(there, asked time.Time, lag time.Duration) {
	middle := asked.Add(lag / 2)
	told := a.told.Load()
	if lag <= clockLag && (told == nil || there.Sub(told.there.Add(middle.Sub(told.own))).Abs() > clockSlack+lag/2) {
		a.told.Store(&reading{there, middle})
	}
}

// saw notes which server has answered.
func (a *anchor) saw(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.servers[id] && len(a.servers) > 0 {
		a.times++
	}
	a.servers[id] = true
}

// Moved tells how often another server has taken the place of the first.
func (a *anchor) Moved() (times int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.times
}
