package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// endedJob creates a job of one device that is cancelled at once.
func (d *deployment) endedJob(t *testing.T, number int) {
	t.Helper()
	ctx := t.Context()
	job := jobs.Job{ID: fmt.Sprintf("0198c5a2-%04d", number), Name: "ended", Target: jobs.Global, Policy: jobs.DefaultPolicy(), Devices: 1,
		CreatedAt: d.env.Now(), Groups: []jobs.Group{{Account: "0000123456-00001", Plan: "Global IoT 5MB"}}}
	var errs [4]error
	errs[0] = d.ledger.Create(ctx, job)
	errs[1] = d.ledger.AddChunk(ctx, job.ID, jobs.Chunk{Size: 1}, roster(t, 1))
	errs[2] = d.ledger.Commit(ctx, job, 1, "", jobs.Entry{Who: "ann", Act: jobs.ActImported})
	if _, errs[3] = d.ledger.Drop(ctx, job.ID, []jobs.Place{jobs.PlaceAt(0, 0)}, jobs.Entry{}); errs[3] == nil {
		_, errs[3] = d.ledger.Finish(ctx, job.ID)
	}
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
}

// However many jobs have ended, the overview reads whole those that it shows. Of each other one it reads whether it is open: once
// to list the open ones, and once to find the oldest request.
func TestTheOverviewReadsNoMoreThanItShows(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client(t)
	asked := new(counter)
	client.AddHook(asked)
	env := &Env{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }, Now: time.Now}
	d := wire(env, client, newAnchor(time.Now), ratelimit.Limits{}, time.Second, slog.New(slog.DiscardHandler))
	t.Cleanup(d.Close)
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
