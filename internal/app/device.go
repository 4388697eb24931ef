package app

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

// deviceView is one device in one job, as it is printed.
type deviceView struct {
	Job       string      `json:"job"`
	Name      string      `json:"name"`
	Row       uint32      `json:"row"`
	EID       string      `json:"eid"`
	ICCID     string      `json:"iccid"`
	IMEI      string      `json:"imei"`
	Account   string      `json:"account_name"`
	Plan      string      `json:"service_plan"`
	State     jobs.State  `json:"state"`
	Reason    jobs.Reason `json:"reason"`
	Attempts  int         `json:"attempts"`
	Fault     jobs.Fault  `json:"fault"`
	Batch     int64       `json:"batch"`
	RequestID string      `json:"request_id"`
	SettledAt *time.Time  `json:"settled_at"`
	NextAt    *time.Time  `json:"next_attempt_at"`
}

// Device prints one device, found by EID, ICCID or IMEI, in every job that has it: the newest job first.
func Device(ctx context.Context, env *Env, identity string, format Format) error {
	if err := ledger.CheckIdentity(identity); err != nil {
		return usage("give the digits of an EID, ICCID or IMEI", "%w", err)
	}
	d, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer d.Close()
	all, err := d.ledger.Jobs(ctx)
	if err != nil {
		return err
	}
	views := []deviceView{}
	for _, job := range all {
		if !job.State.Open() && !job.State.Ended() {
			continue
		}
		found, err := d.ledger.Find(ctx, job.ID, identity)
		if err != nil {
			return err
		}
		for i := range found {
			views = append(views, view(job, &found[i]))
		}
	}
	if format == JSON {
		return printJSON(env.Out, views)
	}
	if len(views) == 0 {
		return &Failure{Code: ExitError, Err: fmt.Errorf("no job has the device %s: %w", identity, jobs.ErrNotFound),
			Hint: "deleted jobs are not searched; SIMSHIFT_RETENTION says how long jobs are kept"}
	}
	return printDevices(env, views)
}

func view(job jobs.Job, o *jobs.Outcome) deviceView {
	v := deviceView{
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

func printDevices(env *Env, views []deviceView) error {
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
		fmt.Fprintln(w)
	}
	return w.Flush()
}
