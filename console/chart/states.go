package chart

import (
	"slices"
	"strings"

	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/jobs"
)

// Group is states that are shown as one.
type Group struct {
	Name   string
	Class  string // its colour
	States []jobs.State
}

// Timeline is what a timeline shows, in the order of stacking.
var Timeline = []Group{
	{"moved", "ok", []jobs.State{jobs.Succeeded}},
	{"tried again", "again", []jobs.State{jobs.Retrying}},
	{"did not move", "bad", []jobs.State{jobs.Failed, jobs.Mismatched, jobs.Unanswered, jobs.Cancelled}},
}

// Fleet is what a whole fleet is shown as.
var Fleet = []Group{
	{"succeeded", "ok", []jobs.State{jobs.Succeeded}},
	{"failed", "bad", []jobs.State{jobs.Failed}},
	{"mismatched", "wrong", []jobs.State{jobs.Mismatched}},
	{"unanswered", "silent", []jobs.State{jobs.Unanswered}},
	{"cancelled", "off", []jobs.State{jobs.Cancelled}},
	{"retrying", "again", []jobs.State{jobs.Retrying}},
	{"with the carrier", "air", []jobs.State{jobs.Submitting, jobs.Submitted}},
	{"not sent yet", "open", []jobs.State{jobs.Pending, jobs.Queued}},
}

// Of is how many devices are in a state of the group.
func (g *Group) Of(counts jobs.Counts) (n int64) {
	for _, state := range g.States {
		n += counts[state]
	}
	return n
}

// Class is the colour of a state.
func Class(state jobs.State) string {
	for _, group := range Fleet {
		if slices.Contains(group.States, state) {
			return group.Class
		}
	}
	return "open"
}

// Part is a group's part of a fleet.
type Part struct {
	Name, Class string
	States      string // their names, with commas between
	Devices     int64
	Share       string
	X, W        string
}

// Parts are the parts of a fleet, of every group in the order of [Fleet], those without devices too.
func Parts(counts jobs.Counts) []Part {
	parts := make([]Part, len(Fleet))
	total, before := counts.Total(), int64(0)
	for i, group := range Fleet {
		n := group.Of(counts)
		names := make([]string, len(group.States))
		for k, state := range group.States {
			names[k] = state.String()
		}
		parts[i] = Part{group.Name, group.Class, strings.Join(names, ","), n, words.Share(n, total), Bar(before, total), Bar(n, total)}
		before += n
	}
	return parts
}
