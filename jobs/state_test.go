package jobs_test

import (
	"slices"
	"testing"

	"github.com/simshift/simshift/jobs"
)

func TestALateSuccessBeatsEveryStateButSuccess(t *testing.T) {
	t.Parallel()
	for _, state := range jobs.States {
		want := state != jobs.Succeeded && state != jobs.Pending // what was never in a batch has nothing to answer to
		if state.May(jobs.Succeeded) != want {
			t.Errorf("%s may become succeeded: %v", state, !want)
		}
	}
}

// Retrying is what a person's retry makes of a final device; nothing else does (see the ledger's reopen.lua).
func TestFinalStatesAreLeftOnlyForSuccessOrByAPersonsRetry(t *testing.T) {
	t.Parallel()
	for _, from := range jobs.States {
		for _, to := range jobs.States {
			if from.Final() && from.May(to) && to != jobs.Succeeded && to != jobs.Retrying {
				t.Errorf("%s, which is final, may become %s", from, to)
			}
		}
	}
	if jobs.Succeeded.May(jobs.Retrying) {
		t.Error("a success may be retried")
	}
}

func TestEveryOpenStateLeadsToAFinalOne(t *testing.T) {
	t.Parallel()
	for _, from := range jobs.States {
		reached, todo := map[jobs.State]bool{from: true}, []jobs.State{from}
		for len(todo) > 0 {
			for _, next := range jobs.States {
				if todo[0].May(next) && !reached[next] {
					reached[next] = true
					todo = append(todo, next)
				}
			}
			todo = todo[1:]
		}
		if !reached[jobs.Succeeded] && from != jobs.Succeeded {
			t.Errorf("%s never leads to success", from)
		}
	}
}

func TestWhatIsInFlightCanNotBeCancelled(t *testing.T) {
	t.Parallel()
	unsent := []jobs.State{jobs.Pending, jobs.Queued, jobs.Retrying}
	for _, from := range jobs.States {
		if from.May(jobs.Cancelled) != slices.Contains(unsent, from) {
			t.Errorf("%s may become cancelled: %v", from, from.May(jobs.Cancelled))
		}
	}
}

func TestStateNamesAreReadBack(t *testing.T) {
	t.Parallel()
	for _, state := range jobs.States {
		if got, err := jobs.ParseState(state.String()); err != nil || got != state {
			t.Errorf("%s is read as %s (%v)", state, got, err)
		}
	}
	if _, err := jobs.ParseState("closed"); err == nil {
		t.Error("closed is a state of batches, not of devices")
	}
}
