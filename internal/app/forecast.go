package app

import (
	"fmt"
	"time"

	"github.com/simshift/simshift/jobs"
)

// forecastFor is how far ahead a plan looks for windows.
const forecastFor = 10 * 365 * 24 * time.Hour

// forecast tells when everything is sent at the earliest: the least duration, laid into the windows. Waves and answers take
// time of their own, which nobody knows before.
func (p *plan) forecast(policy jobs.Policy, least time.Duration, now time.Time) {
	p.Waves = policy.WaveEnds(p.Devices)
	if s := policy.Schedule; len(s.Windows) > 0 || s.Start.After(now) {
		p.Schedule = "; " + scheduleText(s)
	}
	left, devices := least, p.Devices
	for span := range policy.Schedule.Spans(now) {
		from := span.From
		if from.Before(now) {
			from = now
		}
		if p.Windows == 0 {
			p.Starts = from.UTC()
		}
		if from.Sub(now) > forecastFor {
			break
		}
		p.Windows++
		// What a window sends is bounded by its length, and by its share.
		share := devices
		if policy.PerWindow > 0 {
			share = min(devices, policy.PerWindow)
		}
		takes := left
		if devices > 0 {
			takes = time.Duration(float64(left) * float64(share) / float64(devices))
		}
		if span.To.IsZero() || takes <= span.To.Sub(from) {
			left, devices = left-takes, devices-share
		} else {
			sent := int64(float64(share) * float64(span.To.Sub(from)) / float64(takes))
			left, devices = left-span.To.Sub(from), devices-sent
			takes = span.To.Sub(from)
		}
		if devices <= 0 {
			end := from.Add(takes).UTC().Truncate(time.Second)
			p.Ends = &end
			break
		}
	}
	p.advise(policy)
}

// Sizes from which on a plan warns of what a small fleet need not mind.
const (
	largeFleet   = 10_000
	poorBatch    = 1000 // devices
	manyRequests = 100
)

// advise says what a careful person would do otherwise.
func (p *plan) advise(policy jobs.Policy) {
	advise := func(text string, args ...any) { p.Advice = append(p.Advice, fmt.Sprintf(text, args...)) }
	if p.Devices >= largeFleet && len(policy.Waves) == 0 {
		advise("a fleet of %d without waves meets a wrong plan or account all at once: try --waves 100,5%%,100%%", p.Devices)
	}
	if p.Devices >= largeFleet && !policy.Brake.On() {
		advise("nothing stops it if answers suddenly fail: try --brake 10%%")
	}
	if p.Batches >= manyRequests && p.Devices/p.Batches < poorBatch {
		advise("%d batches have %d devices on average: requests are what the limits count, so larger batches (--batch-size), "+
			"or fewer accounts and plans in one job, are quicker", p.Batches, p.Devices/p.Batches)
	}
	if policy.PerWindow > 0 && policy.PerWindow%int64(policy.BatchSize) != 0 && policy.PerWindow > int64(policy.BatchSize) {
		advise("--per-window %d is no multiple of --batch-size %d: what is left of a window's share is not used",
			policy.PerWindow, policy.BatchSize)
	}
	if p.Ends == nil || p.Windows > 30 {
		advise("the windows are too short for it: it takes %d of them; widen them, or raise the limits or --per-window", p.Windows)
	}
	if p.Limits.MaxInFlight > 0 && p.Limits.MaxInFlight < int64(policy.BatchSize) {
		advise("a batch of %d is more than may be in flight (%d): each goes alone", policy.BatchSize, p.Limits.MaxInFlight)
	}
}
