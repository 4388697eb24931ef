package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// marks is a Redis that can forget, as far as a witness sees it.
type marks struct {
	kept      map[string]int64
	at        map[string]time.Time
	witnessed []string
	away      bool
}

func newMarks() *marks { return &marks{kept: make(map[string]int64), at: make(map[string]time.Time)} }

func (m *marks) Mark(_ context.Context, process string, mark int64) (int64, error) {
	if m.away {
		return 0, errors.New("redis is away")
	}
	before, known := m.kept[process]
	if !known {
		before = -1
	}
	m.kept[process], m.at[process] = mark, time.Now()
	return before, nil
}

func (m *marks) Marks(context.Context) (map[string]time.Time, error) { return m.at, nil }
func (m *marks) Unmark(_ context.Context, process string) error {
	delete(m.kept, process)
	delete(m.at, process)
	return nil
}
func (m *marks) LongestGrace(context.Context) (time.Duration, error) { return 10 * time.Minute, nil }
func (m *marks) Witnessed(_ context.Context, words string) error {
	m.witnessed = append(m.witnessed, words)
	return nil
}

// ground moves when the test says so.
type ground struct {
	times int
	at    time.Time
}

func (g *ground) Moved() (int, time.Duration) { return g.times, time.Since(g.at) }

// witnessed is a witness with what it saw and did.
type witnessed struct {
	*Witness
	marks  *marks
	ground *ground
	holds  []time.Duration
	redone []string
}

func newWitnessed() *witnessed {
	w := &witnessed{marks: newMarks(), ground: &ground{}}
	w.Witness = NewWitness(WitnessConfig{
		Process: "me", Books: w.marks, Ground: w.ground, Timeout: time.Minute, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Hold: func(_ context.Context, until time.Time, _ string) error {
			w.holds = append(w.holds, time.Until(until))
			return nil
		},
	})
	return w
}

func (w *witnessed) did(what string) {
	w.Remember(1, func(context.Context) error {
		w.redone = append(w.redone, what)
		return nil
	})
}

func TestWhatRedisHasLostIsDoneAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWitnessed()
		for _, what := range []string{"a", "b", "c", "d"} {
			w.look(t.Context())
			w.did(what)
		}
		w.marks.kept["me"] = 2 // the mark before d, and with it what came after: c was before it was acknowledged, perhaps
		w.look(t.Context())
		if !slices.Equal(w.redone, []string{"b", "c", "d"}) {
			t.Errorf("done again: %v", w.redone)
		}
		if !slices.Equal(w.holds, []time.Duration{restoreHold}) || len(w.marks.witnessed) != 1 {
			t.Errorf("held for %v, witnessed %v", w.holds, w.marks.witnessed)
		}
		w.look(t.Context())
		if len(w.holds) != 1 {
			t.Error("a loss that was mended is mended again")
		}
	})
}

func TestAMarkWhoseReplyWasLostIsNoLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWitnessed()
		w.look(t.Context())
		w.did("a")
		w.marks.kept["me"] = 1 // written, and its reply cut off
		w.look(t.Context())
		w.marks.away = true
		w.look(t.Context())
		w.marks.away = false
		w.look(t.Context())
		if len(w.redone)+len(w.holds) != 0 {
			t.Errorf("done again: %v, held for %v", w.redone, w.holds)
		}
	})
}

func TestALossDeeperThanItsMemoryHoldsEverythingForTheGrace(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]func(*witnessed){
		"a mark older than the memory": func(w *witnessed) { w.marks.kept["me"] = 0 },
		"no mark at all":               func(w *witnessed) { delete(w.marks.kept, "me") },
		"another process that died": func(w *witnessed) {
			w.marks.kept["me"]--
			w.marks.at["another"] = time.Now()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWitnessed()
				for range 3 {
					w.look(t.Context())
					w.did("long ago")
					time.Sleep(memory)
				}
				w.look(t.Context())
				forget(w)
				time.Sleep(markEvery)
				w.look(t.Context())
				if !slices.Equal(w.holds, []time.Duration{restoreHold, 11 * time.Minute}) {
					t.Errorf("held for %v", w.holds)
				}
			})
		})
	}
}

func TestNothingIsSentUntilEveryProcessHasLookedAtAnotherRedis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWitnessed()
		steady := func(want bool, when string) {
			t.Helper()
			if got, why := w.Steady(t.Context()); got != want || (why == "") != want {
				t.Errorf("%s: steady %v (%s)", when, got, why)
			}
		}
		steady(true, "at first")
		w.marks.at["another"] = time.Now()
		time.Sleep(time.Second)
		w.ground.times, w.ground.at = 1, time.Now()
		steady(false, "at once")
		time.Sleep(steadyAfter)
		steady(false, "before the other process has looked")
		w.marks.at["another"] = time.Now()
		steady(true, "after the other process has looked")
		w.marks.at["another"] = time.Now().Add(-time.Minute)
		time.Sleep(strangerPatience)
		steady(true, "when the other process must be dead")
	})
}
