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
	Split(ctx context.Context, job string, batch int64, run, note string) ([]int64, error)
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
		if batch.Suspect && batch.Repeat && batch.Size > 1 {
			return r.halve(ctx, id)
		}
		// The grace was the wait: what is still open goes out again at once, and counts as a repeat.
		ending.Reason, ending.RetryAt = jobs.InDoubt, r.now()
		ending.Note = "nobody knows whether the carrier took this request; its grace is over"
	default:
		return false, nil
	}
	return r.end(ctx, id, batch, ending)
}

// halve looks for the device that makes the carrier fail: the same request failed with an error of the carrier's own
// before. Sent whole again and again, its other devices would end with it.
func (r *reaper) halve(ctx context.Context, id jobs.BatchID) (bool, error) {
	halves, err := r.books.Split(ctx, id.Job, id.Batch, "", "in doubt again, with an error of the carrier's own: halved")
	for _, half := range halves {
		err = errors.Join(err, r.tasks.Submit(ctx, jobs.BatchID{Job: id.Job, Batch: half}, 0))
	}
	return len(halves) > 0, err
}

// end closes the batch and wakes whoever goes on with its devices.
func (r *reaper) end(ctx context.Context, id jobs.BatchID, batch jobs.Batch, ending jobs.Ending) (bool, error) {
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
