package ratelimit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func TestNoMoreDevicesAreInFlightThanMayBe(t *testing.T) {
	t.Parallel()
	onBothRedises(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb, Limits{MaxInFlight: 100})
		until := time.Now().Add(time.Hour)
		first := reserve(t, l, 60)
		if turn := reserve(t, l, 50); turn.Taken() || turn.Wait != inFlightPoll ||
			turn.Reason != "60 devices are unanswered, and at most 100 may be" {
			t.Errorf("taken %t, wait %s, %q", turn.Taken(), turn.Wait, turn.Reason)
		}
		for range 2 { // said twice, it counts once
			if err := first.Occupy(t.Context(), "job/1", 60, until); err != nil {
				t.Fatal(err)
			}
		}
		if turn := reserve(t, l, 40); !turn.Taken() {
			t.Errorf("40 beside 60 of 100: %q", turn.Reason)
		} else if err := turn.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := l.Occupy(t.Context(), "job/1", 10, until); err != nil {
			t.Fatal(err)
		}
		second := reserve(t, l, 90)
		if !second.Taken() {
			t.Fatalf("90 beside 10 of 100: %q", second.Reason)
		}
		if err := second.Occupy(t.Context(), "job/2", 90, until); err != nil {
			t.Fatal(err)
		}
		occupants, err := l.Occupants(t.Context())
		if diff := cmp.Diff(map[string]int{"job/1": 10, "job/2": 90}, occupants); err != nil || diff != "" {
			t.Errorf("%v, in flight (-want +got):\n%s", err, diff)
		}
		for range 2 {
			if err := l.Vacate(t.Context(), "job/2"); err != nil {
				t.Fatal(err)
			}
		}
		if s, err := l.Status(t.Context()); err != nil || s.InFlight != 10 {
			t.Errorf("%d are in flight, %v", s.InFlight, err)
		}
	})
}

func TestABatchOverTheBoundGoesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{MaxInFlight: 100})
	turn := reserve(t, l, 500)
	if !turn.Taken() {
		t.Fatalf("nothing is in flight, but: %q", turn.Reason)
	}
	if turn := reserve(t, l, 1); turn.Taken() {
		t.Error("something went beside it")
	}
}

func TestNothingIsInFlightForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{MaxInFlight: 100})
	reserve(t, l, 50) // by a process that dies
	if err := l.Occupy(t.Context(), "job/1", 50, w.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.pass(unclaimed + time.Second)
	if turn := reserve(t, l, 50); !turn.Taken() {
		t.Errorf("the unclaimed turn still counts: %q", turn.Reason)
	}
	w.pass(time.Hour)
	if turn := reserve(t, l, 100); !turn.Taken() {
		t.Errorf("past its deadline the batch still counts: %q", turn.Reason)
	}
}
