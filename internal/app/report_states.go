package app

import "github.com/simshift/simshift/jobs"

// stateGroup is states that are shown as one.
type stateGroup struct {
	Name   string
	Class  string // its colour in the page
	States []jobs.State
}

// timelineStates are what a timeline shows, in the order of their stacking.
var timelineStates = []stateGroup{
	{"moved", "ok", []jobs.State{jobs.Succeeded}},
	{"tried again", "again", []jobs.State{jobs.Retrying}},
	{"did not move", "bad", []jobs.State{jobs.Failed, jobs.Mismatched, jobs.Unanswered, jobs.Cancelled}},
}

// fleetStates are what the whole fleet is shown as.
var fleetStates = []stateGroup{
	{"succeeded", "ok", []jobs.State{jobs.Succeeded}},
	{"failed", "bad", []jobs.State{jobs.Failed}},
	{"mismatched", "wrong", []jobs.State{jobs.Mismatched}},
	{"unanswered", "silent", []jobs.State{jobs.Unanswered}},
	{"cancelled", "off", []jobs.State{jobs.Cancelled}},
	{"retrying", "again", []jobs.State{jobs.Retrying}},
	{"with the carrier", "air", []jobs.State{jobs.Submitting, jobs.Submitted}},
	{"not sent yet", "open", []jobs.State{jobs.Pending, jobs.Queued}},
}

func (g *stateGroup) of(counts jobs.Counts) (n int64) {
	for _, state := range g.States {
		n += counts[state]
	}
	return n
}
