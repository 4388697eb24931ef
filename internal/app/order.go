package app

import (
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// orderOf says over the API what was said by flags. What is zero is left out.
func orderOf(o *ImportOptions) api.Order {
	p, r := &o.Policy, &o.Rollout
	return api.Order{
		Name: o.Name, Target: o.Target, Account: o.Account, Plan: o.Plan, RevertPlan: p.RevertPlan, Strict: o.Strict,
		SkipRejects: o.SkipRejects, Again: o.Again, Reason: o.Reason,
		BatchSize: p.BatchSize, Attempts: p.Attempts, AnswerWithin: durationText(p.AnswerWithin), Backoff: durationText(p.Backoff),
		BackoffMax: durationText(p.BackoffMax), DoubtGrace: durationText(p.DoubtGrace),
		Start: r.Start, Windows: r.Windows, Zone: r.zone(), PerWindow: p.PerWindow, Waves: r.Waves, Gate: r.Gate,
		GateByHand: p.GateByHand, Brakes: r.Brakes, BrakeLast: p.Brake.Last, BrakeLeast: p.Brake.Least, Priority: r.Priority,
	}
}

// zone is the zone in which the times are meant: where nobody says, that of the machine at which they were given.
func (r *Rollout) zone() string {
	if r.Zone == "" && !r.silent() {
		return localZone()
	}
	return r.Zone
}

func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// optionsOf reads an order. What it leaves out has its default.
func optionsOf(order *api.Order) (*ImportOptions, error) {
	o := NewImportOptions()
	o.remote = true
	o.Name, o.Target, o.Account, o.Plan, o.Strict = order.Name, order.Target, order.Account, order.Plan, order.Strict
	o.SkipRejects, o.Again, o.Reason = order.SkipRejects, order.Again, order.Reason
	o.Policy.RevertPlan = order.RevertPlan
	return o, o.setPolicy(order)
}

// setPolicy sets what an order gives, and leaves the rest as it is.
func (o *ImportOptions) setPolicy(order *api.Order) error {
	p, r := &o.Policy, &o.Rollout
	for _, field := range []struct {
		name, text string
		to         *time.Duration
	}{
		{"answer_within", order.AnswerWithin, &p.AnswerWithin}, {"backoff", order.Backoff, &p.Backoff},
		{"backoff_max", order.BackoffMax, &p.BackoffMax}, {"doubt_grace", order.DoubtGrace, &p.DoubtGrace},
	} {
		if field.text == "" {
			continue
		}
		d, err := time.ParseDuration(field.text)
		if err != nil {
			return usage("write it as 90s, 15m or 6h", "%s is %q", field.name, field.text)
		}
		*field.to = d
	}
	set(&p.BatchSize, order.BatchSize)
	set(&p.Attempts, order.Attempts)
	set(&p.PerWindow, order.PerWindow)
	set(&p.GateByHand, order.GateByHand)
	set(&p.Brake.Last, order.BrakeLast)
	set(&p.Brake.Least, order.BrakeLeast)
	set(&r.Start, order.Start)
	set(&r.Zone, order.Zone)
	set(&r.Waves, order.Waves)
	set(&r.Gate, order.Gate)
	set(&r.Priority, order.Priority)
	if len(order.Windows) > 0 {
		r.Windows = order.Windows
	}
	if len(order.Brakes) > 0 {
		r.Brakes = order.Brakes
	}
	return nil
}

// set takes over what is given.
func set[T comparable](to *T, given T) {
	var nothing T
	if given != nothing {
		*to = given
	}
}

// order says over the API what a revert was told by flags: of the policy only what was given. There zero means that nothing was
// said, so a flag that takes a setting of the job back to zero is refused rather than lost.
func (o *RevertOptions) order() (api.RevertOrder, error) {
	given := ImportOptions{Name: o.Name, Reason: o.Reason, SkipRejects: o.SkipRejects, Again: o.Again}
	was := ImportOptions{Policy: jobs.Policy{PerWindow: 1, GateByHand: true}, Rollout: Rollout{Priority: 1}}
	if o.Overlay != nil {
		o.Overlay(&given)
		o.Overlay(&was)
	}
	if was.Policy.PerWindow == 0 || !was.Policy.GateByHand || was.Rollout.Priority == 0 {
		return api.RevertOrder{}, usage("run it on Redis, without --server",
			"over a server --per-window, --priority and --gate-by-hand can not be taken back to nothing")
	}
	given.Policy.RevertPlan = o.RevertPlan
	return api.RevertOrder{Order: orderOf(&given), OnlyKnown: o.OnlyKnown}, nil
}
