package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// LimitsOptions are the arguments of jobs limits.
type LimitsOptions struct {
	Job     string            // a job's limits; empty: the deployment's
	Changes map[string]string // what to set, by flag; empty: only show
	Reason  string            // of the change
	Format  Format
}

// The limits that can be set, by their flags.
const (
	LimitRequests    = "requests"
	LimitDevices     = "devices"
	LimitMaxInFlight = "max-in-flight"
)

// byDefault as a limit's value takes back what was set by hand.
const byDefault = "default"

// mostInFlight is the highest bound that can be set; the setting has it, too.
const mostInFlight = 1 << 40

// ShowLimits shows the limits in force, the deployment's or a job's own, and changes them first where asked to.
func ShowLimits(ctx context.Context, env *Env, o *LimitsOptions) error {
	if len(o.Changes) == 0 && o.Reason != "" {
		return usage("say what to set: --requests, --devices or --max-in-flight", "--reason stands alone")
	}
	for flag, text := range o.Changes {
		if text == "" {
			return usage("give a limit, 0 for none, or default for what the setting says", "--%s is empty", flag)
		}
	}
	return atDesk(ctx, env, func(desk api.Desk) error {
		limits, err := o.ask(ctx, env, desk)
		if err != nil {
			return err
		}
		if o.Format == JSON {
			return printJSON(env.Out, limits)
		}
		return printLimits(env.Out, limits)
	})
}

// ask asks for the limits, or sets them.
func (o *LimitsOptions) ask(ctx context.Context, env *Env, desk api.Desk) (*api.Limits, error) {
	if len(o.Changes) == 0 {
		return desk.Limits(ctx, o.Job)
	}
	limits, err := desk.SetLimits(ctx, o.Job, api.LimitsChange{
		Requests: o.Changes[LimitRequests], Devices: o.Changes[LimitDevices], MaxInFlight: o.Changes[LimitMaxInFlight], Reason: o.Reason,
	})
	if err != nil {
		return nil, err
	}
	whose := "the deployment"
	if limits.Job != "" {
		whose = "job " + limits.Job
	}
	fmt.Fprintf(env.Err, "the limits of %s are set; they are kept from the next turn on, in two seconds at the latest, and batches "+
		"that sleep in the queue ask again within a minute\n", whose)
	return limits, nil
}

// Limits are the deployment's, or those of a job.
func (d *deployment) Limits(ctx context.Context, word string) (*api.Limits, error) {
	job, err := d.limited(ctx, word)
	if err != nil {
		return nil, err
	}
	return d.limits(ctx, job)
}

// SetLimits sets those limits that are given, and leaves the others as they are.
func (d *deployment) SetLimits(ctx context.Context, word string, c api.LimitsChange) (*api.Limits, error) {
	changes := make(map[string]string)
	for flag, text := range map[string]string{LimitRequests: c.Requests, LimitDevices: c.Devices, LimitMaxInFlight: c.MaxInFlight} {
		if text != "" {
			changes[flag] = text
		}
	}
	if len(changes) == 0 {
		return nil, usage("give requests, devices or max_in_flight", "no limit is given")
	}
	job, err := d.limited(ctx, word)
	if err != nil {
		return nil, err
	}
	if err := d.changeLimits(ctx, job, changes, c.Reason); err != nil {
		return nil, err
	}
	return d.limits(ctx, job)
}

// limited finds the job that is meant; nil: the deployment.
func (d *deployment) limited(ctx context.Context, word string) (*jobs.Job, error) {
	if word == "" {
		return nil, nil
	}
	job, err := d.find(ctx, word)
	return &job, err
}

// changeLimits sets the limits that were given and leaves the others as they are.
func (d *deployment) changeLimits(ctx context.Context, job *jobs.Job, changes map[string]string, reason string) error {
	limiter, settings := d.limiter, ratelimit.Limits{}
	if job != nil {
		if job.State != jobs.Running && job.State != jobs.Paused {
			return &Failure{Code: ExitError, Err: fmt.Errorf("job %s is %s: it sends nothing any more", job.ID, job.State),
				Hint: "`simshift jobs limits` without a job shows and sets the limits of all"}
		}
		limiter = d.limiter.Part(job.ID)
	} else {
		var err error
		if settings, err = readLimits(d.env); err != nil {
			return err
		}
	}
	limits, _, err := limiter.Limits(ctx)
	if err != nil {
		return err
	}
	back, err := applyLimits(&limits, settings, changes)
	if err != nil {
		return err
	}
	// A job without any limit is one that was never given any.
	if limits == settings && (back || job != nil) {
		err = limiter.ResetLimits(ctx)
	} else {
		err = limiter.SetLimits(ctx, limits, reason)
	}
	if err != nil {
		return err
	}
	if job == nil {
		return nil
	}
	e, err := d.act(ctx, jobs.ActLimits, limitWords(changes), reason)
	if err != nil {
		return err
	}
	return d.ledger.Note(ctx, job.ID, e)
}

// limitWords is what was set, for the job's log.
func limitWords(changes map[string]string) string {
	words := make([]string, 0, len(changes))
	for _, flag := range slices.Sorted(maps.Keys(changes)) {
		words = append(words, flag+" "+changes[flag])
	}
	return strings.Join(words, ", ")
}

// applyLimits changes limits as the flags say. It tells whether any goes back to the setting.
func applyLimits(limits *ratelimit.Limits, settings ratelimit.Limits, changes map[string]string) (back bool, err error) {
	rates := map[string]struct{ to, setting *ratelimit.Rate }{
		LimitRequests: {&limits.Requests, &settings.Requests}, LimitDevices: {&limits.Devices, &settings.Devices},
	}
	for _, flag := range slices.Sorted(maps.Keys(changes)) {
		text := changes[flag]
		rate, isRate := rates[flag]
		switch {
		case isRate && text == byDefault:
			*rate.to, back = *rate.setting, true
		case text == byDefault:
			limits.MaxInFlight, back = settings.MaxInFlight, true
		case isRate:
			if *rate.to, err = ratelimit.ParseRate(text); err != nil {
				err = usage("write it as 2/s, 60000/min or 100/h; 0 is no limit, default what the setting says", "--%s: %w", flag, err)
			}
		default:
			limits.MaxInFlight, err = parseMaxInFlight(text)
		}
		if err != nil {
			return back, err
		}
	}
	return back, nil
}

func parseMaxInFlight(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > mostInFlight {
		return 0, usage("give a number of devices as 500000; 0 is no limit, default what the setting says",
			"--%s is %q", LimitMaxInFlight, text)
	}
	return n, nil
}

// limits reads the limits of a job, or of the deployment, and what goes with them.
func (d *deployment) limits(ctx context.Context, job *jobs.Job) (*api.Limits, error) {
	all, err := d.limiter.Status(ctx)
	if err != nil {
		return nil, err
	}
	if job == nil {
		report := &api.Limits{Status: all}
		report.Settings, err = readLimits(d.env)
		if err == nil {
			report.Jobs, err = d.limitedJobs(ctx)
		}
		return report, err
	}
	own, err := d.limiter.Part(job.ID).Status(ctx)
	if err != nil {
		return nil, err
	}
	own.Holds = slices.DeleteFunc(all.Holds, func(h ratelimit.Hold) bool {
		return h.Scope != "" && !slices.ContainsFunc(job.Groups, func(g jobs.Group) bool { return g.Account == h.Scope })
	})
	own.Share = all.Share
	return &api.Limits{Job: job.ID, Name: job.Name, Status: own, Deployment: &all.Limits}, nil
}

// limitedJobs lists the jobs that have limits of their own.
func (d *deployment) limitedJobs(ctx context.Context) ([]api.LimitedJob, error) {
	ids, err := d.limiter.Parts(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]api.LimitedJob, 0, len(ids))
	for _, id := range ids {
		job, err := d.ledger.Job(ctx, id)
		if err != nil || !job.State.Open() {
			continue // it keeps them until it is deleted, and sends nothing
		}
		limits, stored, err := d.limiter.Part(id).Limits(ctx)
		if err != nil {
			return nil, err
		}
		if stored {
			list = append(list, api.LimitedJob{Job: id, Name: job.Name, Limits: limits})
		}
	}
	return list, nil
}

// limitsFrom tells in words where the limits come from.
func limitsFrom(r *api.Limits) string {
	switch {
	case r.Stored:
		words := "set by hand"
		if !r.SetAt.IsZero() {
			words += " at " + r.SetAt.Local().Format(time.DateTime)
		}
		if r.Reason != "" {
			words += ": " + r.Reason
		}
		return words
	case r.Job != "":
		return "nothing is set: the deployment's limits alone hold"
	}
	return "the settings, as they are here"
}
