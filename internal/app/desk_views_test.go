package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// counter counts what is asked of Redis, each command of a pipeline too.
type counter struct{ commands atomic.Int64 }

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		c.commands.Add(1)
		return next(ctx, command)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		c.commands.Add(int64(len(commands)))
		return next(ctx, commands)
	}
}

// during tells how many commands that took, once everything is there that the first time brings: scripts, connections.
func (c *counter) during(t *testing.T, look func() error) int64 {
	t.Helper()
	for range 2 {
		c.commands.Store(0)
		if err := look(); err != nil {
			t.Fatal(err)
		}
	}
	return c.commands.Load()
}

// onRedis is a deployment on a Redis of its own.
func onRedis(t *testing.T, now func() time.Time) (*deployment, *redis.Client) {
	t.Helper()
	client := redistest.Start(t).Client(t)
	env := &Env{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }, Now: now}
	d := wire(env, client, newAnchor(now), ratelimit.Limits{}, time.Second, quiet())
	t.Cleanup(d.Close)
	return d, client
}

// smallJob imports a job of so many devices.
func (d *deployment) smallJob(t *testing.T, id string, devices int) {
	t.Helper()
	ctx := t.Context()
	job := jobs.Job{ID: id, Target: jobs.Global, Policy: jobs.DefaultPolicy(), Devices: int64(devices), CreatedAt: d.env.Now(),
		Groups: []jobs.Group{{Account: "0000123456-00001", Plan: "Global IoT 5MB"}}}
	if err := errors.Join(d.ledger.Create(ctx, job), d.ledger.AddChunk(ctx, id, jobs.Chunk{Size: devices}, roster(t, devices)),
		d.ledger.Commit(ctx, job, job.Devices, "", jobs.Entry{Who: "ann", Act: jobs.ActImported})); err != nil {
		t.Fatal(err)
	}
}

// endedJob imports a job of one device, which is cancelled at once.
func (d *deployment) endedJob(t *testing.T, number int) {
	t.Helper()
	id := fmt.Sprintf("0198c5a2-%04d", number)
	d.smallJob(t, id, 1)
	_, dropped := d.ledger.Drop(t.Context(), id, []jobs.Place{jobs.PlaceAt(0, 0)}, jobs.Entry{})
	_, finished := d.ledger.Finish(t.Context(), id)
	if err := errors.Join(dropped, finished); err != nil {
		t.Fatal(err)
	}
}

// However many jobs have ended, the overview reads whole those that it shows. Of each other one it reads whether it is open: once
// to list the open ones, and once to find the oldest request.
func TestTheOverviewReadsNoMoreThanItShows(t *testing.T) {
	t.Parallel()
	d, client := onRedis(t, time.Now)
	asked := new(counter)
	client.AddHook(asked)
	overview := func() error {
		o, err := d.Overview(t.Context())
		if err == nil && len(o.Ended) != endedShown {
			err = fmt.Errorf("it shows %d jobs that ended", len(o.Ended))
		}
		return err
	}
	const few, many = 2 * endedShown, 6 * endedShown
	for number := range few {
		d.endedJob(t, number)
	}
	before := asked.during(t, overview)
	for number := few; number < many; number++ {
		d.endedJob(t, number)
	}
	if more := asked.during(t, overview) - before; more != 2*(many-few) {
		t.Errorf("%d more jobs that ended cost an overview %d more commands", many-few, more)
	}
}
