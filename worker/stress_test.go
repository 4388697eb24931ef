package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/ledger"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/thingspace"
)

// written is a settler that remembers what it has written.
type written struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (w *written) settle(_ context.Context, group []Received) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range group {
		w.ids[r.RequestID] = true
	}
	return nil
}

func TestAnIntakeThatIsStoppedAmongCallbacksAnswersEachAndTellsNoLie(t *testing.T) {
	t.Parallel()
	const cycles, senders = 200, 20
	for range cycles {
		w := &written{ids: make(map[string]bool)}
		i := &Intake{settle: w.settle, queue: make(chan *delivery, 4), log: slog.New(slog.DiscardHandler)}
		running, stop := context.WithCancel(t.Context())
		patience, hangUp := context.WithCancel(t.Context())
		var run, sending sync.WaitGroup
		run.Go(func() { i.Run(running) })
		answers := make(chan string, senders) // ids of those that were told that they are written
		for n := range senders {
			sending.Go(func() {
				id := fmt.Sprint(n)
				err := i.Deliver(patience, Received{Callback: thingspace.Callback{RequestID: id}})
				if err == nil {
					answers <- id
				} else if !errors.Is(err, errNotWritten) {
					t.Errorf("answered with %v", err)
				}
			})
		}
		first := <-answers // it is stopped while the others come
		stop()
		run.Wait()
		hangUp()
		sending.Wait()
		close(answers)
		for id := first; id != ""; id = <-answers {
			if !w.ids[id] {
				t.Fatalf("callback %s was acknowledged and not written", id)
			}
		}
	}
}

// idle is a carrier that nobody should ask.
type idle struct{ t *testing.T }

func (c idle) Enable(context.Context, thingspace.EnableRequest) (string, error) {
	c.t.Error("a request without a job")
	return "", errors.New("idle")
}

func (c idle) Ready(context.Context) error { return nil }

func (c idle) Listeners(context.Context, string) ([]thingspace.Listener, error) { return nil, nil }

func (c idle) Register(context.Context, string, thingspace.Listener) error { return nil }

func TestAWorkerStartsAndStopsAgainAndAgain(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client(t)
	log := slog.New(slog.DiscardHandler)
	books := ledger.New(rdb, time.Now)
	tasks := NewTasks(asynq.NewClientFromRedisClient(rdb))
	limiter := ratelimit.New(rdb, ratelimit.Limits{})
	witness := NewWitness(WitnessConfig{
		Process: "idle", Books: books, Ground: &ground{}, Hold: func(context.Context, time.Time, string) error { return nil },
		Now: time.Now, Log: log,
	})
	for n := range 4 {
		w := New(Config{
			Redis: rdb, Books: books, Tasks: tasks, Limiter: limiter, Carrier: idle{t}, Registry: idle{t},
			Settler: NewSettler(SettlerConfig{
				Books: books, Tasks: tasks, Limiter: limiter, Witness: witness, Fates: new(Fates), Now: time.Now, Chance: rand.Float64, Log: log,
			}),
			Witness:     witness,
			Concurrency: 4, RequestTimeout: time.Second, SweepEvery: time.Minute, Retention: time.Hour,
			Now: time.Now, Chance: rand.Float64, Log: log,
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		if n%2 == 0 { // the others are stopped while they start
			waitForServer(t, asynq.NewInspectorFromRedisClient(rdb))
		}
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("a worker without work does not stop")
		}
	}
}

// waitForServer returns when asynq has announced the worker. It tells nobody but Redis.
func waitForServer(t *testing.T, queue *asynq.Inspector) {
	t.Helper()
	for {
		servers, err := queue.Servers()
		if err != nil {
			t.Fatal(err)
		}
		if len(servers) > 0 {
			return
		}
	}
}
