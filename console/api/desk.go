package api

import (
	"context"
	"io"

	"github.com/simshift/simshift/jobs"
)

// Desk is everything that an operator can see and do. A job is named by its id, the beginning of its id, or its name. Who
// acts is in the context ([WithActor]). Errors are a [*Failure] where there is something to do about them, and
// [jobs.ErrNotFound] where there is no such thing.
type Desk interface {
	Views
	Acts
	Uploads
}

// Views look, and change nothing. All but Results and Report cost no more than what they show, whatever the fleet.
type Views interface {
	Overview(ctx context.Context) (*Overview, error)
	Jobs(ctx context.Context, q JobsQuery) (*JobPage, error)
	// Job has the hold and the estimate that only the deployment knows.
	Job(ctx context.Context, job string) (*jobs.Job, error)
	Progress(ctx context.Context, job string) (*Progress, error)
	Batches(ctx context.Context, job string, q BatchesQuery) (*BatchPage, error)
	// Log is what was done to a job and decided about it, the oldest first.
	Log(ctx context.Context, job string) ([]jobs.Entry, error)
	// Report goes over every device of the job.
	Report(ctx context.Context, job string) (*Report, error)
	// Results writes the outcome of the devices that are asked for, in the order of rows.
	Results(ctx context.Context, job string, q ResultsQuery, w io.Writer) error
	// Device finds a device by EID, ICCID or IMEI in every job that has it, the newest job first.
	Device(ctx context.Context, identity string) ([]Device, error)
	Parked(ctx context.Context, q PageQuery) (*ParkedPage, error)
	// Limits are the deployment's where job is empty.
	Limits(ctx context.Context, job string) (*Limits, error)
	Health(ctx context.Context) (*Health, error)
}

// Acts change jobs. Each is written into the job's log with who did it, from where, and the reason given.
type Acts interface {
	Control(ctx context.Context, job string, c Command) (*Controlled, error)
	// Drop cancels single devices, by EID, ICCID or IMEI, as far as they are not with the carrier.
	Drop(ctx context.Context, job string, d Drop) ([]Dropped, error)
	SetLimits(ctx context.Context, job string, c LimitsChange) (*Limits, error)
	// Replay tries parked callbacks again now: those of the ids, or all.
	Replay(ctx context.Context, ids []string) (*Replayed, error)
	// Forget drops parked callbacks for good.
	Forget(ctx context.Context, ids []string) error
	// Revert makes a job that moves the devices which succeeded back to their former profiles.
	Revert(ctx context.Context, job string, o RevertOrder) (*jobs.Job, error)
}

// Uploads take a fleet in. An upload is kept for a while (an hour, or until the job is made) by the process that took it.
type Uploads interface {
	// Upload keeps a CSV under a new id. name is the file's, for people.
	Upload(ctx context.Context, name string, csv io.Reader) (*Upload, error)
	// Plan tells what Import would do, and writes nothing.
	Plan(ctx context.Context, upload string, o Order) (*Plan, error)
	// Rejects writes the rejected rows as CSV, with what is wrong with each.
	Rejects(ctx context.Context, upload string, o Order, w io.Writer) error
	// Import makes the job, and forgets the upload.
	Import(ctx context.Context, upload string, o Order) (*jobs.Job, error)
}

// actorKey is the context's key of an [Actor].
type actorKey struct{}

// Actor is who acts, and from where: for the jobs' logs, and to tell a second person from the first.
type Actor struct {
	Name string
	From string // a machine's name or address
}

// WithActor says who acts.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf tells who acts, if the context says it.
func ActorOf(ctx context.Context) (Actor, bool) {
	a, said := ctx.Value(actorKey{}).(Actor)
	return a, said
}
