package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/thingspace"
)

// taskMargin is what a task may take beside its request: waiting for its turn, and writing.
const taskMargin = 90 * time.Second

// taskTimeout bounds a handler: the longest request there is, and its margin.
const taskTimeout = MaxRequestTimeout + taskMargin

// MaxRequestTimeout is the longest a request to the carrier may be given.
const MaxRequestTimeout = 5 * time.Minute

// Books is all that a worker needs of the ledger.
type Books interface {
	planBooks
	reapBooks
	sweepBooks
	recountBooks
	submitBooks
	newsBooks
	SettleBooks
}

// Config is what a [Worker] is made of.
type Config struct {
	Redis    redis.UniversalClient
	Books    Books
	Tasks    *Tasks
	Settler  *Settler
	Witness  *Witness
	Limiter  *ratelimit.Limiter
	Carrier  Carrier
	Registry Registry
	Heralds  []Herald            // who tells somebody outside what happened
	Tracer   Tracer              // nil: nobody is told
	Listener thingspace.Listener // what to register for an account; without a URL nothing is registered

	Concurrency    int           // tasks at once in this process, at least 1
	RequestTimeout time.Duration // of one request to the carrier, at most MaxRequestTimeout
	SweepEvery     time.Duration // about how often the sweeper looks
	Retention      time.Duration // how long ended jobs are kept

	Now    func() time.Time
	Chance func() float64 // uniform in [0, 1)
	Log    *slog.Logger
}

// Worker is one process's share of the work.
type Worker struct {
	server  *asynq.Server
	news    *asynq.Server // nil: there is nobody to tell
	mux     *asynq.ServeMux
	sweeper *sweeper
	witness *Witness
}

// New makes a worker; nothing runs before [Worker.Run].
func New(c Config) *Worker {
	plan := &planner{books: c.Books, tasks: c.Tasks, holds: c.Limiter.Holds, now: c.Now, log: c.Log}
	reap := &reaper{books: c.Books, tasks: c.Tasks, now: c.Now, chance: c.Chance, log: c.Log}
	submit := &submitter{
		books: c.Books, carrier: c.Carrier, limiter: c.Limiter, witness: c.Witness, planner: plan, tasks: c.Tasks,
		timeout:   c.RequestTimeout,
		tracer:    c.Tracer,
		listeners: newListeners(c.Registry, c.Limiter, c.Listener, c.Now),
		now:       c.Now, chance: c.Chance, newRun: uuid.NewString, log: c.Log,
	}
	tidings := &news{books: c.Books, tasks: c.Tasks, heralds: c.Heralds, now: c.Now, log: c.Log}
	w := &Worker{
		server:  asynq.NewServerFromRedisClient(c.Redis, serverConfig(c)),
		news:    newsServer(c),
		mux:     asynq.NewServeMux(),
		witness: c.Witness,
		sweeper: &sweeper{
			books: c.Books, planner: plan, reaper: reap, settler: c.Settler, witness: c.Witness, tasks: c.Tasks,
			occupancy: &occupancy{c.Books, c.Limiter},
			recounter: &recounter{books: c.Books, log: c.Log, seen: make(map[string]standing)},
			news:      tidings,
			every:     c.SweepEvery, retention: c.Retention, log: c.Log,
		},
	}
	w.handle(typeSubmit, submit.Submit)
	w.handle(typeDeadline, func(ctx context.Context, id jobs.BatchID) error { _, err := reap.Reap(ctx, id); return err })
	w.handle(typeRetry, func(ctx context.Context, id jobs.BatchID) error { return plan.Advance(ctx, id.Job) })
	w.handle(typeAdvance, func(ctx context.Context, id jobs.BatchID) error { return plan.Advance(ctx, id.Job) })
	for _, herald := range c.Heralds {
		w.handle(typeNews+herald.Name(), func(ctx context.Context, id jobs.BatchID) error {
			return tidings.bring(ctx, herald, id.Job, id.Batch)
		})
	}
	return w
}

// serverConfig is how asynq serves the tasks that send.
func serverConfig(c Config) asynq.Config {
	return asynq.Config{
		Concurrency: c.Concurrency,
		Queues:      queues,
		// The defaults, 1 s and 5 s, would cost a rate-limited night more than the limit does.
		TaskCheckInterval:        200 * time.Millisecond,
		DelayedTaskCheckInterval: 500 * time.Millisecond,
		RetryDelayFunc:           retryDelay,
		IsFailure:                isFailure,
		ShutdownTimeout:          c.RequestTimeout + 10*time.Second,
		Logger:                   asynqLog{c.Log},
		LogLevel:                 asynq.WarnLevel,
		ErrorHandler:             asynq.ErrorHandlerFunc(logFailure(c.Log)),
	}
}

func (w *Worker) handle(kind string, do func(ctx context.Context, id jobs.BatchID) error) {
	w.mux.HandleFunc(kind, func(ctx context.Context, task *asynq.Task) error {
		var p payload
		if err := json.Unmarshal(task.Payload(), &p); err != nil {
			return fmt.Errorf("%w: %w", asynq.SkipRetry, err)
		}
		if steady, why := w.witness.Steady(ctx); !steady {
			return &putBack{steadyAfter, why}
		}
		return do(ctx, jobs.BatchID(p))
	})
}

// Run works until ctx is done. It then takes nothing more, finishes what it has begun, and returns.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.server.Start(w.mux); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	if w.news != nil {
		if err := w.news.Start(w.mux); err != nil {
			w.server.Shutdown()
			return fmt.Errorf("start worker: %w", err)
		}
	}
	var ending sync.WaitGroup
	ending.Go(func() { w.sweeper.run(ctx) })
	<-ctx.Done()
	if w.news != nil {
		ending.Go(w.news.Shutdown)
	}
	w.server.Shutdown()
	ending.Wait()
	return nil
}

func logFailure(log *slog.Logger) func(context.Context, *asynq.Task, error) {
	return func(ctx context.Context, task *asynq.Task, err error) {
		var p payload
		_ = json.Unmarshal(task.Payload(), &p) // what is no payload of ours names neither
		if wait, ok := errors.AsType[*putBack](err); ok {
			log.DebugContext(ctx, "task waits", "task", task.Type(), "job", p.Job, "batch", p.Batch, "for", wait.delay, "why", wait.why)
			return
		}
		log.ErrorContext(ctx, "task failed; it will be tried again", "task", task.Type(), "job", p.Job, "batch", p.Batch, "error", err)
	}
}

// asynqLog gives asynq's own words to our log.
type asynqLog struct{ log *slog.Logger }

func (l asynqLog) Debug(args ...any) { l.log.Debug("asynq", "said", fmt.Sprint(args...)) }
func (l asynqLog) Info(args ...any)  { l.log.Info("asynq", "said", fmt.Sprint(args...)) }
func (l asynqLog) Warn(args ...any)  { l.log.Warn("asynq", "said", fmt.Sprint(args...)) }
func (l asynqLog) Error(args ...any) { l.log.Error("asynq", "said", fmt.Sprint(args...)) }
func (l asynqLog) Fatal(args ...any) { l.log.Error("asynq", "said", fmt.Sprint(args...)) }
