package app

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

// ShowDevice prints one device, found by EID, ICCID or IMEI, in every job that has it: the newest job first. It is an error that
// none has it, also where the empty list was printed as JSON.
func ShowDevice(ctx context.Context, env *Env, identity string, format Format) error {
	if err := checkIdentity(identity); err != nil {
		return err
	}
	return atDesk(ctx, env, func(desk api.Desk) error {
		views, err := desk.Device(ctx, identity)
		if err != nil {
			return err
		}
		if err := printDevices(env, views, format); err != nil || len(views) > 0 {
			return err
		}
		return &Failure{Code: ExitError, Err: fmt.Errorf("no job has the device %s: %w", identity, jobs.ErrNotFound),
			Hint: "deleted jobs are not searched; SIMSHIFT_RETENTION says how long jobs are kept"}
	})
}

func checkIdentity(identity string) error {
	if err := ledger.CheckIdentity(identity); err != nil {
		return usage("give the digits of an EID, ICCID or IMEI", "%w", err)
	}
	return nil
}

// Device finds a device in every job that has it.
func (d *deployment) Device(ctx context.Context, identity string) ([]api.Device, error) {
	if err := checkIdentity(identity); err != nil {
		return nil, err
	}
	all, err := d.ledger.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	views := []api.Device{}
	for _, job := range all {
		if !job.State.Open() && !job.State.Ended() {
			continue
		}
		found, err := d.ledger.Find(ctx, job.ID, identity)
		if err != nil {
			return nil, err
		}
		for i := range found {
			v := view(job, &found[i])
			if v.Story, err = d.ledger.Story(ctx, &found[i], job.ID); err != nil {
				return nil, err
			}
			if v.Log, err = d.ledger.Log(ctx, job.ID, 0); err != nil {
				return nil, err
			}
			views = append(views, v)
		}
	}
	return views, nil
}

func view(job jobs.Job, o *jobs.Outcome) api.Device {
	v := api.Device{
		Job: job.ID, Name: job.Name, Row: o.Row, EID: o.EID.String(), ICCID: o.ICCID.String(), IMEI: o.IMEI.String(),
		Account: o.Account, Plan: o.Plan, State: o.State, Reason: o.Reason, Attempts: o.Attempts, Fault: o.Fault,
		Batch: o.Batch, RequestID: o.RequestID,
	}
	at := o.ChangedAt
	if o.State.Final() {
		v.SettledAt = &at
	} else if o.State == jobs.Retrying {
		v.NextAt = &at
	}
	return v
}

func printDevices(env *Env, views []api.Device, format Format) error {
	if format == JSON {
		return printJSON(env.Out, views)
	}
	w := tabwriter.NewWriter(env.Out, 0, 0, 2, ' ', 0)
	for _, v := range views {
		fmt.Fprintf(w, "job\t%s  %s\n", v.Job, v.Name)
		fmt.Fprintf(w, "row\t%d\n", v.Row)
		fmt.Fprintf(w, "eid\t%s\niccid\t%s\nimei\t%s\n", v.EID, v.ICCID, v.IMEI)
		fmt.Fprintf(w, "account\t%s  %s\n", v.Account, v.Plan)
		state := v.State.String()
		if reason := v.Reason.String(); reason != "" {
			state += ": " + reason
		}
		fmt.Fprintf(w, "state\t%s\n", state)
		if v.Fault != (jobs.Fault{}) {
			fmt.Fprintf(w, "fault\t%s %s\n", v.Fault.Code, v.Fault.Text)
		}
		fmt.Fprintf(w, "attempts\t%d, the last in batch %d, request %s\n", v.Attempts, v.Batch, v.RequestID)
		if v.SettledAt != nil {
			fmt.Fprintf(w, "settled\t%s\n", clock(*v.SettledAt))
		}
		if v.NextAt != nil {
			fmt.Fprintf(w, "next attempt\t%s\n", clock(*v.NextAt))
		}
		for _, c := range v.Story {
			fmt.Fprintf(w, "%s\t%s\n", chapterTime(c), chapterText(c))
		}
		for _, e := range v.Log {
			fmt.Fprintf(w, "%s\tthe job: %s by %s: %s\n", clock(e.At), e.Act, e.Who, e.Words)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func chapterTime(c jobs.Chapter) string {
	switch {
	case c.At.IsZero() && c.SentAt.IsZero():
		return "now"
	case c.At.IsZero():
		return clock(c.SentAt)
	}
	return clock(c.At)
}

// chapterText is what happened to a device, in words.
func chapterText(c jobs.Chapter) string {
	var b strings.Builder
	fmt.Fprintf(&b, "attempt %d, batch %d", c.Attempt, c.Batch)
	if !c.SentAt.IsZero() {
		fmt.Fprintf(&b, " sent at %s", clock(c.SentAt))
	}
	if c.RequestID != "" {
		fmt.Fprintf(&b, ", request %s", c.RequestID)
	}
	if c.Warned {
		b.WriteString(": a warning, the final answer follows")
	} else {
		fmt.Fprintf(&b, ": %s", c.State)
	}
	if reason := c.Reason.String(); reason != "" {
		fmt.Fprintf(&b, " (%s)", reason)
	}
	if c.Fault != (jobs.Fault{}) {
		fmt.Fprintf(&b, ": %s %s", c.Fault.Code, c.Fault.Text)
	}
	return b.String()
}
