package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/jobs"
)

func testSettleTimes(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(8)
	n, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 8}, 0, 6)
	b.check(err)
	queued, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 8}, 6, 1)
	b.check(err)
	begin := b.clock
	b.sent(job.ID, n, "r-1")
	after := func(wait time.Duration, want jobs.Effect, e jobs.Event) {
		t.Helper()
		b.clock = begin.Add(wait)
		b.settle(job.ID, []jobs.Effect{want}, e)
	}
	after(999*time.Millisecond, jobs.Settled, event(n, 1, jobs.Confirmed))
	after(time.Second, jobs.Settled, event(n, 2, jobs.Rejected, jobs.Fault{Code: "C"}))
	after(time.Second, jobs.Settled, event(n, 3, jobs.Faltered)) // waits, and so has not settled
	after(time.Second, jobs.Noted, event(n, 4, jobs.Warned))
	after(2*time.Hour, jobs.Settled, event(n, 2, jobs.Confirmed)) // late, and once more
	after(49*time.Hour, jobs.Settled, event(n, 4, jobs.Contradictory))
	_, _, err = b.Close(ctx, job.ID, n, jobs.Ending{From: jobs.Submitted, To: jobs.Unanswered, Reason: jobs.Silent}) // two more
	b.check(err)
	after(20*24*time.Hour, jobs.Settled, event(n, 3, jobs.Confirmed))
	_, _, err = b.Close(ctx, job.ID, queued, jobs.Ending{From: jobs.Queued, To: jobs.Cancelled, Reason: jobs.Withdrawn}) // took no time
	b.check(err)
	_, err = b.Drop(ctx, job.ID, []jobs.Place{jobs.PlaceAt(0, 7)}, jobs.Entry{})
	b.check(err)

	bands := func(counts map[int]int64) []int64 {
		list := make([]int64, len(jobs.SettleBands)+1)
		for band, n := range counts {
			list[band] = n
		}
		return list
	}
	last := len(jobs.SettleBands)
	day := 24 * time.Hour
	want := []jobs.SettleTimes{
		{At: begin, Seconds: 600, Bands: bands(map[int]int64{0: 1, 1: 1})},
		{At: begin.Add(2 * time.Hour), Seconds: 600, Bands: bands(map[int]int64{15: 1})}, // below three hours
		{At: begin.Add(49 * time.Hour), Seconds: 3600, Bands: bands(map[int]int64{last: 3})},
		{At: begin.Add(20 * day).Truncate(day), Seconds: 24 * 3600, Bands: bands(map[int]int64{last: 1})},
	}
	got, err := b.SettleTimes(ctx, job.ID)
	b.check(err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settle times (-want +got):\n%s", diff)
	}
}
