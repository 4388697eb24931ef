package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

// RetryOptions say which devices of a job get another round, and when.
type RetryOptions struct {
	Only  []string // states; default failed and unanswered
	Fault string   // only those with this fault code, whole or from one of its dots on
	Now   bool     // at once instead of after the policy's first delay
}

// retry gives devices of a job that did not succeed another round. A job that has ended takes its devices up again, if no
// other unfinished job holds any of those that are meant.
func retry(ctx context.Context, d *deployment, job jobs.Job, c api.Command) (func(jobs.Job) string, error) {
	if job.State == jobs.Cancelling {
		return nil, refuse("wait until it has ended: `simshift jobs watch "+job.ID+"`", "job %s is being cancelled", job.ID)
	}
	which, err := retried(c.Only)
	if err != nil {
		return nil, err
	}
	if which.Fault, err = d.wholeCode(ctx, job.ID, c.Fault); err != nil {
		return nil, err
	}
	due := d.env.Now()
	if !c.Now {
		due = job.Policy.RetryAt(due, 1, 0.5)
	}
	reopened, err := d.retry(ctx, job, which, due, c.Reason)
	return func(job jobs.Job) string {
		return fmt.Sprintf("%d devices of job %s get another round; `simshift jobs watch %s` follows it", reopened, job.ID, job.ID)
	}, err
}

// retried reads the states that are to be retried; none: failed and unanswered.
func retried(only []string) (which ledger.Selection, err error) {
	if len(only) == 0 {
		only = []string{jobs.Failed.String(), jobs.Unanswered.String()}
	}
	for _, name := range only {
		state, err := jobs.ParseState(strings.TrimSpace(name))
		if err != nil || !state.May(jobs.Retrying) || !state.Final() {
			return which, usage("choose among failed, unanswered, mismatched, cancelled", "--only: %q can not be retried", name)
		}
		which.States = append(which.States, state)
	}
	return which, nil
}

// wholeCode finds the fault code of a job that a person means by a word; the word itself where there is none.
func (d *deployment) wholeCode(ctx context.Context, job, word string) (string, error) {
	faults, err := d.ledger.Faults(ctx, job)
	if err != nil {
		return "", err
	}
	var codes []string
	for _, fault := range faults {
		if fault.Code == word {
			return word, nil
		}
		if isCode(fault.Code, word) && !slices.Contains(codes, fault.Code) {
			codes = append(codes, fault.Code)
		}
	}
	switch len(codes) {
	case 0:
		return word, nil
	case 1:
		return codes[0], nil
	}
	slices.Sort(codes)
	return "", usage("give one of them whole", "--fault: %s may be %s", word, strings.Join(codes, " or "))
}

func (d *deployment) retry(ctx context.Context, job jobs.Job, which ledger.Selection, due time.Time, reason string) (n int, err error) {
	eids, err := d.chosen(ctx, job.ID, which)
	if err != nil {
		return 0, err
	}
	if len(eids) == 0 {
		return 0, &Failure{Code: ExitError, Err: fmt.Errorf("no device of job %s is to be retried; nothing was changed", job.ID),
			Hint: "--only and --fault choose; `simshift jobs report " + job.ID + "` shows the states and faults"}
	}
	e, err := d.act(ctx, jobs.ActRetried, fmt.Sprintf("%d devices, due at %s", len(eids), clock(due)), reason)
	if err != nil {
		return 0, err
	}
	if job.State.Open() {
		if n, err = d.reopen(ctx, job.ID, which, due); err == nil {
			err = d.ledger.Note(ctx, job.ID, e)
		}
		return n, err
	}
	// No import may take any of them between the look and the taking up.
	gate, err := d.enterGate(ctx, job.ID)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, gate.Leave(context.WithoutCancel(ctx))) }()
	if err := d.refuseHeld(ctx, eids); err != nil {
		return 0, err
	}
	hold := "a retry is being prepared; if that was broken off, say it again, or `simshift jobs resume " + job.ID + "`"
	if err := d.ledger.TakeUp(ctx, job.ID, hold, job.Round+1, e); err != nil {
		return 0, err
	}
	if n, err = d.reopen(ctx, job.ID, which, due); err != nil {
		return n, err
	}
	if job, err = d.ledger.Job(ctx, job.ID); err != nil {
		return n, err
	}
	return n, d.resume(ctx, job, jobs.ActResumed, "")
}

// chosen lists the eUICCs of the devices that are meant, sorted.
func (d *deployment) chosen(ctx context.Context, job string, which ledger.Selection) ([]jobs.EID, error) {
	var eids []jobs.EID
	err := d.ledger.Outcomes(ctx, job, func(o *jobs.Outcome) error {
		if slices.Contains(which.States, o.State) && (which.Fault == "" || o.Fault.Code == which.Fault) {
			eids = append(eids, o.EID)
		}
		return nil
	})
	slices.SortFunc(eids, compareEIDs)
	return eids, err
}

func compareEIDs(a, b jobs.EID) int { return slices.Compare(a[:], b[:]) }

// refuseHeld refuses devices that an unfinished job holds: one eUICC never stands in two.
func (d *deployment) refuseHeld(ctx context.Context, eids []jobs.EID) error {
	open, err := d.ledger.OpenJobs(ctx)
	if err != nil {
		return err
	}
	for _, id := range open {
		held := 0
		for eid, err := range d.ledger.EIDs(ctx, id) {
			if err != nil {
				return err
			}
			if _, found := slices.BinarySearchFunc(eids, eid, compareEIDs); found {
				held++
			}
		}
		if held > 0 {
			return refuse("wait until it has ended, or cancel it: `simshift jobs show "+id+"`; nothing was changed",
				"the unfinished job %s holds %d of these devices", id, held)
		}
	}
	return nil
}

// reopen gives the devices their round, and wakes the workers for it.
func (d *deployment) reopen(ctx context.Context, job string, which ledger.Selection, due time.Time) (int, error) {
	chunks, err := d.ledger.Chunks(ctx, job)
	if err != nil {
		return 0, err
	}
	bar := newProgress(d.env)
	defer bar.close()
	total := 0
	for i, chunk := range chunks {
		n, waves, err := d.ledger.Reopen(ctx, job, chunk, which, due)
		if err != nil {
			return total, err
		}
		total += n
		for _, wave := range waves {
			if err := d.tasks.Retry(ctx, job, wave, due); err != nil {
				return total, err
			}
		}
		bar.set("reopening", int64(i+1), int64(len(chunks)), fmt.Sprintf("chunks, %d devices", total), false)
	}
	return total, nil
}
