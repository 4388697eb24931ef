package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// Recent lists the jobs that are unfinished or ended since a time, the newest first and at most most of them, and counts by
// phase every job there is. It reads of each job a record, whatever its size.
func (l *Ledger) Recent(ctx context.Context, since time.Time, most int) (list []jobs.Job, all map[jobs.Phase]int, more int, err error) {
	ids, err := l.rdb.ZRevRange(ctx, indexKey, 0, -1).Result()
	if err != nil {
		return nil, nil, 0, fmt.Errorf("list recent jobs: %w", err)
	}
	ends := make([]*redis.SliceCmd, len(ids))
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			ends[i] = p.HMGet(ctx, jobKey(id), "state", "finished_at")
		}
		return nil
	})
	if err != nil {
		return nil, nil, 0, fmt.Errorf("list recent jobs: %w", err)
	}
	all = make(map[jobs.Phase]int)
	recent := ids[:0]
	for i, id := range ids {
		state, _ := ends[i].Val()[0].(string)
		finished, _ := ends[i].Val()[1].(string)
		phase := jobs.Phase(state)
		if all[phase]++; phase.Open() || phase.Ended() && number(finished) >= since.UnixMilli() {
			recent = append(recent, id)
		}
	}
	more = max(0, len(recent)-most)
	list, err = l.all(ctx, recent[:len(recent)-more])
	return list, all, more, err
}

// all reads jobs at once; those that are not there any more are left out.
func (l *Ledger) all(ctx context.Context, ids []string) ([]jobs.Job, error) {
	reads := make([]*redis.MapStringStringCmd, len(ids))
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			reads[i] = p.HGetAll(ctx, jobKey(id))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	list := make([]jobs.Job, 0, len(ids))
	for i, id := range ids {
		s, err := l.spec(ctx, id)
		if errors.Is(err, jobs.ErrNotFound) || len(reads[i].Val()) == 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, fill(s.job(), reads[i].Val()))
	}
	return list, nil
}

// OldestSent is when the batch of a job was sent that has been waiting longest for its callbacks; zero where none is, or only
// such as were sent before this was kept.
func (l *Ledger) OldestSent(ctx context.Context, job string) (time.Time, error) {
	first, err := l.rdb.ZRangeWithScores(ctx, sentKey(job), 0, 0).Result()
	if err != nil || len(first) == 0 {
		return time.Time{}, none(err, "look for the oldest request")
	}
	return time.UnixMilli(int64(first[0].Score)).UTC(), nil
}

// Oldest gives the batch, of all open jobs, that has been waiting longest for its callbacks; found is false where none is. Its cost
// goes with the number of jobs.
func (l *Ledger) Oldest(ctx context.Context) (oldest jobs.Batch, found bool, err error) {
	open, err := l.OpenJobs(ctx)
	if err != nil {
		return oldest, false, err
	}
	reads := make([]*redis.ZSliceCmd, len(open))
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range open {
			reads[i] = p.ZRangeWithScores(ctx, sentKey(id), 0, 0)
		}
		return nil
	})
	if err != nil {
		return oldest, false, fmt.Errorf("look for the oldest request: %w", err)
	}
	job, first := "", redis.Z{}
	for i, read := range reads {
		if sent := read.Val(); len(sent) > 0 && (job == "" || sent[0].Score < first.Score) {
			job, first = open[i], sent[0]
		}
	}
	if job == "" {
		return oldest, false, nil
	}
	oldest, err = l.Batch(ctx, job, number(members([]redis.Z{first})[0]))
	return oldest, err == nil, err
}

// OldestParked is when the oldest parked callback came; zero where none is parked.
func (l *Ledger) OldestParked(ctx context.Context) (time.Time, error) {
	first, err := l.rdb.ZRangeWithScores(ctx, parkedIndex, 0, 0).Result()
	if err != nil || len(first) == 0 {
		return time.Time{}, none(err, "look for the oldest parked callback")
	}
	return time.UnixMilli(int64(first[0].Score)).UTC(), nil
}

// UnknownCount is how many batches were sent and do not know their request id: they are being sent, or in doubt.
func (l *Ledger) UnknownCount(ctx context.Context) (int64, error) {
	n, err := l.rdb.ZCard(ctx, unknownKey).Result()
	if err != nil {
		return 0, fmt.Errorf("count unknown requests: %w", err)
	}
	return n, nil
}
