package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/simshift/simshift/jobs"
)

// Timeline gives how many devices entered each state in each minute, in the order of time, without the empty minutes.
func (l *Ledger) Timeline(ctx context.Context, job string) ([]jobs.Minute, error) {
	fields, err := l.rdb.HGetAll(ctx, timelineKey(job)).Result()
	if err != nil {
		return nil, fmt.Errorf("read timeline: %w", err)
	}
	byMinute := make(map[int64]jobs.Counts)
	for field, n := range fields {
		minute, state, _ := strings.Cut(field, ":")
		counts := byMinute[number(minute)]
		if counts == nil {
			counts = make(jobs.Counts)
			byMinute[number(minute)] = counts
		}
		counts[jobs.State(number(state))] = number(n) //nolint:gosec // written from a State
	}
	timeline := make([]jobs.Minute, 0, len(byMinute))
	for minute, counts := range byMinute {
		timeline = append(timeline, jobs.Minute{At: time.Unix(minute*60, 0).UTC(), Entered: counts})
	}
	slices.SortFunc(timeline, func(a, b jobs.Minute) int { return a.At.Compare(b.At) })
	return timeline, nil
}
