package app

import (
	"context"
	"slices"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// Progress is how a job goes, from what is counted: it looks at no device.
func (d *deployment) Progress(ctx context.Context, word string) (*api.Progress, error) {
	job, err := d.Job(ctx, word)
	if err != nil {
		return nil, err
	}
	minutes, err := d.ledger.Timeline(ctx, job.ID)
	if err != nil {
		return nil, err
	}
	limits, err := d.limits(ctx, job)
	if err != nil {
		return nil, err
	}
	p := &api.Progress{
		Job: *job, Timeline: condense(minutes, zoneOf(job)), Pace: paceOf(*job, minutes, d.env.Now()), Holds: limits.Holds,
	}
	if p.Faults, err = d.faults(ctx, job.ID); err != nil {
		return nil, err
	}
	if p.Waves, err = d.waves(ctx, job); err != nil {
		return nil, err
	}
	times, err := d.ledger.SettleTimes(ctx, job.ID)
	if err != nil {
		return nil, err
	}
	p.Settling, p.Settled = settlingOf(times), settledOf(times)
	p.Concerns = concernsOf(job, p.Faults)
	return p, nil
}

// faults are why devices of a job did not move, or wait; the most frequent first. Nothing is known of a job that began before
// they were counted.
func (d *deployment) faults(ctx context.Context, job string) ([]api.FaultCount, error) {
	counts, _, err := d.ledger.FaultCounts(ctx, job)
	if err != nil {
		return nil, err
	}
	list := make([]api.FaultCount, len(counts))
	for i, c := range counts {
		list[i] = api.FaultCount{
			State: c.State, Reason: c.Reason, Code: c.Code, Text: c.Text, Devices: c.Devices, Accounts: []api.InAccount{},
			Explanation: jobs.Explain(c.State, c.Reason, jobs.Fault{Code: c.Code, Text: c.Text}),
		}
	}
	slices.SortStableFunc(list, func(a, b api.FaultCount) int { return byDevices(a.Devices, b.Devices, a.Code, b.Code) })
	return list, nil
}

// waves are a job's waves. Of one that began before they were counted only their sizes are known.
func (d *deployment) waves(ctx context.Context, job *jobs.Job) ([]api.WaveCount, error) {
	counts, known, err := d.ledger.WaveProgress(ctx, job.ID)
	if err != nil {
		return nil, err
	}
	list := []api.WaveCount{}
	if known {
		for _, c := range counts {
			list = append(list, api.WaveCount(c))
		}
		return list, nil
	}
	before := int64(0)
	for i, end := range job.Policy.WaveEnds(job.Devices) {
		if job.Wave > 0 {
			list = append(list, api.WaveCount{Wave: i + 1, Devices: end - before})
		}
		before = end
	}
	return list, nil
}

// settlingOf is how long devices took over the whole of a job, to the end of a band.
func settlingOf(times []jobs.SettleTimes) api.Settling {
	var all jobs.SettleTimes
	for _, t := range times {
		all.Add(t)
	}
	s := api.Settling{
		Devices: all.Devices(), Median: all.Quantile(50), P90: all.Quantile(90), P99: all.Quantile(99), Longest: all.Quantile(100),
		Bands: make([]api.Band, len(all.Bands)),
	}
	for i, devices := range all.Bands {
		s.Bands[i].Devices = devices
		if i < len(jobs.SettleBands) {
			s.Bands[i].Below = jobs.SettleBands[i]
		}
	}
	return s
}

// settledOf is how long devices took over the night.
func settledOf(times []jobs.SettleTimes) []api.SettledIn {
	list := make([]api.SettledIn, len(times))
	for i, t := range times {
		list[i] = api.SettledIn{
			At: t.At.UTC().Truncate(time.Second), Seconds: t.Seconds, Devices: t.Devices(), Median: t.Quantile(50), P90: t.Quantile(90),
		}
	}
	return list
}
