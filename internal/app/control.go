package app

import (
	"context"
	"fmt"

	"github.com/simshift/simshift/jobs"
)

// Control is what every command that changes a job is told.
type Control struct {
	Job    string // as the user named it
	Reason string
	Format Format
}

// control finds the job that a command is about, does something with it, and shows it. talk tells what comes next.
func control(ctx context.Context, env *Env, c Control, do func(*deployment, jobs.Job) error, talk func(jobs.Job) string) error {
	d, job, err := openJob(ctx, env, c.Job)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := do(d, job); err != nil {
		return err
	}
	if job, err = d.ledger.Job(ctx, job.ID); err != nil {
		return err
	}
	fmt.Fprintln(env.Err, talk(job))
	if c.Format != JSON {
		return nil
	}
	if err := d.describe(ctx, &job); err != nil {
		return err
	}
	return printJSON(env.Out, job)
}

// Pause stops a job's sending until somebody resumes it; what is in flight still settles.
func Pause(ctx context.Context, env *Env, c Control) error {
	return control(ctx, env, c, func(d *deployment, job jobs.Job) error {
		e, err := d.act(jobs.ActPaused, "", c.Reason)
		if err != nil {
			return err
		}
		if job.State == jobs.Paused {
			return refuse("`simshift jobs resume "+job.ID+"` lets it go on, `simshift jobs cancel "+job.ID+"` ends it",
				"job %s is paused already, by %s: %s", job.ID, job.PausedBy, job.Hold)
		}
		hold := "paused by " + e.Who
		if e.Words != "" {
			hold += ": " + e.Words
		}
		return d.ledger.Pause(ctx, job.ID, jobs.ByPerson, 0, hold, e)
	}, func(job jobs.Job) string {
		return fmt.Sprintf("job %s is paused: %d devices in flight still settle; `simshift jobs resume %s` lets it go on",
			job.ID, inFlight(job), job.ID)
	})
}

// Resume lets a paused job go on; at a gate it opens the next wave, after a brake it forgets what the brake saw.
func Resume(ctx context.Context, env *Env, c Control) error {
	return control(ctx, env, c, func(d *deployment, job jobs.Job) error {
		if job.State == jobs.Paused && job.PausedBy == jobs.ByApproval {
			return refuse("a second person says `simshift jobs approve "+job.ID+"`", "job %s waits for approval", job.ID)
		}
		return d.resume(ctx, job, jobs.ActResumed, c.Reason)
	}, func(job jobs.Job) string {
		return fmt.Sprintf("job %s goes on; `simshift jobs watch %s` follows it", job.ID, job.ID)
	})
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
	e, err := d.act(kind, words, reason)
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

// Cancel stops a job for good: nothing more is sent, and what is in flight still settles.
func Cancel(ctx context.Context, env *Env, c Control) error {
	return control(ctx, env, c, func(d *deployment, job jobs.Job) error {
		e, err := d.act(jobs.ActCancelled, "", c.Reason)
		if err == nil {
			err = d.ledger.Cancel(ctx, job.ID, e)
		}
		if err == nil {
			err = d.tasks.Advance(ctx, job.ID)
		}
		return err
	}, func(job jobs.Job) string {
		return fmt.Sprintf("job %s is cancelled: %d devices in flight still settle; `simshift jobs watch %s` shows when",
			job.ID, inFlight(job), job.ID)
	})
}

// Approve lets a large job go that another person imported.
func Approve(ctx context.Context, env *Env, c Control) error {
	return control(ctx, env, c, func(d *deployment, job jobs.Job) error {
		who, _, err := actor(env)
		if err != nil {
			return err
		}
		switch {
		case job.State != jobs.Paused || job.PausedBy != jobs.ByApproval:
			return refuse("`simshift jobs show "+job.ID+"` tells where it stands", "job %s waits for no approval", job.ID)
		case who == job.CreatedBy:
			return refuse("somebody else must look at it; SIMSHIFT_OPERATOR says who you are",
				"%s imported job %s, and can not approve it", who, job.ID)
		}
		return d.resume(ctx, job, jobs.ActApproved, c.Reason)
	}, func(job jobs.Job) string {
		return fmt.Sprintf("job %s is approved; `simshift jobs watch %s` follows it", job.ID, job.ID)
	})
}

// SetPriority decides which of two jobs sends first.
func SetPriority(ctx context.Context, env *Env, c Control, priority int) error {
	if err := checkPriority(priority); err != nil {
		return err
	}
	return control(ctx, env, c, func(d *deployment, job jobs.Job) error {
		if !job.State.Open() {
			return refuse("only a job that has not ended has a priority", "job %s is %s", job.ID, job.State)
		}
		e, err := d.act(jobs.ActPriority, fmt.Sprintf("from %d to %d", job.Priority, priority), c.Reason)
		if err != nil {
			return err
		}
		return d.ledger.SetPriority(ctx, job.ID, priority, e)
	}, func(job jobs.Job) string {
		return fmt.Sprintf("job %s has the priority %d: while it can send, jobs below wait", job.ID, job.Priority)
	})
}

func checkPriority(priority int) error {
	if priority < -9 || priority > 9 {
		return usage("0 is usual; the higher one of two jobs sends first", "the priority must be -9 to 9, not %d", priority)
	}
	return nil
}

func inFlight(job jobs.Job) int64 { return job.Counts[jobs.Submitted] + job.Counts[jobs.Submitting] }
