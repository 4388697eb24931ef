package ledger_test

import (
	"testing"

	"github.com/simshift/simshift/jobs"
)

func testRecount(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(5)
	n := b.batch(job.ID, 3)
	b.sent(job.ID, n, "r-1")
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, jobs.Event{Batch: n, Place: jobs.PlaceAt(0, 0), Kind: jobs.Confirmed})
	if drift, settled, err := b.Recount(ctx, job.ID); drift != "" || !settled || err != nil {
		t.Fatalf("right counters differ: %q, %v (%v)", drift, settled, err)
	}
	key := "simshift:{" + job.ID + "}:job"
	b.check(b.rdb.HIncrBy(ctx, key, "n:6", 2).Err())
	drift, settled, err := b.Recount(ctx, job.ID)
	if drift != "succeeded 3 instead of 1" || !settled || err != nil {
		t.Errorf("wrong counters: %q, %v (%v)", drift, settled, err)
	}
	b.counts(job.ID, jobs.Counts{jobs.Pending: 2, jobs.Submitted: 2, jobs.Succeeded: 1})
	if got, err := b.Job(ctx, job.ID); err != nil || got.Drift != drift {
		t.Errorf("the job tells of %q (%v)", got.Drift, err)
	}
}
