package app

import (
	"context"
	"fmt"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// Control is what every command that changes a job is told.
type Control struct {
	Job    string // as the user named it
	Reason string
	Format Format
}

// Pause stops a job's sending until somebody resumes it; what is in flight still settles.
func Pause(ctx context.Context, env *Env, c Control) error {
	return command(ctx, env, c, api.Command{Act: api.Pause})
}

// Resume lets a paused job go on; at a gate it opens the next wave, after a brake it forgets what the brake saw.
func Resume(ctx context.Context, env *Env, c Control) error {
	return command(ctx, env, c, api.Command{Act: api.Resume})
}

// Cancel stops a job for good: nothing more is sent, and what is in flight still settles.
func Cancel(ctx context.Context, env *Env, c Control) error {
	return command(ctx, env, c, api.Command{Act: api.Cancel})
}

// Approve lets a large job go that another person imported.
func Approve(ctx context.Context, env *Env, c Control) error {
	return command(ctx, env, c, api.Command{Act: api.Approve})
}

// SetPriority decides which of two jobs sends first.
func SetPriority(ctx context.Context, env *Env, c Control, priority int) error {
	return command(ctx, env, c, api.Command{Act: api.Priority, To: &priority})
}

// Retry gives devices of a job that did not succeed another round, with attempts of their own.
func Retry(ctx context.Context, env *Env, c Control, o RetryOptions) error {
	return command(ctx, env, c, api.Command{Act: api.Retry, Only: o.Only, Fault: o.Fault, Now: o.Now})
}

// command has an act done, says what was done, and shows the job where that is asked for.
func command(ctx context.Context, env *Env, c Control, act api.Command) error {
	act.Reason = c.Reason
	return atDesk(ctx, env, func(desk api.Desk) error {
		done, err := desk.Control(ctx, c.Job, act)
		if err != nil {
			return err
		}
		fmt.Fprintln(env.Err, done.Said)
		if c.Format != JSON {
			return nil
		}
		return printJSON(env.Out, done.Job)
	})
}

// deed does an act on a job. What it gives tells of the job as it is then what was done, and what comes next.
type deed func(ctx context.Context, d *deployment, job jobs.Job, c api.Command) (said func(jobs.Job) string, err error)

var deeds = map[string]deed{
	api.Pause: pause, api.Resume: resume, api.Cancel: cancel, api.Approve: approve, api.Retry: retry, api.Priority: setPriority,
}

// Control does an act on a job.
func (d *deployment) Control(ctx context.Context, word string, c api.Command) (*api.Controlled, error) {
	do, known := deeds[c.Act]
	if !known {
		return nil, usage("it is pause, resume, cancel, approve, retry or priority", "there is no act %q", c.Act)
	}
	if err := checkCommand(c); err != nil {
		return nil, err
	}
	job, err := d.named(ctx, word)
	if err != nil {
		return nil, err
	}
	said, err := do(ctx, d, job, c)
	if err != nil {
		return nil, err
	}
	if job, err = d.ledger.Job(ctx, job.ID); err != nil {
		return nil, err
	}
	words := said(job)
	if err := d.describe(ctx, &job); err != nil {
		return nil, err
	}
	return &api.Controlled{Job: job, Said: words}, nil
}

// checkCommand looks at what needs no job to be seen as wrong.
func checkCommand(c api.Command) error {
	switch {
	case c.Act == api.Retry:
		_, err := retried(c.Only)
		return err
	case c.Act == api.Priority && c.To == nil:
		return usage("give a number from -9 to 9", "the priority is missing")
	case c.Act == api.Priority:
		return checkPriority(*c.To)
	}
	return nil
}

func pause(ctx context.Context, d *deployment, job jobs.Job, c api.Command) (func(jobs.Job) string, error) {
	e, err := d.act(ctx, jobs.ActPaused, "", c.Reason)
	if err != nil {
		return nil, err
	}
	if job.State == jobs.Paused {
		return nil, refuse("`simshift jobs resume "+job.ID+"` lets it go on, `simshift jobs cancel "+job.ID+"` ends it",
			"job %s is paused already, by %s: %s", job.ID, job.PausedBy, job.Hold)
	}
	hold := "paused by " + e.Who
	if e.Words != "" {
		hold += ": " + e.Words
	}
	return func(job jobs.Job) string {
		return fmt.Sprintf("job %s is paused: %d devices in flight still settle; `simshift jobs resume %s` lets it go on",
			job.ID, inFlight(job), job.ID)
	}, d.ledger.Pause(ctx, job.ID, jobs.ByPerson, 0, hold, e)
}

func resume(ctx context.Context, d *deployment, job jobs.Job, c api.Command) (func(jobs.Job) string, error) {
	if job.State == jobs.Paused && job.PausedBy == jobs.ByApproval {
		return nil, refuse("a second person says `simshift jobs approve "+job.ID+"`", "job %s waits for approval", job.ID)
	}
	return func(job jobs.Job) string {
		return fmt.Sprintf("job %s goes on; `simshift jobs watch %s` follows it", job.ID, job.ID)
	}, d.resume(ctx, job, jobs.ActResumed, c.Reason)
}

func (d *deployment) resume(ctx context.Context, job jobs.Job, kind, reason string) error {
	var wave int
	var upTo int64
	words := ""
	switch job.PausedBy {
	case jobs.ByGate:
		ends := job.Policy.WaveEnds(job.Devices)
		wave, upTo = job.Wave+1, ends[min(job.Wave, len(ends)-1)]
		words = fmt.Sprintf("opens wave %d of %d", wave, len(ends))
	case jobs.ByBrake:
		words = "lets go of the brake"
	}
	e, err := d.act(ctx, kind, words, reason)
	if err != nil {
		return err
	}
	if err := d.ledger.Resume(ctx, job.ID, job.PausedBy, wave, upTo, e); err != nil {
		return err
	}
	return d.wake(ctx, job.ID)
}

// wake sets workers to a job that may send again: its queued batches lost their tasks when they found it paused. A failure
// here is none of the caller's: the sweeper of any worker finds the job.
func (d *deployment) wake(ctx context.Context, id string) error {
	open, err := d.ledger.OpenBatches(ctx, id)
	if err != nil {
		return err
	}
	for _, batch := range open {
		made, err := d.ledger.Touch(ctx, id, batch, 0)
		if err == nil && made > 0 {
			err = d.tasks.Submit(ctx, jobs.BatchID{Job: id, Batch: batch}, made)
		}
		if err != nil {
			return err
		}
	}
	return d.tasks.Advance(ctx, id)
}

func cancel(ctx context.Context, d *deployment, job jobs.Job, c api.Command) (func(jobs.Job) string, error) {
	e, err := d.act(ctx, jobs.ActCancelled, "", c.Reason)
	if err == nil {
		err = d.ledger.Cancel(ctx, job.ID, e)
	}
	if err == nil {
		err = d.tasks.Advance(ctx, job.ID)
	}
	return func(job jobs.Job) string {
		return fmt.Sprintf("job %s is cancelled: %d devices in flight still settle; `simshift jobs watch %s` shows when",
			job.ID, inFlight(job), job.ID)
	}, err
}

func approve(ctx context.Context, d *deployment, job jobs.Job, c api.Command) (func(jobs.Job) string, error) {
	who, _, err := actor(ctx, d.env)
	switch {
	case err != nil:
		return nil, err
	case job.State != jobs.Paused || job.PausedBy != jobs.ByApproval:
		return nil, refuse("`simshift jobs show "+job.ID+"` tells where it stands", "job %s waits for no approval", job.ID)
	case who == job.CreatedBy:
		return nil, refuse("somebody else must look at it; SIMSHIFT_OPERATOR, or the token, says who you are",
			"%s imported job %s, and can not approve it", who, job.ID)
	}
	return func(job jobs.Job) string {
		return fmt.Sprintf("job %s is approved; `simshift jobs watch %s` follows it", job.ID, job.ID)
	}, d.resume(ctx, job, jobs.ActApproved, c.Reason)
}

func setPriority(ctx context.Context, d *deployment, job jobs.Job, c api.Command) (func(jobs.Job) string, error) {
	if !job.State.Open() {
		return nil, refuse("only a job that has not ended has a priority", "job %s is %s", job.ID, job.State)
	}
	e, err := d.act(ctx, jobs.ActPriority, fmt.Sprintf("from %d to %d", job.Priority, *c.To), c.Reason)
	if err != nil {
		return nil, err
	}
	return func(job jobs.Job) string {
		return fmt.Sprintf("job %s has the priority %d: while it can send, jobs below wait", job.ID, job.Priority)
	}, d.ledger.SetPriority(ctx, job.ID, *c.To, e)
}

func checkPriority(priority int) error {
	if priority < -9 || priority > 9 {
		return usage("0 is usual; the higher one of two jobs sends first", "the priority must be -9 to 9, not %d", priority)
	}
	return nil
}

func inFlight(job jobs.Job) int64 { return job.Counts[jobs.Submitted] + job.Counts[jobs.Submitting] }
