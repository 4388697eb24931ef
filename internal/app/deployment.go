package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/internal/metrics"
	"github.com/simshift/simshift/internal/tracing"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/thingspace"
	"github.com/simshift/simshift/worker"
)

// deployment is everything that one process shares with the others through Redis.
type deployment struct {
	env     *Env
	rdb     redis.UniversalClient
	ledger  *ledger.Ledger
	tasks   *worker.Tasks
	limiter *ratelimit.Limiter
	anchor  *anchor
	witness *worker.Witness
	uploads *spool           // nil: nobody can send files
	figures *metrics.Process // of this process
	fates   *worker.Fates    // of the callbacks that it weighs
	tracer  *tracing.Tracer  // nil: nobody is told
	log     *slog.Logger
}

// open connects to Redis and wires what every command may need.
func open(ctx context.Context, env *Env) (*deployment, error) {
	log, err := newLog(env)
	if err != nil {
		return nil, err
	}
	limits, err := readLimits(env)
	if err != nil {
		return nil, err
	}
	timeout, err := requestTimeout(env)
	if err != nil {
		return nil, err
	}
	anchored := newAnchor(env.Now)
	rdb, err := connect(ctx, env, anchored)
	if err != nil {
		return nil, err
	}
	d := wire(env, rdb, anchored, limits, timeout, log)
	if d.tracer, err = readTracer(ctx, env, log); err != nil {
		_ = rdb.Close()
		return nil, err
	}
	return d, nil
}

// wire makes a deployment on an open Redis, by whose clock everything in it goes.
func wire(env *Env, rdb redis.UniversalClient, anchored *anchor, limits ratelimit.Limits, timeout time.Duration,
	log *slog.Logger,
) *deployment {
	onTime := *env
	onTime.Now = anchored.Now
	figures := metrics.New()
	d := &deployment{
		env: &onTime, rdb: rdb, anchor: anchored, figures: figures, fates: new(worker.Fates), log: log,
		ledger: ledger.New(rdb, anchored.Now),
		tasks:  worker.NewTasks(asynq.NewClientFromRedisClient(rdb)),
		limiter: ratelimit.New(rdb, limits, ratelimit.Clock(anchored.Now), ratelimit.Watch(func(part string, t *ratelimit.Turn) {
			figures.Turn(part != "", t.Cause, t.Wait)
		})),
	}
	d.witness = worker.NewWitness(worker.WitnessConfig{
		Process: processName(), Books: d.ledger, Ground: anchored, Timeout: timeout, Now: anchored.Now, Log: log,
		Hold: func(ctx context.Context, until time.Time, reason string) error {
			return d.limiter.Hold(ctx, "", until, reason)
		},
	})
	return d
}

// witnessed runs the witness until the function it gives is called: not only until ctx is done, since what was begun
// before goes on for a while.
func (d *deployment) witnessed(ctx context.Context) (stop func()) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var witnessing sync.WaitGroup
	witnessing.Go(func() { d.witness.Run(running) })
	witnessing.Go(func() { d.anchor.keep(running, d.rdb) })
	return func() {
		cancel()
		witnessing.Wait()
	}
}

// processName is a name that no other process has, and that tells a person which one it is.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s:%d:%s", host, os.Getpid(), uuid.NewString()[:8])
}

// Close delivers the last spans and gives the connections back.
func (d *deployment) Close() {
	if d.tracer != nil {
		if err := d.tracer.Close(); err != nil {
			d.log.Warn("spans not delivered", "error", err)
		}
	}
	_ = d.rdb.Close()
}

func (d *deployment) settler() *worker.Settler {
	return worker.NewSettler(worker.SettlerConfig{
		Books: d.ledger, Tasks: d.tasks, Limiter: d.limiter, Witness: d.witness, Fates: d.fates, Tracer: d.told(),
		Now: d.env.Now, Chance: rand.Float64, Log: d.log,
	})
}

// carrier makes the client of the carrier, if the credentials are there.
func (d *deployment) carrier() (*thingspace.Client, thingspace.Config, error) {
	r := reader{env: d.env}
	cfg := thingspace.Config{
		BaseURL: r.text("THINGSPACE_URL"), Key: r.text("THINGSPACE_KEY"), Secret: r.text("THINGSPACE_SECRET"),
		Username: r.text("THINGSPACE_USERNAME"), Password: r.text("THINGSPACE_PASSWORD"),
	}
	var err error
	if cfg.Timeout, err = requestTimeout(d.env); err != nil || r.err != nil {
		return nil, cfg, errors.Join(r.err, err)
	}
	if err := cfg.Validate(); err != nil {
		return nil, cfg, usage("correct SIMSHIFT_THINGSPACE_*; the simulator's credentials are key, secret, user, pass", "%w", err)
	}
	return d.client(cfg), cfg, nil
}

// requestTimeout is how long one request to the carrier may take.
func requestTimeout(env *Env) (time.Duration, error) {
	r := reader{env: env}
	return r.duration("THINGSPACE_TIMEOUT", time.Second, worker.MaxRequestTimeout), r.err
}

func (d *deployment) client(cfg thingspace.Config) *thingspace.Client {
	return thingspace.New(cfg, thingspace.NewSessionStore(d.rdb), thingspace.WithClock(d.env.Now), thingspace.WithLogger(d.log))
}

// listener is what is registered for an account.
func listener(env *Env) (thingspace.Listener, error) {
	r := reader{env: env}
	own := thingspace.Listener{
		Service: thingspace.ProfileService, URL: r.text("CALLBACK_URL"),
		Username: r.text("CALLBACK_USERNAME"), Password: r.text("CALLBACK_PASSWORD"),
	}
	if r.err == nil && own.URL != "" && !strings.HasPrefix(own.URL, "http://") && !strings.HasPrefix(own.URL, "https://") {
		return own, usage("give the whole public address, as https://fleet.example.com:9001"+worker.CallbackPath,
			"SIMSHIFT_CALLBACK_URL is no http or https URL")
	}
	return own, r.err
}

func readLimits(env *Env) (limits ratelimit.Limits, err error) {
	r := reader{env: env}
	for name, rate := range map[string]*ratelimit.Rate{"RATE_REQUESTS": &limits.Requests, "RATE_DEVICES": &limits.Devices} {
		text := r.text(name)
		if text == "0" || r.err != nil {
			continue
		}
		if *rate, err = ratelimit.ParseRate(text); err != nil {
			return limits, usage("write it as 2/s, 60000/min or 100/h; 0 is no limit", "SIMSHIFT_%s: %w", name, err)
		}
	}
	limits.MaxInFlight = r.number("MAX_IN_FLIGHT", 0, mostInFlight)
	return limits, r.err
}

// openJob connects to Redis and finds the job that a user named. The caller closes the deployment.
func openJob(ctx context.Context, env *Env, word string) (*deployment, jobs.Job, error) {
	if word == "" { // an unset variable, most likely
		return nil, jobs.Job{}, usage("name the job: `simshift jobs list` shows every one", "JOB is empty")
	}
	d, err := open(ctx, env)
	if err != nil {
		return nil, jobs.Job{}, err
	}
	job, err := d.find(ctx, word)
	if err != nil {
		d.Close()
		return nil, jobs.Job{}, err
	}
	return d, job, nil
}

// find gives the job that a user means: by its id, the beginning of its id, or its name.
func (d *deployment) find(ctx context.Context, word string) (jobs.Job, error) {
	job, err := d.ledger.Job(ctx, word)
	if err == nil || !errors.Is(err, jobs.ErrNotFound) {
		return job, err
	}
	all, err := d.ledger.Jobs(ctx)
	if err != nil {
		return jobs.Job{}, err
	}
	var found []jobs.Job
	for _, one := range all {
		if one.Name == word || len(word) >= 4 && strings.HasPrefix(one.ID, word) {
			found = append(found, one)
		}
	}
	switch len(found) {
	case 0:
		return jobs.Job{}, fmt.Errorf("job %q: %w", word, jobs.ErrNotFound)
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, one := range found {
		ids[i] = one.ID
	}
	return jobs.Job{}, usage("name one of them: "+strings.Join(ids, ", "), "%d jobs are called %q", len(found), word)
}
