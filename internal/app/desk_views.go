package app

import (
	"context"
	"slices"
	"strconv"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// Jobs are a page of the list of jobs, the newest first. The cursor is the last one's id: ids ascend with time.
func (d *deployment) Jobs(ctx context.Context, q api.JobsQuery) (*api.JobPage, error) {
	if q.Which != "" && q.Which != "open" && q.Which != "ended" {
		return nil, usage("it is open or ended; without it both are listed", "there are no jobs that are %q", q.Which)
	}
	all, err := d.ledger.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	page := &api.JobPage{Jobs: []jobs.Job{}}
	passed := q.After == ""
	for _, job := range all {
		if !passed {
			passed = job.ID == q.After
			continue
		}
		if q.Which == "open" && !job.State.Open() || q.Which == "ended" && job.State.Open() {
			continue
		}
		if len(page.Jobs) == q.Limited() {
			page.Next = page.Jobs[len(page.Jobs)-1].ID
			break
		}
		if err := d.describe(ctx, &job); err != nil {
			return nil, err
		}
		page.Jobs = append(page.Jobs, job)
	}
	return page, nil
}

// Job is one job, with its hold and when it may end.
func (d *deployment) Job(ctx context.Context, word string) (*jobs.Job, error) {
	job, err := d.named(ctx, word)
	if err != nil {
		return nil, err
	}
	return &job, d.describe(ctx, &job)
}

// Log is what was done to a job.
func (d *deployment) Log(ctx context.Context, word string) ([]jobs.Entry, error) {
	job, err := d.named(ctx, word)
	if err != nil {
		return nil, err
	}
	return d.ledger.Log(ctx, job.ID, 0)
}

// endedShown is how many jobs that have ended the overview shows.
const endedShown = 10

// Overview is the fleet at a glance.
func (d *deployment) Overview(ctx context.Context) (*api.Overview, error) {
	o := &api.Overview{
		At: d.env.Now().UTC(), Counts: make(jobs.Counts), Running: []jobs.Job{}, Held: []jobs.Job{}, Ended: []jobs.Job{},
		Concerns: []api.Concern{},
	}
	all, err := d.ledger.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	for _, job := range all {
		if err := d.describe(ctx, &job); err != nil {
			return nil, err
		}
		addTo(o, &job)
	}
	return o, d.surround(ctx, o)
}

// addTo puts a job where it belongs in an overview: one that needs a person is held, whatever else it does.
func addTo(o *api.Overview, job *jobs.Job) {
	switch {
	case job.State.Ended():
		if len(o.Ended) < endedShown {
			o.Ended = append(o.Ended, *job)
		}
		return
	case !job.State.Open():
		return
	case job.Hold != "":
		o.Held = append(o.Held, *job)
	default:
		o.Running = append(o.Running, *job)
	}
	o.Devices += job.Devices
	for state, n := range job.Counts {
		o.Counts[state] += n
	}
	for _, concern := range concernsOf(job, nil) {
		concern.Job, concern.Name = job.ID, job.Name
		o.Concerns = append(o.Concerns, concern)
	}
}

// surround adds to an overview what does not belong to a job.
func (d *deployment) surround(ctx context.Context, o *api.Overview) (err error) {
	if o.Parked, err = d.ledger.ParkedCount(ctx); err != nil {
		return err
	}
	if o.Limits, err = d.limits(ctx, nil); err != nil {
		return err
	}
	o.Health, err = d.Health(ctx)
	return err
}

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
		Settling: api.Settling{Bands: []api.Band{}}, Settled: []api.SettledIn{}, Waves: wavesOf(job), Faults: []api.FaultCount{},
	}
	p.Concerns = concernsOf(job, p.Faults)
	return p, nil
}

// wavesOf are a job's waves. How the devices of each did is known of those of a single wave, which are all.
func wavesOf(job *jobs.Job) []api.WaveCount {
	waves, before := []api.WaveCount{}, int64(0)
	if job.Wave == 0 {
		return waves
	}
	for i, end := range job.Policy.WaveEnds(job.Devices) {
		waves = append(waves, api.WaveCount{Wave: i + 1, Devices: end - before})
		before = end
	}
	return waves
}

// Batches are a page of a job's batches, the newest first. The cursor is the number of the last one.
func (d *deployment) Batches(ctx context.Context, word string, q api.BatchesQuery) (*api.BatchPage, error) {
	job, err := d.named(ctx, word)
	if err != nil {
		return nil, err
	}
	before := job.Batches + 1
	if q.After != "" {
		if before, err = offsetOf(q.After); err != nil {
			return nil, err
		}
	}
	page := &api.BatchPage{Batches: []api.Batch{}}
	for before = min(before, job.Batches+1); before > 1; {
		first := max(1, before-int64(q.Limited()))
		list, err := d.ledger.Batches(ctx, job.ID, first, before-1)
		if err != nil {
			return nil, err
		}
		for _, b := range slices.Backward(list) {
			if q.Open && b.Open == 0 {
				continue
			}
			if len(page.Batches) == q.Limited() {
				page.Next = strconv.FormatInt(page.Batches[len(page.Batches)-1].Number, 10)
				return page, nil
			}
			group := job.Groups[b.Group]
			page.Batches = append(page.Batches, api.Batch{Batch: b, Account: group.Account, Plan: group.Plan})
		}
		before = first
	}
	return page, nil
}

// offsetOf reads a cursor that is a number.
func offsetOf(after string) (int64, error) {
	if after == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(after, 10, 64)
	if err != nil || n < 0 {
		return 0, usage("give the next of the page before, as it came", "%q is no place in the list", after)
	}
	return n, nil
}
