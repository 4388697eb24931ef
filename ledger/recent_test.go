package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/jobs"
)

func testRecent(t *testing.T, b *books) {
	ctx := t.Context()
	old, ended := b.job(1), b.job(1)
	for i, job := range []jobs.Job{old, ended} {
		b.clock = b.clock.Add(time.Hour)
		b.sent(job.ID, b.batch(job.ID, 1), []string{"r-1", "r-2"}[i])
		b.settle(job.ID, effects(1, jobs.Settled), event(1, 1, jobs.Confirmed))
		_, err := b.Finish(ctx, job.ID)
		b.check(err)
	}
	open := b.job(3)
	since := b.clock
	for most, want := range map[int][]string{10: {open.ID, ended.ID}, 1: {open.ID}} {
		list, all, more, err := b.Recent(ctx, since, most)
		b.check(err)
		var ids []string
		for _, job := range list {
			ids = append(ids, job.ID)
			if same, err := b.Job(ctx, job.ID); err != nil || !cmp.Equal(job, same) {
				t.Errorf("%v, but read singly it is %v (%v)", job, same, err)
			}
		}
		if diff := cmp.Diff(want, ids); diff != "" || more != 2-len(want) {
			t.Errorf("at most %d: %d more, and %s", most, more, diff)
		}
		if diff := cmp.Diff(map[jobs.Phase]int{jobs.Running: 1, jobs.Finished: 2}, all); diff != "" {
			t.Error(diff)
		}
	}
}

func testOldestSent(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(4)
	oldest := func(want time.Time) {
		t.Helper()
		if got, err := b.OldestSent(ctx, job.ID); !got.Equal(want) || err != nil {
			t.Errorf("the oldest was sent at %v (%v), not at %v", got, err, want)
		}
	}
	for from := range 3 {
		n, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 4}, from, 1)
		b.check(err)
		if n == 3 {
			break // it stays in the queue, and is due before the others
		}
		b.sent(job.ID, n, []string{"r-1", "r-2"}[from])
		b.clock = b.clock.Add(time.Minute)
	}
	first := b.clock.Add(-2 * time.Minute)
	oldest(first)
	b.settle(job.ID, effects(1, jobs.Settled), event(1, 1, jobs.Confirmed))
	oldest(first.Add(time.Minute))
	b.settle(job.ID, effects(1, jobs.Settled), event(2, 2, jobs.Confirmed))
	oldest(time.Time{})

	if n, err := b.UnknownCount(ctx); n != 0 || err != nil {
		t.Errorf("%d requests are unknown (%v)", n, err)
	}
	b.begun(job.ID, 3, "run")
	if n, err := b.UnknownCount(ctx); n != 1 || err != nil {
		t.Errorf("%d requests are unknown (%v)", n, err)
	}
	oldest(time.Time{}) // nobody knows whether anything of it comes
}
