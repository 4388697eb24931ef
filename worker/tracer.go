package worker

import (
	"time"

	"github.com/simshift/simshift/jobs"
)

// Tracer is told of what was done for a job, when it is done. It must not block.
type Tracer interface {
	// Sent is told of a request for a batch: the carrier's id for it, if one came, and whether it can have been executed.
	Sent(b *jobs.Batch, requestID string, executed bool, from, to time.Time, err error)
	// Settled is told of the events of a job that were written together.
	Settled(job string, events []jobs.Event, from, to time.Time)
}
