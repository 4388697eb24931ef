package ratelimit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func TestLimitsChangeWhileWorkersRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.limiter(Limits{Requests: Rate{1, time.Hour}}), w.limiter(Limits{Requests: Rate{1, time.Hour}})
	reserve(t, a, 1)
	if turn := reserve(t, b, 1); turn.Taken() || turn.Wait < 50*time.Minute {
		t.Fatalf("taken %t, wait %s", turn.Taken(), turn.Wait)
	}
	faster := Limits{Requests: Rate{1, time.Second}}
	if err := a.SetLimits(t.Context(), faster, ""); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	if turn := reserve(t, b, 1); !turn.Taken() || turn.Wait != 10*time.Millisecond {
		t.Errorf("at a second's rate: taken %t, wait %s, %q", turn.Taken(), turn.Wait, turn.Reason)
	}
	if err := a.SetLimits(t.Context(), Limits{}, ""); err != nil {
		t.Fatal(err)
	}
	if turn := reserve(t, b, 1); !turn.Taken() || turn.Wait != 0 {
		t.Errorf("with no limit: taken %t, wait %s", turn.Taken(), turn.Wait)
	}
	if err := b.ResetLimits(t.Context()); err != nil {
		t.Fatal(err)
	}
	if turn := reserve(t, a, 1); turn.Taken() {
		t.Errorf("by its defaults again, it waits %s", turn.Wait)
	}
}

func TestStoredLimitsStandForAllAndDefaultsForTheirProcess(t *testing.T) {
	t.Parallel()
	onBothRedises(t, func(t *testing.T, rdb *redis.Client) {
		defaults := Limits{Requests: Rate{2, time.Second}, MaxInFlight: 7}
		a, b := New(rdb, defaults), New(rdb, Limits{})
		if got, stored, err := a.Limits(t.Context()); err != nil || stored || got != defaults {
			t.Errorf("at first: %v, %t, %v", got, stored, err)
		}
		want := Limits{Requests: Rate{100, time.Hour}, Devices: Rate{60_000, time.Minute}, MaxInFlight: 1 << 40}
		if err := a.SetLimits(t.Context(), want, ""); err != nil {
			t.Fatal(err)
		}
		for _, l := range []*Limiter{a, b} {
			got, stored, err := l.Limits(t.Context())
			if diff := cmp.Diff(want, got); err != nil || !stored || diff != "" {
				t.Errorf("stored %t, %v (-want +got):\n%s", stored, err, diff)
			}
		}
	})
}

func TestBatchesAreSizedToUseTheLimitUp(t *testing.T) {
	t.Parallel()
	for rate, want := range map[string]int{
		"none": 10_000, "60000/min": 10_000, "25000/min": 8_333, "15000/min": 7_500, "10001/min": 5_000, "10000/min": 10_000,
		"1000/s": 10_000,
	} {
		devices, err := ParseRate(rate)
		if err != nil {
			t.Fatal(err)
		}
		if got := (Limits{Devices: devices}).BatchSize(10_000); got != want {
			t.Errorf("at %s batches have %d, want %d", rate, got, want)
		}
	}
}

func TestRefusesLimitsThatMeanNothing(t *testing.T) {
	t.Parallel()
	l := newWorld(t).limiter(Limits{})
	for _, limits := range []Limits{
		{Requests: Rate{-1, time.Second}}, {Devices: Rate{1, 0}}, {Requests: Rate{0, time.Second}}, {MaxInFlight: -1},
	} {
		if err := l.SetLimits(t.Context(), limits, ""); err == nil {
			t.Errorf("%+v was stored", limits)
		}
	}
}
