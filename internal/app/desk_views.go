package app

import (
	"context"
	"errors"
	"strconv"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// Jobs are a page of the list of jobs, the newest first.
func (d *deployment) Jobs(ctx context.Context, q api.JobsQuery) (*api.JobPage, error) {
	which := jobs.Which(q.Which)
	if which != jobs.Both && which != jobs.OnlyOpen && which != jobs.OnlyEnded {
		return nil, usage("it is open or ended; without it both are listed", "there are no jobs that are %q", q.Which)
	}
	list, next, err := d.ledger.JobPage(ctx, q.After, q.Limited(), which)
	if err != nil {
		return nil, cursorFailure(err, q.After)
	}
	for i := range list {
		if err := d.describe(ctx, &list[i]); err != nil {
			return nil, err
		}
	}
	return &api.JobPage{Jobs: append([]jobs.Job{}, list...), Next: next}, nil
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

// Overview is the fleet at a glance. It reads every job that is open, and of those that have ended only what it shows.
func (d *deployment) Overview(ctx context.Context) (*api.Overview, error) {
	o := &api.Overview{
		At: d.env.Now().UTC(), Counts: make(jobs.Counts), Running: []jobs.Job{}, Held: []jobs.Job{}, Ended: []jobs.Job{},
		Concerns: []api.Concern{},
	}
	for next, more := "", true; more; more = next != "" {
		var open []jobs.Job
		var err error
		if open, next, err = d.ledger.JobPage(ctx, next, api.MostLimit, jobs.OnlyOpen); err != nil {
			return nil, err
		}
		for _, job := range open {
			if err := d.describe(ctx, &job); err != nil {
				return nil, err
			}
			addTo(o, &job)
		}
	}
	ended, _, err := d.ledger.JobPage(ctx, "", endedShown, jobs.OnlyEnded)
	if err != nil {
		return nil, err
	}
	o.Ended = append(o.Ended, ended...)
	return o, d.surround(ctx, o)
}

// addTo puts an open job where it belongs in an overview: one that needs a person is held, whatever else it does.
func addTo(o *api.Overview, job *jobs.Job) {
	if job.Hold != "" {
		o.Held = append(o.Held, *job)
	} else {
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

// Batches are a page of a job's batches, the newest first.
func (d *deployment) Batches(ctx context.Context, word string, q api.BatchesQuery) (*api.BatchPage, error) {
	job, err := d.named(ctx, word)
	if err != nil {
		return nil, err
	}
	after, err := offsetOf(q.After)
	if err != nil {
		return nil, err
	}
	query := jobs.BatchQuery{After: after, Limit: q.Limited()}
	if q.Open {
		query.Which = jobs.OnlyOpen
	}
	list, next, err := d.ledger.BatchPage(ctx, job.ID, query)
	if err != nil {
		return nil, err
	}
	page := &api.BatchPage{Batches: make([]api.Batch, len(list))}
	for i, b := range list {
		group := job.Groups[b.Group]
		page.Batches[i] = api.Batch{Batch: b, Account: group.Account, Plan: group.Plan}
	}
	if next != 0 {
		page.Next = strconv.FormatInt(next, 10)
	}
	return page, nil
}

// cursorFailure is what is wrong with a page that followed a place: the ledger says that there is no such place.
func cursorFailure(err error, after string) error {
	if after != "" && errors.Is(err, jobs.ErrNotFound) {
		return usage("give the next of the page before, as it came", "%w", err)
	}
	return err
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
