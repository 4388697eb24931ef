package worker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/simshift/simshift/jobs"
)

type recountBooks interface {
	Job(ctx context.Context, id string) (jobs.Job, error)
	Recount(ctx context.Context, job string) (drift string, settled bool, err error)
}

// recounter holds the counters of jobs against their records. It does so whenever a job has not moved from one look to
// the next, and once after its end: a busy job would have moved before its last record was read.
type recounter struct {
	books recountBooks
	log   *slog.Logger
	seen  map[string]standing // by job
}

// standing is how a job stood at the last look.
type standing struct {
	figures   string
	recounted bool
}

// look recounts the open jobs that stand still, and those that have ended since the last look.
func (r *recounter) look(ctx context.Context, open []string) error {
	for id := range r.seen {
		if !slices.Contains(open, id) {
			delete(r.seen, id)
			if err := r.recount(ctx, id); err != nil {
				return err
			}
		}
	}
	for _, id := range open {
		job, err := r.books.Job(ctx, id)
		if err != nil {
			return err
		}
		now := standing{figures: fmt.Sprint(job.Counts, job.Requests, job.Callbacks, job.Batches)}
		if before := r.seen[id]; before.figures == now.figures {
			if now.recounted = true; !before.recounted {
				if err := r.recount(ctx, id); err != nil {
					return err
				}
			}
		}
		r.seen[id] = now
	}
	return nil
}

func (r *recounter) recount(ctx context.Context, id string) error {
	drift, settled, err := r.books.Recount(ctx, id)
	if drift != "" {
		r.log.ErrorContext(ctx, "the counters did not say what the records say", "job", id, "difference", drift, "put_right", settled)
	}
	return err
}
