package worker

import (
	"testing"

	"github.com/simshift/simshift/jobs"
)

func TestEveryFateIsCountedUnderAName(t *testing.T) {
	t.Parallel()
	var f Fates
	events := []jobs.Event{{Kind: jobs.Confirmed}, {Kind: jobs.Confirmed}, {Kind: jobs.Warned}}
	f.count(events, []jobs.Effect{jobs.Settled, jobs.Repeated, jobs.Noted})
	f.count(events[:1], []jobs.Effect{jobs.Settled})
	counted, seen := make(map[string]uint64), make(map[string]bool)
	f.Each(func(word, effect string, n uint64) {
		name := word + " " + effect
		if word == "" || effect == "" || seen[name] {
			t.Errorf("%q is no name of its own", name)
		}
		seen[name] = true
		counted[name] = n
	})
	for name, want := range map[string]uint64{
		"confirmed settled": 2, "confirmed repeated": 1, "warned noted": 1, "rejected settled": 0, "unmatched parked": 0,
	} {
		if counted[name] != want || !seen[name] {
			t.Errorf("%s: %d, want %d", name, counted[name], want)
		}
	}
}
