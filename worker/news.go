package worker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/simshift/simshift/jobs"
)

// Herald tells somebody outside of an entry in a job's log. It may be told the same entry twice: number is its place in
// the log, from 0.
type Herald interface {
	Tell(ctx context.Context, job jobs.Job, number int64, e jobs.Entry) error
}

type newsBooks interface {
	Job(ctx context.Context, id string) (jobs.Job, error)
	Unnoticed(ctx context.Context) (map[string]int64, error)
	Log(ctx context.Context, job string, from int64) ([]jobs.Entry, error)
	Noticed(ctx context.Context, job string, entries int64) error
}

// newsworthy are the acts that somebody who sleeps wants to be woken for, or to find in the morning.
var newsworthy = []string{jobs.ActFinished, jobs.ActBraked, jobs.ActGate, jobs.ActHeld, jobs.ActApproval}

// stale is the age at which news is none any more, however often it could not be delivered.
const stale = 24 * time.Hour

// news brings what happened to jobs to the herald, with a task for each entry: a herald that is away is tried again.
type news struct {
	books  newsBooks
	tasks  *Tasks
	herald Herald // nil: nobody wants to hear
	now    func() time.Time
	log    *slog.Logger
}

// gather queues a task for each entry that is news and was not looked at yet.
func (n *news) gather(ctx context.Context) error {
	if n.herald == nil {
		return nil
	}
	unnoticed, err := n.books.Unnoticed(ctx)
	if err != nil {
		return err
	}
	for job, from := range unnoticed {
		entries, err := n.books.Log(ctx, job, from)
		if err != nil {
			return err
		}
		for i, e := range entries {
			if !slices.Contains(newsworthy, e.Act) || n.now().Sub(e.At) > stale {
				continue
			}
			if err := n.tasks.News(ctx, job, from+int64(i)); err != nil {
				return err
			}
		}
		if err := n.books.Noticed(ctx, job, from+int64(len(entries))); err != nil {
			return err
		}
	}
	return nil
}

// bring tells the herald of one entry.
func (n *news) bring(ctx context.Context, id jobs.BatchID) error {
	entries, err := n.books.Log(ctx, id.Job, id.Batch)
	if err != nil || len(entries) == 0 || n.herald == nil {
		return err
	}
	job, err := n.books.Job(ctx, id.Job)
	if err != nil {
		return fmt.Errorf("%w: %w", asynq.SkipRetry, err)
	}
	if err := n.herald.Tell(ctx, job, id.Batch, entries[0]); err != nil {
		if n.now().Sub(entries[0].At) > stale {
			n.log.ErrorContext(ctx, "a notice could not be delivered for a day, and is given up", "job", id.Job, "error", err)
			return nil
		}
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}
