package ratelimit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func hold(t *testing.T, l *Limiter, scope string, until time.Time, reason string) {
	t.Helper()
	if err := l.Hold(t.Context(), scope, until, reason); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, l *Limiter) []Hold {
	t.Helper()
	list, err := l.Holds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestOfTwoHoldsTheLaterEndWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.limiter(Limits{}), w.limiter(Limits{})
	begin := w.now()
	hold(t, a, "", begin.Add(time.Minute), "a minute")
	w.pass(time.Second)
	hold(t, b, "", begin.Add(10*time.Second), "shorter")
	want := []Hold{{Since: begin, Until: begin.Add(time.Minute), Reason: "a minute"}}
	if diff := cmp.Diff(want, holds(t, b)); diff != "" {
		t.Errorf("after a shorter one (-want +got):\n%s", diff)
	}
	hold(t, b, "", begin.Add(time.Hour), "an hour")
	want = []Hold{{Since: begin, Until: begin.Add(time.Hour), Reason: "an hour"}}
	if diff := cmp.Diff(want, holds(t, a)); diff != "" {
		t.Errorf("after a longer one (-want +got):\n%s", diff)
	}
	w.pass(time.Hour)
	if left := holds(t, a); len(left) != 0 {
		t.Errorf("past its end there are still %v", left)
	}
}

func TestAHoldStopsItsScopeAndNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{})
	hold(t, l, "acme", w.now().Add(time.Minute), "no listener")
	for account, want := range map[string]bool{"acme": true, "other": false} {
		turn, err := l.Reserve(t.Context(), account, 1)
		if err != nil || turn.Taken() == want {
			t.Errorf("account %s: taken %t, %v", account, turn.Taken(), err)
		}
		if held, err := l.Held(t.Context(), account); err != nil || held != want {
			t.Errorf("Held(%s) = %t, %v", account, held, err)
		}
	}
	hold(t, l, "", w.now().Add(time.Second), "everything")
	if turn := reserve(t, l, 1); turn.Wait != time.Minute || turn.Reason != "no listener" {
		t.Errorf("of two holds on it, acme was told %s, %q", turn.Wait, turn.Reason)
	}
	turn, err := l.Reserve(t.Context(), "other", 1)
	if err != nil || turn.Wait != time.Second || turn.Reason != "everything" {
		t.Errorf("other was told %+v, %v", turn, err)
	}
}

func TestAHoldWithoutAnEndWaitsForItsRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{})
	hold(t, l, "", time.Time{}, "two logins failed")
	hold(t, l, "", w.now().Add(time.Hour), "asked to wait")
	w.pass(48 * time.Hour)
	if turn := reserve(t, l, 1); turn.Taken() || turn.Wait != releasePoll || turn.Reason != "two logins failed" {
		t.Errorf("two days later: taken %t, wait %s, %q", turn.Taken(), turn.Wait, turn.Reason)
	}
	list := holds(t, l)
	if len(list) != 1 || !list[0].Until.IsZero() || list[0].String() != "until released: two logins failed" {
		t.Errorf("the holds are %v", list)
	}
	for _, want := range []bool{true, false} {
		if released, err := l.Release(t.Context(), ""); err != nil || released != want {
			t.Errorf("Release: %t, %v; want %t", released, err, want)
		}
	}
	if turn := reserve(t, l, 1); !turn.Taken() {
		t.Errorf("still held: %q", turn.Reason)
	}
}

func TestAnAbsurdWaitIsADayAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{})
	hold(t, l, "", w.now().Add(-time.Hour), "in the past")
	w.pass(time.Millisecond)
	if turn := reserve(t, l, 1); !turn.Taken() {
		t.Errorf("held by a time that had passed: %q", turn.Reason)
	}
	hold(t, l, "", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), strings.Repeat("ä", 10_000))
	w.pass(LongestHold - time.Second)
	turn := reserve(t, l, 1)
	if turn.Taken() || turn.Wait != time.Second || len(turn.Reason) > longestReason+3 {
		t.Errorf("taken %t, wait %s, a reason of %d bytes", turn.Taken(), turn.Wait, len(turn.Reason))
	}
	w.pass(time.Second)
	if turn := reserve(t, l, 1); !turn.Taken() {
		t.Errorf("held for longer than a day: %q", turn.Reason)
	}
}

func TestAWorkersWrongClockHoldsNoLongerOrShorter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ahead := New(w.rdb, Limits{}, Clock(func() time.Time { return w.now().Add(90 * time.Second) }))
	hold(t, ahead, "", ahead.now().Add(3*time.Second), "Retry-After: 3")
	if turn := reserve(t, w.limiter(Limits{}), 1); turn.Wait != 3*time.Second {
		t.Errorf("the wait is %s", turn.Wait)
	}
}

func TestManyPushBacksHalveTheRateOnceAMinuteAndItRisesSlowly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limits := Limits{Requests: Rate{60, time.Minute}}
	workers := []*Limiter{w.limiter(limits), w.limiter(limits)}
	share := func() float64 {
		s, err := workers[0].Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.Share
	}
	pushedBack := func() {
		for _, l := range workers {
			if err := l.SlowDown(t.Context(), w.now().Add(time.Second), "too many requests"); err != nil {
				t.Fatal(err)
			}
		}
	}
	steps := []struct {
		pass time.Duration
		push bool
		want float64
	}{
		{0, false, 1}, {0, true, 0.5}, {30 * time.Second, true, 0.55}, {30 * time.Second, true, 0.3},
		{3 * time.Minute, false, 0.6}, {10 * time.Minute, false, 1},
	}
	for i, step := range steps {
		w.pass(step.pass)
		if step.push {
			pushedBack()
		}
		if got := share(); got != step.want {
			t.Errorf("step %d: %.2f of the rate is left; want %.2f", i, got, step.want)
		}
	}
	for range 10 {
		w.pass(time.Minute)
		pushedBack()
	}
	if got := share(); got < leastShare || got > 0.2 {
		t.Errorf("after ten slow-downs %.3f of the rate is left", got)
	}
}

func TestASlowDownDoublesThePaceAndSettingLimitsEndsIt(t *testing.T) {
	t.Parallel()
	onBothRedises(t, func(t *testing.T, rdb *redis.Client) {
		limits := Limits{Requests: Rate{2, time.Second}}
		l := New(rdb, limits)
		if err := l.SlowDown(t.Context(), time.Now().Add(time.Hour), "too many requests"); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Release(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		first, second := reserve(t, l, 1), reserve(t, l, 1)
		gap := time.Duration(second.start-first.start) * time.Microsecond
		if gap < 990*time.Millisecond || gap > 1010*time.Millisecond {
			t.Errorf("at half of 2/s turns are %s apart", gap)
		}
		if err := l.SetLimits(t.Context(), limits, ""); err != nil {
			t.Fatal(err)
		}
		if s, err := l.Status(t.Context()); err != nil || s.Share != 1 {
			t.Errorf("with new limits the share is %v, %v", s.Share, err)
		}
	})
}
