package ledger

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// JobPage lists at most limit jobs, the newest first, that follow after: empty for the first, then the next that came with the
// jobs before. next is empty where no job follows. It reads the jobs that it gives, and one field of those that it leaves out.
func (l *Ledger) JobPage(ctx context.Context, after string, limit int, which jobs.Which) (page []jobs.Job, next string, err error) {
	limit = max(1, limit)
	var wanted []redis.Z
	// Most often the first ones are those that are wanted; where they are not, it takes longer and longer steps.
	for step := limit + 1; len(wanted) <= limit; step = max(step, min(2*step, filterStep)) {
		entries, err := l.beyond(ctx, indexKey, after, step, true)
		if err != nil {
			return nil, "", fmt.Errorf("list jobs: %w", err)
		}
		some, err := l.only(ctx, which, entries)
		if err != nil {
			return nil, "", err
		}
		wanted = append(wanted, some...)
		if len(entries) < step {
			break
		}
		after = cursorAt(entries[step-1])
	}
	wanted, next = cutPage(wanted, limit)
	page, err = l.all(ctx, members(wanted))
	return page, next, err
}

// only leaves those jobs of the index that are open, or have ended.
func (l *Ledger) only(ctx context.Context, which jobs.Which, entries []redis.Z) ([]redis.Z, error) {
	if which == jobs.Both || len(entries) == 0 {
		return entries, nil
	}
	phases, err := l.phases(ctx, members(entries))
	if err != nil {
		return nil, err
	}
	var left []redis.Z
	for i, phase := range phases {
		if which == jobs.OnlyOpen && phase.Open() || which == jobs.OnlyEnded && phase.Ended() {
			left = append(left, entries[i])
		}
	}
	return left, nil
}

// phases reads the phases of jobs; empty for those that are not there.
func (l *Ledger) phases(ctx context.Context, ids []string) ([]jobs.Phase, error) {
	reads := make([]*redis.StringCmd, len(ids))
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			reads[i] = p.HGet(ctx, jobKey(id), "state")
		}
		return nil
	})
	if err := none(err, "read the phases of jobs"); err != nil {
		return nil, err
	}
	phases := make([]jobs.Phase, len(ids))
	for i, read := range reads {
		phases[i] = jobs.Phase(read.Val())
	}
	return phases, nil
}
