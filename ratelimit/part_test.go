package ratelimit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func limit(t testing.TB, l *Limiter, limits Limits) {
	t.Helper()
	if err := l.SetLimits(t.Context(), limits, "a test"); err != nil {
		t.Fatal(err)
	}
}

func TestTheKeysOfTheWholeHaveNoName(t *testing.T) {
	t.Parallel()
	want := keys{"simshift:{limits}:pace", "simshift:{limits}:limits", "simshift:{limits}:holds", "simshift:{limits}:inflight"}
	if got := newWorld(t).limiter(Limits{}).keys; got != want {
		t.Errorf("a deployment would lose its limits in an update: %+v", got)
	}
}

func TestAPartsLimitsAreItsOwn(t *testing.T) {
	t.Parallel()
	onBothRedises(t, func(t *testing.T, rdb *redis.Client) {
		whole := New(rdb, Limits{Requests: Rate{1000, time.Second}})
		spring, autumn := whole.Part("spring"), whole.Part("autumn")
		for _, l := range []*Limiter{whole, spring, autumn} {
			if limited, err := l.Limited(t.Context()); err != nil || limited {
				t.Errorf("limits are stored before any are: %t, %v", limited, err)
			}
		}
		limit(t, spring, Limits{Devices: Rate{10_000, time.Minute}})
		reserve(t, spring, 10_000)
		turn := reserve(t, New(rdb, Limits{}).Part("spring"), 1) // another worker's
		if turn.Taken() || turn.Reason != "devices are limited to 10000/min" {
			t.Errorf("its second turn: taken %t, %q", turn.Taken(), turn.Reason)
		}
		for _, other := range []*Limiter{whole, autumn} {
			if turn := reserve(t, other, 10_000); !turn.Taken() || turn.Wait != 0 {
				t.Errorf("another waits %s for it: %q", turn.Wait, turn.Reason)
			}
		}
		if err := whole.SlowDown(t.Context(), time.Now().Add(time.Hour), "too many requests"); err != nil {
			t.Fatal(err)
		}
		s, err := spring.Status(t.Context())
		if err != nil || s.Share != 1 || len(s.Holds) != 0 || !s.Stored || s.Reason != "a test" || time.Since(s.SetAt).Abs() > time.Minute {
			t.Errorf("its status is %+v, %v", s, err)
		}
	})
}

// Both limiters count the same batches, each those that are its own.
func TestAPartCountsItsOwnDevicesInFlightAlsoThoseBeforeItsLimit(t *testing.T) {
	t.Parallel()
	onBothRedises(t, func(t *testing.T, rdb *redis.Client) {
		whole := New(rdb, Limits{MaxInFlight: 1000})
		spring, until := whole.Part("spring"), time.Now().Add(time.Hour)
		inFlight := func(want ...int64) {
			t.Helper()
			for i, l := range []*Limiter{whole, spring} {
				if s, err := l.Status(t.Context()); err != nil || s.InFlight != want[i] {
					t.Errorf("limiter %d counts %d in flight, not %d (%v)", i, s.InFlight, want[i], err)
				}
			}
		}
		for id, devices := range map[string]int{"spring 1": 60, "autumn 1": 200, "springtime 1": 300} {
			if err := whole.Occupy(t.Context(), id, devices, until); err != nil {
				t.Fatal(err)
			}
		}
		inFlight(560, 60)
		limit(t, spring, Limits{MaxInFlight: 100})
		if turn := reserve(t, spring, 50); turn.Taken() || turn.Reason != "60 devices are unanswered, and at most 100 may be" {
			t.Errorf("taken %t, %q", turn.Taken(), turn.Reason)
		}
		own, all := reserve(t, spring, 40), reserve(t, whole, 40)
		inFlight(600, 100) // the turns hold their places
		for _, turn := range []*Turn{own, all} {
			if err := turn.Occupy(t.Context(), "spring 2", 40, until); err != nil {
				t.Fatal(err)
			}
		}
		inFlight(600, 100) // and hand them over to the batch
		occupants, err := spring.Occupants(t.Context())
		if diff := cmp.Diff(map[string]int{"spring 1": 60, "spring 2": 40}, occupants); err != nil || diff != "" {
			t.Errorf("%v, its own in flight (-want +got):\n%s", err, diff)
		}
		if err := whole.Vacate(t.Context(), "spring 1"); err != nil {
			t.Fatal(err)
		}
		inFlight(540, 40)
		turn := reserve(t, spring, 60)
		inFlight(540, 100)
		if err := turn.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		inFlight(540, 40)
	})
}

func TestOfAPartWithoutLimitsNothingIsLeft(t *testing.T) {
	t.Parallel()
	onBothRedises(t, func(t *testing.T, rdb *redis.Client) {
		whole := New(rdb, Limits{})
		spring := whole.Part("spring")
		limit(t, spring, Limits{Requests: Rate{1, time.Hour}, MaxInFlight: 1})
		limit(t, whole.Part("autumn"), Limits{MaxInFlight: 1})
		reserve(t, spring, 1)
		hold(t, spring, "acme", time.Time{}, "a test")
		if names, err := whole.Parts(t.Context()); err != nil || !cmp.Equal(names, []string{"autumn", "spring"}) {
			t.Errorf("parts: %v, %v", names, err)
		}
		if ttl := rdb.PTTL(t.Context(), spring.keys.pace).Val(); ttl <= 0 {
			t.Errorf("a pace that nobody forgets stays for %v", ttl)
		}
		for _, part := range []string{"spring", "autumn"} {
			if err := whole.Part(part).ResetLimits(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if left := rdb.Keys(t.Context(), "*").Val(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		if turn := reserve(t, spring, 1); !turn.Taken() {
			t.Errorf("it still waits: %q", turn.Reason)
		}
	})
}

func TestStoredLimitsTellSinceWhenAndWhyAndTheirChangeIsLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{}).Part("spring")
	limit(t, l, Limits{Requests: Rate{1, time.Hour}})
	begin := w.now()
	reserve(t, l, 1)
	w.pass(time.Minute)
	if s, err := l.Status(t.Context()); err != nil || !s.SetAt.Equal(begin) {
		t.Errorf("set at %v, not %v: %v", s.SetAt, begin, err)
	}
	if turn := reserve(t, l, 1); turn.Taken() || turn.Wait < 50*time.Minute {
		t.Fatalf("taken %t, wait %s", turn.Taken(), turn.Wait)
	}
	limit(t, l, Limits{Requests: Rate{1, time.Minute}})
	if turn := reserve(t, l, 1); !turn.Taken() {
		t.Errorf("at the new rate it waits %s: %q", turn.Wait, turn.Reason)
	}
}
