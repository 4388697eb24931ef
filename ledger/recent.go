package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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

const (
	// waitingPage is how many open batches are looked at together for the oldest that waits for callbacks, and
	// waitingMost how many at all.
	waitingPage = 100
	waitingMost = 1000
)

// OldestSent is when the batch of a job was sent that has been waiting longest for its callbacks; zero where none is. Of the
// open batches it looks at the thousand that are due first.
func (l *Ledger) OldestSent(ctx context.Context, job string) (oldest time.Time, err error) {
	// All batches of a job have the same time for their answers: those that were sent first are due first. Queued ones,
	// which are due for a look, stand between.
	for from := int64(0); from < waitingMost && oldest.IsZero(); from += waitingPage {
		members, err := l.rdb.ZRange(ctx, dueKey(job), from, from+waitingPage-1).Result()
		if err != nil || len(members) == 0 {
			return oldest, none(err, "look for the oldest request")
		}
		reads := make([]*redis.SliceCmd, len(members))
		_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, batch := range numbers(members) {
				reads[i] = p.HMGet(ctx, batchKey(job, batch), "state", "sent_at")
			}
			return nil
		})
		if err != nil {
			return oldest, fmt.Errorf("look for the oldest request: %w", err)
		}
		for _, read := range reads {
			state, _ := read.Val()[0].(string)
			sent, _ := read.Val()[1].(string)
			at := moment(sent)
			if state == strconv.Itoa(int(jobs.Submitted)) && at != nil && (oldest.IsZero() || at.Before(oldest)) {
				oldest = *at
			}
		}
	}
	return oldest, nil
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
