package worker

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// occupant names a batch where the limiter counts what is in flight.
func occupant(id jobs.BatchID) string { return id.Job + " " + strconv.FormatInt(id.Batch, 10) }

func parseOccupant(name string) (jobs.BatchID, bool) {
	job, number, found := strings.Cut(name, " ")
	batch, err := strconv.ParseInt(number, 10, 64)
	return jobs.BatchID{Job: job, Batch: batch}, found && err == nil
}

// occupancy keeps the limiter's count of devices in flight equal to the ledger's.
type occupancy struct {
	books interface {
		Batch(ctx context.Context, job string, batch int64) (jobs.Batch, error)
		Job(ctx context.Context, id string) (jobs.Job, error)
	}
	limiter *ratelimit.Limiter
}

// refresh tells the limiter how many devices of each batch are still open. A batch that closed is told at once, by
// whoever closed it; this finds the partly answered, and what a dead process did not tell.
func (o *occupancy) refresh(ctx context.Context) error {
	occupants, err := o.limiter.Occupants(ctx)
	if err != nil {
		return err
	}
	for name, counted := range occupants {
		id, ok := parseOccupant(name)
		if !ok {
			continue // a turn that has not become a batch yet
		}
		batch, err := o.books.Batch(ctx, id.Job, id.Batch)
		switch {
		case errors.Is(err, jobs.ErrNotFound):
			err = o.limiter.Vacate(ctx, name)
		case err != nil:
		case batch.State == jobs.Closed || batch.Open == 0:
			err = o.limiter.Vacate(ctx, name)
		case batch.Open != counted && !batch.DueAt.IsZero():
			err = o.limiter.Occupy(ctx, name, batch.Open, batch.DueAt)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget drops the limits of jobs that are no more.
func (o *occupancy) forget(ctx context.Context) error {
	limited, err := o.limiter.Parts(ctx)
	if err != nil {
		return err
	}
	for _, job := range limited {
		_, err := o.books.Job(ctx, job)
		if errors.Is(err, jobs.ErrNotFound) {
			err = o.limiter.Part(job).ResetLimits(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
