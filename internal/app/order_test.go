package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/jobs"
)

// What flags say arrives at a server as it was said.
func TestAnOrderKeepsWhatFlagsSaid(t *testing.T) {
	t.Parallel()
	o := NewImportOptions()
	o.Name, o.Target, o.Account, o.Plan, o.Reason = "spring", "us", "0000123456-00001", "US 5MB", "because"
	o.Strict, o.SkipRejects, o.Again = true, true, true
	o.Policy = jobs.Policy{
		Attempts: 3, AnswerWithin: 90 * time.Minute, Backoff: time.Minute, BackoffMax: 2 * time.Hour, DoubtGrace: 5 * time.Second,
		BatchSize: 700, PerWindow: 50_000, GateByHand: true, Gate: 0.95, Brake: jobs.Brake{Last: 300, Least: 30}, RevertPlan: "Global",
	}
	o.Rollout = Rollout{
		Start: "22:00", Windows: []string{"22:00-05:00"}, Zone: "America/Chicago", Waves: "100,100%", Gate: "90%",
		Brakes: []string{"10%"}, Priority: -3,
	}
	order := orderOf(o)
	back, err := optionsOf(&order)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o.Policy, back.Policy); diff != "" {
		t.Errorf("the policy: %s", diff)
	}
	if diff := cmp.Diff(o.Rollout, back.Rollout); diff != "" {
		t.Errorf("the rollout: %s", diff)
	}
	if again := orderOf(back); !cmp.Equal(order, again) {
		t.Errorf("the order: %s", cmp.Diff(order, again))
	}
}

func TestAServerIsNotToldToForgetASetting(t *testing.T) {
	t.Parallel()
	for what, overlay := range map[string]func(*ImportOptions){
		"per-window":   func(o *ImportOptions) { o.Policy.PerWindow = 0 },
		"priority":     func(o *ImportOptions) { o.Rollout.Priority = 0 },
		"gate-by-hand": func(o *ImportOptions) { o.Policy.GateByHand = false },
	} {
		if _, err := (&RevertOptions{Overlay: overlay}).order(); ExitCode(err) != ExitUsage {
			t.Errorf("--%s of nothing is told to a server: %v", what, err)
		}
	}
	order, err := (&RevertOptions{Overlay: func(o *ImportOptions) { o.Policy.Attempts = 7 }}).order()
	if err != nil || order.Attempts != 7 || order.Backoff != "" {
		t.Errorf("%+v, %v", order, err)
	}
}
