package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

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
	anchor  *anchor // nil where Redis is embedded
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
	anchored := newAnchor(env.Now)
	rdb, err := connect(ctx, env, anchored)
	if err != nil {
		return nil, err
	}
	onTime := *env
	onTime.Now = anchored.Now
	d := wire(&onTime, rdb, limits, log)
	d.anchor = anchored
	return d, nil
}

// wire makes a deployment on an open Redis. env.Now is the clock of the books.
func wire(env *Env, rdb redis.UniversalClient, limits ratelimit.Limits, log *slog.Logger) *deployment {
	return &deployment{
		env: env, rdb: rdb, log: log,
		ledger:  ledger.New(rdb, env.Now),
		tasks:   worker.NewTasks(asynq.NewClientFromRedisClient(rdb)),
		limiter: ratelimit.New(rdb, limits, ratelimit.Clock(env.Now)),
	}
}

// Close gives the connections back.
func (d *deployment) Close() { _ = d.rdb.Close() }

func (d *deployment) settler() *worker.Settler {
	return worker.NewSettler(d.ledger, d.tasks, d.limiter, d.env.Now, rand.Float64, d.log)
}

// carrier makes the client of the carrier, if the credentials are there.
func (d *deployment) carrier() (*thingspace.Client, thingspace.Config, error) {
	r := reader{env: d.env}
	cfg := thingspace.Config{
		BaseURL: r.text("THINGSPACE_URL"), Key: r.text("THINGSPACE_KEY"), Secret: r.text("THINGSPACE_SECRET"),
		Username: r.text("THINGSPACE_USERNAME"), Password: r.text("THINGSPACE_PASSWORD"),
		Timeout: r.duration("THINGSPACE_TIMEOUT", time.Second, worker.MaxRequestTimeout),
	}
	if r.err != nil {
		return nil, cfg, r.err
	}
	if err := cfg.Validate(); err != nil {
		return nil, cfg, usage("the simulator takes key, secret, user, pass", "%w", err)
	}
	return d.client(cfg), cfg, nil
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
	limits.MaxInFlight = r.number("MAX_IN_FLIGHT", 0, 1<<40)
	return limits, r.err
}

func newLog(env *Env) (*slog.Logger, error) {
	r := reader{env: env}
	level, format := r.text("LOG_LEVEL"), r.text("LOG_FORMAT")
	if r.err != nil {
		return nil, r.err
	}
	var options slog.HandlerOptions
	var parsed slog.Level
	if err := parsed.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("use debug, info, warn or error", "SIMSHIFT_LOG_LEVEL is %q", level)
	}
	options.Level = parsed
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(env.Err, &options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(env.Err, &options)), nil
	}
	return nil, usage("use text or json", "SIMSHIFT_LOG_FORMAT is %q", format)
}

// quiet is a log for commands that talk to a person themselves.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// openJob connects to Redis and finds the job that a user named. The caller closes the deployment.
func openJob(ctx context.Context, env *Env, word string) (*deployment, jobs.Job, error) {
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
