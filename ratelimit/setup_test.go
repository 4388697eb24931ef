package ratelimit

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/simshift/simshift/internal/redistest"
)

var realRedis redistest.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(realRedis.Main(m)) }

// world is a Redis and a clock that it shares with the limiters, so that hours pass in no time.
type world struct {
	rdb *redis.Client
	now func() time.Time
	set func(time.Time)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	server := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	var mu sync.Mutex
	var now time.Time
	w := &world{
		rdb: rdb,
		now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		},
		set: func(at time.Time) {
			mu.Lock()
			defer mu.Unlock()
			now = at
			server.SetTime(at)
		},
	}
	w.set(time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC))
	return w
}

func (w *world) limiter(limits Limits) *Limiter { return New(w.rdb, limits, Clock(w.now)) }

func (w *world) pass(d time.Duration) { w.set(w.now().Add(d)) }

// onBothRedises runs a test on miniredis and on a real server, each with its own time.
func onBothRedises(t *testing.T, test func(t *testing.T, rdb *redis.Client)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		server := miniredis.RunT(t)
		rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		test(t, rdb)
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		test(t, realRedis.Client(t))
	})
}

func reserve(t testing.TB, l *Limiter, devices int) *Turn {
	t.Helper()
	turn, err := l.Reserve(t.Context(), "acme", devices)
	if err != nil {
		t.Fatal(err)
	}
	return turn
}

// fataler is what testing.TB and rapid.T have in common here.
type fataler interface {
	Context() context.Context
	Fatal(args ...any)
}
