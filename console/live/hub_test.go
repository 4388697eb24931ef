package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/live"
	"github.com/simshift/simshift/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board is a desk with a few jobs.
type board struct {
	api.Views

	asked atomic.Int64

	mu   sync.Mutex
	jobs []jobs.Job
	away bool
}

// change is what happens meanwhile.
func (b *board) change(happens func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	happens()
}

var errAway = errors.New("redis is away")

func (b *board) Jobs(_ context.Context, q api.JobsQuery) (*api.JobPage, error) {
	b.asked.Add(1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return nil, errAway
	}
	page := &api.JobPage{}
	for _, job := range b.jobs {
		if q.Which == "open" && job.State.Open() {
			page.Jobs = append(page.Jobs, job)
		}
	}
	return page, nil
}

func (b *board) Job(_ context.Context, id string) (*jobs.Job, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.jobs, func(job jobs.Job) bool { return job.ID == id })
	if at < 0 {
		return nil, jobs.ErrNotFound
	}
	job := b.jobs[at]
	return &job, nil
}

// run runs a hub in a bubble of time, and ends it.
func run(t *testing.T, b *board, test func(h *live.Hub)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		h := live.New(b, time.Now, slog.New(slog.DiscardHandler))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h.Run(ctx)
		}()
		synctest.Wait()
		test(h)
		stop()
		<-ended
	})
}

// heard is what has come to a listener since it was last asked: for each job its id and how many devices moved.
func heard(t *testing.T, l *live.Listener) (list []string) {
	t.Helper()
	synctest.Wait()
	for {
		select {
		case text, more := <-l.C:
			if !more {
				return append(list, "the end")
			}
			var tick api.Tick
			if err := json.Unmarshal(text, &tick); err != nil || tick.At.IsZero() {
				t.Errorf("%s (%v)", text, err)
			}
			list = append(list, tick.ID+" "+string(tick.State))
		default:
			return list
		}
	}
}

func expect(t *testing.T, what string, l *live.Listener, want ...string) {
	t.Helper()
	if got := heard(t, l); !slices.Equal(got, want) {
		t.Errorf("%s: heard %q, want %q", what, got, want)
	}
}

func TestAListenerHearsHowThingsStandAndThenWhatChanges(t *testing.T) {
	t.Parallel()
	b := &board{jobs: []jobs.Job{{ID: "a", State: jobs.Running}, {ID: "b", State: jobs.Paused}, {ID: "c", State: jobs.Finished}}}
	run(t, b, func(h *live.Hub) {
		all, one, done := h.Listen(""), h.Listen("b"), h.Listen("c")
		expect(t, "at first", all, "a running", "b paused", "c finished")
		expect(t, "of one, at first", one, "b paused")
		expect(t, "of one that has ended", done, "c finished")
		time.Sleep(3 * time.Second)
		expect(t, "nothing changes", all)
		b.change(func() { b.jobs[0].Callbacks++ })
		time.Sleep(time.Second)
		expect(t, "one changes", all, "a running")
		expect(t, "another changes", one)
		b.change(func() { b.jobs[1].State = jobs.Finished }) // and is in the list of open ones no more
		time.Sleep(time.Second)
		expect(t, "one ends", all, "b finished")
		expect(t, "it ends", one, "b finished")
		late := h.Listen("")
		time.Sleep(time.Second)
		expect(t, "who comes late", late, "a running")
		expect(t, "and nobody else", all)
	})
}

func TestNobodyListeningAsksNothing(t *testing.T) {
	t.Parallel()
	b := &board{jobs: []jobs.Job{{ID: "a", State: jobs.Running}}}
	run(t, b, func(h *live.Hub) {
		time.Sleep(time.Minute)
		if n := b.asked.Load(); n != 0 {
			t.Errorf("asked %d times", n)
		}
		listeners := make([]*live.Listener, 50)
		for i := range listeners {
			listeners[i] = h.Listen("")
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if n := b.asked.Load(); n < 9 || n > 12+int64(len(listeners)) {
			t.Errorf("for 50 listeners the desk was asked %d times in 10 s", n)
		}
		for _, l := range listeners {
			h.Leave(l)
		}
		time.Sleep(2 * time.Second)
		n := b.asked.Load()
		time.Sleep(time.Minute)
		if b.asked.Load() != n {
			t.Error("it goes on asking when all have left")
		}
	})
}

func TestWhoDoesNotKeepUpIsLetGoAndKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	b := &board{jobs: []jobs.Job{{ID: "a", State: jobs.Running}}}
	run(t, b, func(h *live.Hub) {
		slow, quick := h.Listen(""), h.Listen("")
		for range 1100 {
			b.change(func() { b.jobs[0].Callbacks++ })
			time.Sleep(time.Second)
			if got := heard(t, quick); len(got) != 1 {
				t.Fatalf("heard %q", got)
			}
		}
		if got := heard(t, slow); got[len(got)-1] != "the end" {
			t.Errorf("%d ticks, and the last is %s", len(got), got[len(got)-1])
		}
	})
}

func TestADeskThatIsAwayForAWhileIsAskedAgain(t *testing.T) {
	t.Parallel()
	b := &board{jobs: []jobs.Job{{ID: "a", State: jobs.Running}}, away: true}
	run(t, b, func(h *live.Hub) {
		l := h.Listen("")
		time.Sleep(5 * time.Second)
		expect(t, "while it is away", l)
		b.change(func() { b.away = false })
		time.Sleep(time.Second)
		expect(t, "when it is back", l, "a running")
	})
}

func TestTheEndIsHeardByAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		h := live.New(&board{}, time.Now, slog.New(slog.DiscardHandler))
		go h.Run(ctx)
		early := h.Listen("")
		synctest.Wait()
		stop()
		expect(t, "who listens", early, "the end")
		expect(t, "who comes afterwards", h.Listen(""), "the end")
	})
}
