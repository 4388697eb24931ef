package app

import (
	"context"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// A deployment is the desk on Redis.
var _ api.Desk = (*deployment)(nil)

// openDesk gives the desk that a command works at, and how to leave it.
func openDesk(ctx context.Context, env *Env) (api.Desk, func(), error) {
	d, err := open(ctx, env)
	if err != nil {
		return nil, nil, err
	}
	return d, d.Close, nil
}

// atDesk works at the desk, and leaves it.
func atDesk(ctx context.Context, env *Env, work func(api.Desk) error) error {
	desk, leave, err := openDesk(ctx, env)
	if err != nil {
		return err
	}
	defer leave()
	return work(desk)
}

// named finds the job that a person named.
func (d *deployment) named(ctx context.Context, word string) (jobs.Job, error) {
	if word == "" { // an unset variable, most likely
		return jobs.Job{}, usage("name the job: `simshift jobs list` shows every one", "JOB is empty")
	}
	return d.find(ctx, word)
}
