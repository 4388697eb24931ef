package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/simshift/simshift/internal/app"
)

// What was not given as a flag stays as the job has it.
func TestARevertKeepsWhatNoFlagSays(t *testing.T) {
	t.Parallel()
	was := app.NewImportOptions()
	was.Policy.PerWindow, was.Policy.GateByHand, was.Rollout.Priority = 50_000, true, -3
	want := *was
	want.Policy.Attempts = 9
	given := pflag.NewFlagSet("", pflag.ContinueOnError)
	policyFlags(given, new(app.ImportOptions))
	if err := given.Parse([]string{"--attempts", "9"}); err != nil {
		t.Fatal(err)
	}
	overlay(given, was)
	if diff := cmp.Diff(want.Policy, was.Policy); diff != "" || was.Rollout.Priority != -3 {
		t.Errorf("priority %d, policy %s", was.Rollout.Priority, diff)
	}
}
