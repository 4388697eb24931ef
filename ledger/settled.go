package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/simshift/simshift/jobs"
)

// SettleTimes gives how long devices took, by the stretch of time in which they settled, in the order of time and without the
// empty ones. A stretch is ten minutes, an hour from the third day of the job on, and a day from the fifteenth.
func (l *Ledger) SettleTimes(ctx context.Context, job string) ([]jobs.SettleTimes, error) {
	fields, err := l.rdb.HGetAll(ctx, settledKey(job)).Result()
	if err != nil {
		return nil, fmt.Errorf("read settle times: %w", err)
	}
	byStretch := make(map[string]*jobs.SettleTimes)
	for field, n := range fields {
		at := strings.LastIndexByte(field, ':')
		if at < 0 {
			continue
		}
		stretch, below := field[:at], number(field[at+1:])
		times := byStretch[stretch]
		if times == nil {
			minute, length, _ := strings.Cut(stretch, ":")
			times = &jobs.SettleTimes{
				At: time.Unix(number(minute)*60, 0).UTC(), Seconds: number(length) * 60,
				Bands: make([]int64, len(jobs.SettleBands)+1),
			}
			byStretch[stretch] = times
		}
		times.Bands[band(below)] += number(n)
	}
	list := make([]jobs.SettleTimes, 0, len(byStretch))
	for _, times := range byStretch {
		list = append(list, *times)
	}
	slices.SortFunc(list, func(a, b jobs.SettleTimes) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seconds, b.Seconds))
	})
	return list, nil
}

// band is the band with this end, or the next one: other bands than today's may have been counted by.
func band(below int64) int {
	if below == 0 {
		return len(jobs.SettleBands)
	}
	at, _ := slices.BinarySearch(jobs.SettleBands, below)
	return at
}
