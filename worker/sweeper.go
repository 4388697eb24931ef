package worker

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/simshift/simshift/jobs"
)

type sweepBooks interface {
	OpenJobs(ctx context.Context) ([]string, error)
	Due(ctx context.Context, job string, most int64) ([]int64, error)
	Batch(ctx context.Context, job string, batch int64) (jobs.Batch, error)
	Touch(ctx context.Context, job string, batch int64, wait time.Duration) (tasks int64, err error)
	Expire(ctx context.Context, retention time.Duration) ([]string, error)
	ForgetUnknown(ctx context.Context) error
}

// sweepMost is how many due batches of a job one sweep looks at; the next sweep sees the rest.
const sweepMost = 500

// sweeper finds, from the ledger alone, whatever should be under way and is not: tasks that were lost with a process, a
// queue that was flushed, deadlines nobody was woken for. Several at once do no harm.
type sweeper struct {
	books     sweepBooks
	planner   *planner
	reaper    *reaper
	settler   *Settler
	witness   *Witness
	occupancy *occupancy
	recounter *recounter
	news      *news
	tasks     *Tasks
	every     time.Duration
	retention time.Duration
	log       *slog.Logger

	parkedFrom int64 // where the next sweep goes on with the parked callbacks
}

// run sweeps until ctx is done. The pauses vary, so that the sweepers of many workers do not march in step.
func (s *sweeper) run(ctx context.Context) {
	for round := 0; ; round++ {
		if err := s.sweep(ctx, round%12 == 0); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "sweep failed; the next one tries again", "error", err)
		}
		pause := s.every/2 + rand.N(s.every) //nolint:gosec // jitter
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// sweep looks at every open job once; a thorough one also clears away what is too old, and recounts.
func (s *sweeper) sweep(ctx context.Context, thorough bool) error {
	open, err := s.books.OpenJobs(ctx)
	if err != nil {
		return err
	}
	if steady, why := s.witness.Steady(ctx); !steady {
		s.log.InfoContext(ctx, "no sweep now", "why", why)
		return nil
	}
	var errs []error
	for _, job := range open {
		errs = append(errs, s.overdue(ctx, job), s.planner.Advance(ctx, job))
	}
	s.parkedFrom, err = s.settler.Rematch(ctx, s.parkedFrom)
	errs = append(errs, err, s.occupancy.refresh(ctx), s.news.gather(ctx))
	if thorough {
		deleted, err := s.books.Expire(ctx, s.retention)
		if len(deleted) > 0 {
			s.log.InfoContext(ctx, "old jobs deleted", "jobs", deleted)
		}
		errs = append(errs, err, s.books.ForgetUnknown(ctx), s.recounter.look(ctx, open), s.occupancy.forget(ctx))
	}
	return errors.Join(errs...)
}

// overdue ends or wakes the batches of a job that nobody has looked at in time.
func (s *sweeper) overdue(ctx context.Context, job string) error {
	due, err := s.books.Due(ctx, job, sweepMost)
	if err != nil {
		return err
	}
	for _, number := range due {
		id := jobs.BatchID{Job: job, Batch: number}
		ended, err := s.reaper.Reap(ctx, id)
		if err != nil {
			return err
		}
		if ended {
			continue
		}
		batch, err := s.books.Batch(ctx, job, number)
		if err != nil {
			return err
		}
		if batch.State != jobs.Queued {
			continue
		}
		made, err := s.books.Touch(ctx, job, number, 0)
		if err != nil {
			return err
		}
		if err := s.tasks.Submit(ctx, id, made); err != nil {
			return err
		}
	}
	return nil
}
