package ratelimit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestATurnWithinTheHorizonIsTakenAndALaterOneIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{Requests: Rate{1, time.Second}})
	for i, want := range []time.Duration{0, 1010 * time.Millisecond} {
		if turn := reserve(t, l, 1); !turn.Taken() || turn.Wait != want {
			t.Fatalf("turn %d: taken %t, wait %s; want %s", i, turn.Taken(), turn.Wait, want)
		}
	}
	// The third would start at 2.02 s, past the horizon: it is worth asking again as soon as it is in reach.
	turn := reserve(t, l, 1)
	if turn.Taken() || turn.Wait != 20*time.Millisecond || turn.Reason != "requests are limited to 1/s" {
		t.Fatalf("third turn: taken %t, wait %s, %q", turn.Taken(), turn.Wait, turn.Reason)
	}
	w.pass(turn.Wait)
	if turn := reserve(t, l, 1); !turn.Taken() || turn.Wait != Horizon {
		t.Errorf("asked again: taken %t, wait %s", turn.Taken(), turn.Wait)
	}
}

func TestACancelledTurnGoesToTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{Requests: Rate{1, time.Minute}, Devices: Rate{10_000, time.Minute}, MaxInFlight: 10_000})
	for range 3 {
		turn := reserve(t, l, 10_000)
		if !turn.Taken() || turn.Wait != 0 {
			t.Fatalf("taken %t, wait %s, %q", turn.Taken(), turn.Wait, turn.Reason)
		}
		for range 2 { // the second time does nothing
			if err := turn.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if turn := reserve(t, l, 10_000); !turn.Taken() {
		t.Fatal("the last cancelled turn was not given back")
	}
	if turn := reserve(t, l, 10_000); turn.Taken() {
		t.Error("a used turn was given back")
	}
}

func TestACancelledTurnLeavesLaterOnesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{Requests: Rate{1, time.Second}})
	first, second := reserve(t, l, 1), reserve(t, l, 1)
	if err := first.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	third := reserve(t, l, 1)
	if !second.Taken() || third.Taken() {
		t.Errorf("second taken %t, third taken %t at the second's cost", second.Taken(), third.Taken())
	}
}

func TestAskingAgainAfterALostReplyGivesTheSameTurn(t *testing.T) {
	t.Parallel()
	onBothRedises(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb, Limits{Requests: Rate{1, time.Minute}, MaxInFlight: 5})
		args := append([]any{"acme", 5, "turn:1", Horizon.Microseconds(), unclaimed.Microseconds()}, l.defaults.args()...)
		var starts []int64
		for range 2 {
			r, err := l.run(t.Context(), reserveScript, args...)
			if err != nil {
				t.Fatal(err)
			}
			if taken := r.number(); taken != 1 {
				t.Fatal("not taken")
			}
			r.duration()
			starts = append(starts, r.number())
		}
		if starts[0] != starts[1] {
			t.Errorf("the turn moved by %d µs", starts[1]-starts[0])
		}
	})
}

func TestEachAnswerIsSeenWithItsCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var seen []string
	l := New(w.rdb, Limits{Requests: Rate{Count: 1, Per: time.Minute}}, Clock(w.now), Watch(func(part string, turn *Turn) {
		seen = append(seen, part+":"+turn.Cause)
	}))
	reserve(t, l, 1)
	reserve(t, l, 1)
	reserve(t, l.Part("job"), 1)
	if err := l.Hold(t.Context(), "", w.now().Add(time.Hour), "by hand"); err != nil {
		t.Fatal(err)
	}
	reserve(t, l, 1)
	if want := []string{":", ":requests", "job:", ":hold"}; !slices.Equal(seen, want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
}

func TestAnOversleptTurnIsLost(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]int{"one that starts at once": 0, "one that was waited for": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := w.limiter(Limits{Requests: Rate{1, time.Second}})
			for range before {
				reserve(t, l, 1)
			}
			turn := reserve(t, l, 1)
			w.pass(turn.Wait + Tolerance + time.Millisecond)
			if err := turn.Await(t.Context()); !errors.Is(err, ErrTurnLost) || turn.Reason == "" {
				t.Errorf("Await: %v, reason %q", err, turn.Reason)
			}
		})
	}
}

func TestATurnIsGoodWithinTheTolerance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{Requests: Rate{1, time.Second}})
	reserve(t, l, 1)
	turn := reserve(t, l, 1)
	w.pass(turn.Wait + Tolerance)
	if err := turn.Await(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAHoldTakesTurnsThatAreWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{Requests: Rate{1, time.Second}})
	reserve(t, l, 1)
	turn := reserve(t, l, 1)
	if err := l.Hold(t.Context(), "", w.now().Add(time.Minute), "asked to wait"); err != nil {
		t.Fatal(err)
	}
	w.pass(turn.Wait)
	err := turn.Await(t.Context())
	if !errors.Is(err, ErrTurnLost) || !strings.Contains(err.Error(), "asked to wait") {
		t.Errorf("Await: %v", err)
	}
	if left := time.Minute - 1010*time.Millisecond; turn.Wait != left {
		t.Errorf("the wait is %s; want %s", turn.Wait, left)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{Requests: Rate{1, time.Second}})
	reserve(t, l, 1)
	turn := reserve(t, l, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := turn.Await(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Await: %v", err)
	}
}

func TestATurnThatWasNotTakenCanNotBeAwaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{Requests: Rate{1, time.Hour}})
	reserve(t, l, 1)
	turn := reserve(t, l, 1)
	if err := turn.Await(t.Context()); !errors.Is(err, ErrTurnLost) {
		t.Errorf("Await: %v", err)
	}
	if err := turn.Cancel(t.Context()); err != nil {
		t.Errorf("Cancel: %v", err)
	}
}

func TestWithoutRedisNobodyGetsATurn(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer rdb.Close()
	turn, err := New(rdb, Limits{}).Reserve(t.Context(), "acme", 1)
	if err == nil || turn != nil {
		t.Errorf("Reserve: %+v, %v", turn, err)
	}
}

func TestATurnIsForAtLeastOneDevice(t *testing.T) {
	t.Parallel()
	for _, devices := range []int{0, -1} {
		if _, err := newWorld(t).limiter(Limits{}).Reserve(t.Context(), "acme", devices); err == nil {
			t.Errorf("%d devices got a turn", devices)
		}
	}
}

func TestWithoutLimitsEveryTurnStartsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{})
	for range 100 {
		if turn := reserve(t, l, 10_000); !turn.Taken() || turn.Wait != 0 {
			t.Fatalf("taken %t, wait %s, %q", turn.Taken(), turn.Wait, turn.Reason)
		}
	}
}
