package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/simshift/simshift/jobs"
)

type reapBooks interface {
	Job(ctx context.Context, id string) (jobs.Job, error)
	Batch(ctx context.Context, job string, batch int64) (jobs.Batch, error)
	Close(ctx context.Context, job string, batch int64, ending jobs.Ending) (moved int, wave string, err error)
}

// reaper ends the batches whose deadline is over: callbacks that did not come, and requests whose outcome stayed unknown.
type reaper struct {
	books  reapBooks
	tasks  *Tasks
	now    func() time.Time
	chance func() float64
	log    *slog.Logger
}

// Reap ends the batch if it is overdue. It tells whether it did.
func (r *reaper) Reap(ctx context.Context, id jobs.BatchID) (bool, error) {
	batch, err := r.books.Batch(ctx, id.Job, id.Batch)
	if errors.Is(err, jobs.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if batch.DueAt.IsZero() || batch.DueAt.After(r.now()) {
		return false, nil
	}
	job, err := r.books.Job(ctx, id.Job)
	if err != nil {
		return false, err
	}
	ending := jobs.Ending{
		From: batch.State, Overdue: true, To: jobs.Unanswered, Reason: jobs.Silent, Retry: true, Doubtful: true,
		Attempts: job.Policy.Attempts, RetryAt: job.Policy.RetryAt(r.now(), batch.Attempt, r.chance()),
		Note: "no callback came for these before the deadline",
	}
	switch batch.State {
	case jobs.Submitted:
	case jobs.Submitting:
		// The grace was the wait: what is still open goes out again at once, and counts as a repeat.
		ending.Reason, ending.RetryAt = jobs.InDoubt, r.now()
		ending.Note = "nobody knows whether the carrier took this request; its grace is over"
	default:
		return false, nil
	}
	moved, wave, err := r.books.Close(ctx, id.Job, id.Batch, ending)
	if err != nil || moved < 0 {
		return false, err
	}
	r.log.WarnContext(ctx, "batch overdue", "job", id.Job, "batch", id.Batch, "was", batch.State, "devices", moved)
	if wave != "" {
		if err := r.tasks.Retry(ctx, id.Job, wave, ending.RetryAt); err != nil {
			return true, err
		}
	}
	return true, r.tasks.Advance(ctx, id.Job)
}
