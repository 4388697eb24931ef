package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/simshift/simshift/jobs"
)

// opening fails with a [*putBack] outside a job's windows; else it tells what this window may still send.
func opening(job jobs.Job, now time.Time) (jobs.Quota, error) {
	span, open := job.Policy.Schedule.Span(now)
	if !open {
		return jobs.Quota{}, closedUntil(span.From, now, "nothing is sent outside the job's windows")
	}
	return jobs.Quota{Window: span.From, Most: job.Policy.PerWindow}, nil
}

// closedUntil puts a batch back until a moment, or until somebody should look again.
func closedUntil(at, now time.Time, why string) *putBack {
	return &putBack{min(max(at.Sub(now), time.Second), patience), fmt.Sprintf("%s; the next one begins at %s", why, at.Format(time.RFC3339))}
}

// fullWindow puts a batch back for which the window has no room any more.
func fullWindow(job jobs.Job, now time.Time) *putBack {
	for span := range job.Policy.Schedule.Spans(now) {
		if span.From.After(now) {
			return closedUntil(span.From, now, fmt.Sprintf("this window has sent its %d devices", job.Policy.PerWindow))
		}
	}
	return &putBack{patience, "this window has sent its devices"}
}

// yield puts a batch back while another job of higher priority could send instead.
func (s *submitter) yield(ctx context.Context, b *sending) error {
	open, err := s.books.OpenJobs(ctx)
	if err != nil || len(open) < 2 {
		return err
	}
	for _, id := range open {
		other, err := s.books.Job(ctx, id)
		if errors.Is(err, jobs.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if id == b.id.Job || other.Priority <= b.job.Priority || other.State != jobs.Running || other.Counts[jobs.Queued] == 0 {
			continue
		}
		if ready, err := s.canSend(ctx, other); err != nil || ready {
			return errors.Join(err, &putBack{yieldFor, fmt.Sprintf("job %s (%s) has the higher priority", other.ID, other.Name)})
		}
	}
	return nil
}

// yieldFor is how long a batch waits before it looks again whether a job of higher priority can send.
const yieldFor = 2 * time.Second

// canSend tells whether a job with batches in the queue could send one now: a job that must wait itself holds up nobody.
func (s *submitter) canSend(ctx context.Context, job jobs.Job) (bool, error) {
	span, open := job.Policy.Schedule.Span(s.now())
	if !open {
		return false, nil
	}
	if job.Policy.PerWindow > 0 {
		sent, err := s.books.SentIn(ctx, job.ID, span.From)
		if err != nil || sent+job.Policy.RequestSize() > job.Policy.PerWindow {
			return false, err
		}
	}
	held, err := s.planner.held(ctx, job)
	if err != nil {
		return false, err
	}
	for _, group := range job.Groups {
		if !held[group.Account] {
			return true, nil
		}
	}
	return false, nil
}

func ignoreConflict(err error) error {
	if errors.Is(err, jobs.ErrConflict) {
		return nil
	}
	return err
}
