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

func (m *marks) Mark(_ context.Context, process string, last, next int64) (int64, error) {
	if m.away {
		return 0, errors.New("redis is away")
	}
	before, known := m.kept[process]
	if !known {
		before = -1
	}
	if before >= last {
		m.kept[process], m.at[process] = next, time.Now()
	}
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
type ground struct{ times int }

func (g *ground) Moved() int { return g.times }

// witnessed is a witness with what it saw and did.
type witnessed struct {
	*Witness
	marks   *marks
	ground  *ground
	holds   []time.Duration
	redone  []string
	fails   map[string]bool
	missing bool // whether what is done again was missing
}

func newWitnessed() *witnessed {
	w := &witnessed{marks: newMarks(), ground: &ground{}, fails: make(map[string]bool)}
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
	w.Remember(1, func(context.Context) (bool, error) {
		if w.fails[what] {
			return false, errors.New("no")
		}
		w.redone = append(w.redone, what)
		return w.missing, nil
	})
}

// looks lets the witness look once a second.
func (w *witnessed) looks(t *testing.T, times int) {
	t.Helper()
	for range times {
		time.Sleep(markEvery)
		w.look(t.Context())
	}
}

func (w *witnessed) wantHolds(t *testing.T, want ...time.Duration) {
	t.Helper()
	if !slices.Equal(w.holds, want) {
		t.Errorf("held for %v, want %v", w.holds, want)
	}
}

const grace = 11 * time.Minute // with the time of a request

func TestWhatRedisHasLostIsDoneAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWitnessed()
		for _, what := range []string{"a", "b", "c", "d"} {
			w.looks(t, 1)
			w.did(what)
		}
		w.marks.kept["me"] = 2 // the mark before d, and with it what came after: c was before it was acknowledged, perhaps
		w.looks(t, 1)
		if !slices.Equal(w.redone, []string{"b", "c", "d"}) {
			t.Errorf("done again: %v", w.redone)
		}
		if len(w.marks.witnessed) != 1 {
			t.Errorf("witnessed %v", w.marks.witnessed)
		}
		w.looks(t, 20)
		w.wantHolds(t, restoreHold) // and a loss that was mended is not mended again
	})
}

func TestALossYoungerThanTheLastMarkIsDoneAgainToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWitnessed()
		w.looks(t, 3)
		w.did("after the mark")
		w.ground.times++ // the other Redis has our last mark, and not what came after it
		w.looks(t, 1)
		if !slices.Equal(w.redone, []string{"after the mark"}) {
			t.Errorf("done again: %v", w.redone)
		}
		w.wantHolds(t)
	})
}

func TestAMarkWhoseReplyWasLostIsNoLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWitnessed()
		w.looks(t, 1)
		w.did("a")
		w.marks.kept["me"] = 1 // written, and its reply cut off
		w.looks(t, 1)
		w.marks.away = true
		w.looks(t, 1)
		w.marks.away = false
		w.looks(t, 1)
		if len(w.redone) != 0 {
			t.Errorf("done again: %v", w.redone)
		}
		w.wantHolds(t)
	})
}

func TestTheProofOfALossStaysUntilItIsMended(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWitnessed()
		w.looks(t, 3)
		w.did("a")
		w.fails["a"] = true
		w.marks.kept["me"] = 0
		w.c.Hold = func(context.Context, time.Time, string) error { return errors.New("no hold either") }
		w.looks(t, 2)
		if steady, _ := w.Steady(t.Context()); steady || w.marks.kept["me"] != 0 || len(w.marks.witnessed) != 0 {
			t.Errorf("steady %v, mark %d, witnessed %v", steady, w.marks.kept["me"], w.marks.witnessed)
		}
		w.leave(t.Context())
		if _, there := w.marks.kept["me"]; !there {
			t.Error("the proof was taken away by a process that left")
		}
		w.fails["a"] = false
		w.looks(t, 1)
		if !slices.Equal(w.redone, []string{"a"}) || len(w.marks.witnessed) != 1 {
			t.Errorf("done again %v, witnessed %v", w.redone, w.marks.witnessed)
		}
	})
}

func TestALossDeeperThanItsMemoryHoldsEverythingForTheGrace(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]func(*witnessed){
		"a mark older than the memory": func(w *witnessed) { w.marks.kept["me"] = 0 },
		"no mark at all":               func(w *witnessed) { delete(w.marks.kept, "me") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWitnessed()
				for range 3 {
					w.looks(t, 1)
					w.did("long ago")
					time.Sleep(memory)
				}
				w.looks(t, 1)
				forget(w)
				w.looks(t, 1)
				w.wantHolds(t, restoreHold, grace)
			})
		})
	}
}

func TestAProcessThatDiedWithARedisThatForgotHoldsEverythingForTheGrace(t *testing.T) {
	t.Parallel()
	for name, forgot := range map[string]bool{"something is missing": true, "nothing is missing": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWitnessed()
				w.missing = forgot
				w.looks(t, 2)
				w.did("a")
				w.marks.at["dead for long"] = time.Now().Add(-time.Minute)
				w.marks.at["another"] = time.Now()
				w.ground.times++
				w.looks(t, 5)
				w.wantHolds(t)
				if steady, _ := w.Steady(t.Context()); steady {
					t.Error("steady, with a process missing")
				}
				w.looks(t, 10)
				if forgot {
					w.wantHolds(t, grace)
				} else {
					w.wantHolds(t)
				}
				if steady, why := w.Steady(t.Context()); !steady {
					t.Errorf("not steady for ever: %s", why)
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
		w.looks(t, 2)
		steady(true, "at first")
		w.marks.at["another"] = time.Now()
		w.ground.times++
		steady(false, "at once")
		time.Sleep(time.Hour)
		steady(false, "before this process has looked, however long it takes")
		w.looks(t, 1)
		time.Sleep(steadyAfter)
		steady(false, "before the other process has looked")
		w.marks.at["another"] = time.Now()
		steady(true, "after the other process has looked")
		w.looks(t, 20)
		w.wantHolds(t)
	})
}
