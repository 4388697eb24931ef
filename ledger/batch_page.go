package ledger

import (
	"context"
	"fmt"
	"strconv"

	"github.com/simshift/simshift/jobs"
)

// BatchPage lists batches of a job. next is what the query for those that follow is to name as After, 0 where none does. It
// reads the batches that it gives, and of those that it leaves out whether they are open, a thousand in one question.
func (l *Ledger) BatchPage(ctx context.Context, job string, q jobs.BatchQuery) (page []jobs.Batch, next int64, err error) {
	last, err := l.rdb.HGet(ctx, jobKey(job), "batches").Int64()
	if none(err, "") != nil {
		return nil, 0, fmt.Errorf("list batches: %w", err)
	}
	limit := max(1, q.Limit)
	first, step := last, int64(-1)
	switch {
	case q.Oldest:
		first, step = q.After+1, 1
	case q.After > 0:
		first = min(last, q.After-1)
	}
	var wanted []int64
	for n := first; n >= 1 && n <= last && len(wanted) <= limit; {
		var some []int64
		for ; n >= 1 && n <= last && len(some) < max(limit+1, filterStep); n += step {
			some = append(some, n)
		}
		if some, err = l.onlyBatches(ctx, job, q.Which, some); err != nil {
			return nil, 0, err
		}
		wanted = append(wanted, some...)
	}
	if len(wanted) > limit {
		wanted = wanted[:limit]
		next = wanted[limit-1]
	}
	page, err = l.readBatches(ctx, job, wanted)
	return page, next, err
}

// onlyBatches leaves those batches that are open, or have ended.
func (l *Ledger) onlyBatches(ctx context.Context, job string, which jobs.Which, batches []int64) ([]int64, error) {
	if which == jobs.Both {
		return batches, nil
	}
	names := make([]string, len(batches))
	for i, n := range batches {
		names[i] = strconv.FormatInt(n, 10)
	}
	due, err := l.rdb.ZMScore(ctx, dueKey(job), names...).Result()
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	left := batches[:0]
	for i, n := range batches {
		if open := due[i] > 0; open == (which == jobs.OnlyOpen) {
			left = append(left, n)
		}
	}
	return left, nil
}
