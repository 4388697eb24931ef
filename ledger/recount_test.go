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

func testRecountReasons(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(2)
	n := b.batch(job.ID, 2)
	b.sent(job.ID, n, "r-1")
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(n, 1, jobs.Rejected, jobs.Fault{Code: "C"}))
	base := "simshift:{" + job.ID + "}:"
	b.check(b.rdb.HSet(ctx, base+"reasons", "7:2:1", 5, "9:3:0", 1).Err())
	drift, settled, err := b.Recount(ctx, job.ID)
	if drift != "2 of the counts by reason" || !settled || err != nil {
		t.Errorf("wrong counts: %q, %v (%v)", drift, settled, err)
	}
	want := []jobs.FaultCount{{State: jobs.Failed, Reason: jobs.Faulted, Code: "C", Devices: 1}}
	b.faults(job.ID, want)

	// A job from before there were such counts.
	b.check(b.rdb.HDel(ctx, base+"job", "weighed").Err())
	b.check(b.rdb.Del(ctx, base+"reasons").Err())
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(n, 1, jobs.Confirmed))
	if got, known, err := b.FaultCounts(ctx, job.ID); known || err != nil {
		t.Errorf("of an older job it is known that %v (%v)", got, err)
	}
	if drift, settled, err := b.Recount(ctx, job.ID); drift != "" || !settled || err != nil {
		t.Errorf("an older job has drifted: %q, %v (%v)", drift, settled, err)
	}
	b.faults(job.ID, nil)
}
