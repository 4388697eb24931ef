package app

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/csvimport"
	"github.com/simshift/simshift/jobs"
)

// RevertOptions are the flags of jobs revert. The target, accounts and plan of the import are the job's to decide.
type RevertOptions struct {
	ImportOptions

	RevertPlan string               // the plan of the way back; empty: the one that the job was imported with
	OnlyKnown  bool                 // leave out devices whose former profile is not known
	Overlay    func(*ImportOptions) // puts those settings of the policy that were given over the job's own
}

// RevertJob makes a job that moves the devices which succeeded in another one back to their former profiles, and prints its
// id.
func RevertJob(ctx context.Context, env *Env, word string, o *RevertOptions) error {
	return atDesk(ctx, env, func(desk api.Desk) error {
		back, err := revertAt(ctx, env, desk, word, o)
		if err != nil {
			return err
		}
		return printImported(env, *back, o.Format)
	})
}

func revertAt(ctx context.Context, env *Env, desk api.Desk, word string, o *RevertOptions) (*jobs.Job, error) {
	if d, here := desk.(*deployment); here {
		return d.revert(ctx, word, o)
	}
	order, err := o.order()
	if err != nil {
		return nil, err
	}
	if env.Asks && !o.Yes {
		if err := ask(env, "Move the devices that succeeded in "+word+" back?"); err != nil {
			return nil, err
		}
	}
	return desk.Revert(ctx, word, order)
}

// Revert makes a job that moves devices back.
func (d *deployment) Revert(ctx context.Context, word string, order api.RevertOrder) (*jobs.Job, error) {
	o := &RevertOptions{OnlyKnown: order.OnlyKnown, RevertPlan: order.RevertPlan}
	o.remote = true
	o.Name, o.Reason, o.SkipRejects, o.Again = order.Name, order.Reason, order.SkipRejects, order.Again
	if err := new(ImportOptions).setPolicy(&order.Order); err != nil { // what is wrong is told before anything is looked up
		return nil, err
	}
	o.Overlay = func(policy *ImportOptions) { _ = policy.setPolicy(&order.Order) } // it was tried
	return d.revert(ctx, word, o)
}

// revert takes the way of every import, so that whatever guards that guards this.
func (d *deployment) revert(ctx context.Context, word string, o *RevertOptions) (*jobs.Job, error) {
	job, err := d.named(ctx, word)
	if err != nil {
		return nil, err
	}
	if err := d.mayRevert(ctx, job, o); err != nil {
		return nil, err
	}
	if err := o.turn(job); err != nil {
		return nil, err
	}
	path, err := d.wayBack(ctx, job, o)
	if path != "" {
		defer func() { _ = os.Remove(path) }() // a name of a moment in the temporary folder
	}
	if err != nil {
		return nil, err
	}
	o.Policy.RevertPlan = planOf(job.Groups) // of the way back from the way back
	back, err := importFleet(ctx, d.env, d, path, &o.ImportOptions)
	if errors.Is(err, context.Canceled) {
		return nil, errStopped
	}
	if err != nil {
		return nil, err
	}
	return &back, d.noteRevert(ctx, job, back, o.Reason)
}

// noteRevert writes into a job's log that its devices are moved back.
func (d *deployment) noteRevert(ctx context.Context, job, back jobs.Job, reason string) error {
	e, err := d.act(ctx, jobs.ActReverted, fmt.Sprintf("%d devices, as job %s", back.Devices, back.ID), reason)
	if err != nil {
		return err
	}
	return d.ledger.Note(ctx, job.ID, e)
}

// mayRevert refuses a job whose devices are not free, one that moved none, and one that is reverted already.
func (d *deployment) mayRevert(ctx context.Context, job jobs.Job, o *RevertOptions) error {
	switch {
	case !job.State.Ended():
		return refuse("wait for its end (`simshift jobs watch "+job.ID+"`), or cancel it (`simshift jobs cancel "+job.ID+"`) and wait then",
			"job %s is %s: its devices are still held", job.ID, job.State)
	case job.Counts[jobs.Succeeded] == 0:
		return &Failure{Code: ExitError, Err: fmt.Errorf("no device of job %s succeeded: there is nothing to move back", job.ID),
			Hint: "`simshift results " + job.ID + "` tells what became of each"}
	case o.Again:
		return nil
	}
	all, err := d.ledger.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.RevertOf == job.ID && (other.State.Open() || other.State.Ended()) {
			return refuse("`simshift jobs show "+other.ID+"` shows it; --again asks once more for every device that succeeded in "+job.ID,
				"job %s is reverted already, as job %s", job.ID, other.ID)
		}
	}
	return nil
}

// turn decides what the way back from a job is like.
func (o *RevertOptions) turn(job jobs.Job) error {
	o.Target = string(job.Target.Opposite())
	o.Policy, o.Rollout.Priority = job.Policy, job.Priority
	o.Policy.Brake.Faults = maps.Clone(job.Policy.Brake.Faults)
	if o.Overlay != nil {
		o.Overlay(&o.ImportOptions)
	}
	if !o.Rollout.silent() { // a new schedule takes the place of the whole old one
		o.Policy.Schedule = jobs.Schedule{}
		if len(o.Rollout.Windows) == 0 && o.Policy.PerWindow == job.Policy.PerWindow {
			o.Policy.PerWindow = 0
		}
	}
	o.Policy.RevertPlan = strings.TrimSpace(cmp.Or(o.RevertPlan, job.Policy.RevertPlan))
	if err := o.Policy.CheckRevertPlan(); err != nil {
		return usage(settingHelp, "%w", err)
	}
	if o.Policy.RevertPlan == "" {
		return usage("name it with --revert-plan; it must belong to the network "+o.Target,
			"nothing tells the service plan of the way back: job %s was imported without --revert-plan", job.ID)
	}
	o.Name = cmp.Or(o.Name, "revert of "+job.Name)
	o.RejectsFile = cmp.Or(o.RejectsFile, "revert-of-"+job.ID+".rejected.csv")
	o.stamp = func(revert *jobs.Job) {
		revert.File, revert.RevertOf, revert.Reason = "revert of "+job.ID, job.ID, o.Reason
	}
	return nil
}

// wayBack writes the fleet of the way back to a temporary file, which is the caller's to remove wherever it has a name.
func (d *deployment) wayBack(ctx context.Context, job jobs.Job, o *RevertOptions) (path string, err error) {
	file, err := os.CreateTemp("", "simshift-revert-*.csv") // 0600: for its owner only
	if err != nil {
		return "", &Failure{Code: ExitError, Err: fmt.Errorf("write the way back: %w", err),
			Hint: "set TMPDIR to a folder that can be written"}
	}
	known, unknown, err := d.writeWayBack(ctx, file, job, o.Policy.RevertPlan)
	err = errors.Join(err, file.Close())
	if errors.Is(err, context.Canceled) {
		return file.Name(), errStopped
	}
	if err != nil {
		return file.Name(), fmt.Errorf("write the way back: %w", err)
	}
	return file.Name(), d.tellUnknown(job, known, unknown, o)
}

// tellUnknown refuses a way back that would leave devices behind unasked.
func (d *deployment) tellUnknown(job jobs.Job, known, unknown int64, o *RevertOptions) error {
	switch {
	case unknown == 0:
		return nil
	case known == 0:
		return refuse("import a file with the former profiles as iccid, with --target "+o.Target,
			"the former profile of none of the %d devices that succeeded in job %s is known: "+
				"its file gave no previous_iccid for them", unknown, job.ID)
	case !o.OnlyKnown:
		return refuse(fmt.Sprintf("--only-known moves the other %d back; for those without, import a file with their former profiles "+
			"as iccid, with --target %s", known, o.Target),
			"the former profile of %d of %d devices that succeeded in job %s is not known: its file gave no previous_iccid for them",
			unknown, known+unknown, job.ID)
	}
	fmt.Fprintf(d.env.Err, "%d devices stay where they are: their former profile is not known\n", unknown)
	return nil
}

// writeWayBack writes those devices that succeeded in a job with their profiles changed about: the former one is to be
// enabled, and the present one is the former one of the way back. It counts them, and those whose former one is not known,
// or is the present one.
func (d *deployment) writeWayBack(ctx context.Context, out io.Writer, job jobs.Job, plan string) (known, unknown int64, err error) {
	bar := newProgress(d.env)
	defer bar.close()
	w := csv.NewWriter(out)
	if err := w.Write([]string{"eid", "iccid", "imei", "account_name", "service_plan", "previous_iccid"}); err != nil {
		return 0, 0, err
	}
	plan = csvimport.Escape(plan)
	err = d.ledger.Moved(ctx, job.ID, func(o *jobs.Outcome) error {
		if !o.Previous.Known() || o.Previous == o.ICCID {
			unknown++
			return nil
		}
		if known++; known%jobs.MaxChunk == 0 {
			bar.set("looking up", known, job.Counts[jobs.Succeeded], "devices", false)
		}
		return w.Write([]string{
			o.EID.String(), o.Previous.String(), o.IMEI.String(), csvimport.Escape(o.Account), plan, o.ICCID.String(),
		})
	})
	w.Flush()
	return known, unknown, errors.Join(err, w.Error())
}

// planOf is the one plan of all groups, or "".
func planOf(groups []jobs.Group) string {
	for _, group := range groups {
		if group.Plan != groups[0].Plan {
			return ""
		}
	}
	if len(groups) == 0 {
		return ""
	}
	return groups[0].Plan
}
