package app

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// forecast tells when everything is sent at the earliest. Waves and answers take time of their own, which nobody knows
// before.
func forecast(p *api.Plan, policy jobs.Policy, now time.Time) {
	p.Waves = policy.WaveEnds(p.Devices)
	if s := policy.Schedule; len(s.Windows) > 0 || s.Start.After(now) {
		p.Schedule = "; " + scheduleText(s)
	}
	f := policy.Forecast(now, policy.Batches(groupSizes(p)), p.Limits.Gap)
	p.Least, p.Starts, p.Windows = f.Least.Round(time.Second).String(), f.Starts.UTC().Truncate(time.Second), f.Windows
	if !f.Ends.IsZero() {
		end := f.Ends.UTC().Truncate(time.Second)
		p.Ends = &end
	}
	p.Reckoning = reckoning(p, policy)
	advise(p, policy)
}

func groupSizes(p *api.Plan) []int64 {
	sizes := make([]int64, len(p.Groups))
	for i, g := range p.Groups {
		sizes[i] = g.Devices
	}
	return sizes
}

// reckoning tells what each limit by itself asks for: all but the last request wait for nothing but the one before.
func reckoning(p *api.Plan, policy jobs.Policy) string {
	var last int64
	for _, size := range policy.Batches(groupSizes(p)) {
		last = size
	}
	var parts []string
	for _, part := range []struct {
		what    string
		n, last int64
		rate    ratelimit.Rate
	}{{"requests", p.Batches, 1, p.Limits.Requests}, {"devices", p.Devices, last, p.Limits.Devices}} {
		if !part.rate.Unlimited() {
			takes := part.rate.Cost(max(0, part.n-part.last)).Round(time.Second)
			parts = append(parts, fmt.Sprintf("%d %s at %s: %v", part.n, part.what, part.rate, takes))
		}
	}
	return cmp.Or(strings.Join(parts, "; "), "no limit is set")
}

// Sizes from which on a plan warns of what a small fleet need not mind.
const (
	largeFleet   = 10_000
	poorBatch    = 1000 // devices
	manyRequests = 100
)

// advise says what a careful person would do otherwise.
func advise(p *api.Plan, policy jobs.Policy) {
	say := func(text string, args ...any) { p.Advice = append(p.Advice, fmt.Sprintf(text, args...)) }
	if p.Devices >= largeFleet && len(policy.Waves) == 0 {
		say("a fleet of %d without waves meets a wrong plan or account all at once: try --waves 100,5%%,100%%", p.Devices)
	}
	if p.Devices >= largeFleet && !policy.Brake.On() {
		say("nothing stops it if answers suddenly fail: try --brake 10%%")
	}
	if p.Batches >= manyRequests && p.Devices/p.Batches < poorBatch {
		say("%d batches have %d devices on average: requests are what the limits count, so larger batches (--batch-size), "+
			"or fewer accounts and plans in one job, are quicker", p.Batches, p.Devices/p.Batches)
	}
	if rest := jobs.MaxChunk % policy.RequestSize(); rest != 0 && p.Devices > jobs.MaxChunk {
		say("of every %d devices of an account the last %d go in a request of their own: a --batch-size that divides %d is quicker",
			jobs.MaxChunk, rest, jobs.MaxChunk)
	}
	if policy.PerWindow > 0 && policy.PerWindow%int64(policy.BatchSize) != 0 && policy.PerWindow > int64(policy.BatchSize) {
		say("--per-window %d is no multiple of --batch-size %d: what is left of a window's share is not used",
			policy.PerWindow, policy.BatchSize)
	}
	if p.Ends == nil || p.Windows > 30 {
		say("the windows are too short for it: it takes %d of them; widen them, or raise the limits or --per-window", p.Windows)
	}
	if p.Limits.MaxInFlight > 0 && p.Limits.MaxInFlight < int64(policy.BatchSize) {
		say("a batch of %d is more than may be in flight (%d): each goes alone", policy.BatchSize, p.Limits.MaxInFlight)
	}
}
