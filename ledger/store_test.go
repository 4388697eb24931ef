package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/jobs"
)

func testCommit(t *testing.T, b *books) {
	ctx := t.Context()
	job := jobs.Job{ID: "half", Policy: jobs.DefaultPolicy(), Groups: []jobs.Group{group}, CreatedAt: b.clock, FileSHA256: "x"}
	b.check(b.Create(ctx, job))
	b.check(b.AddChunk(ctx, job.ID, jobs.Chunk{Size: 1}, []jobs.Device{device(1)}))
	if n, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 1}, 0, 1); n != 0 || err != nil {
		t.Fatalf("formed batch %d of a job that is being imported (%v)", n, err)
	}
	open, err := b.OpenJobs(ctx)
	if err != nil || len(open) != 0 {
		t.Fatalf("open jobs: %v, %v", open, err)
	}
	b.check(b.Commit(ctx, job, 1, "", jobs.Entry{}))
	b.made = append(b.made, job.ID)
	b.counts(job.ID, jobs.Counts{jobs.Pending: 1})
	if id, err := b.ImportedAs(ctx, "x"); id != "half" || err != nil {
		t.Fatalf("the file was imported as %q (%v)", id, err)
	}
}

func testAbandon(t *testing.T, b *books) {
	ctx := t.Context()
	job := jobs.Job{ID: "dead", Policy: jobs.DefaultPolicy(), CreatedAt: b.clock, FileSHA256: "x"}
	b.check(b.Create(ctx, job))
	b.check(b.Abandon(ctx, job.ID))
	if err := b.Commit(ctx, job, 0, "", jobs.Entry{}); !errors.Is(err, jobs.ErrConflict) {
		t.Fatalf("commit of an abandoned import: %v", err)
	}
	if id, err := b.ImportedAs(ctx, "x"); id != "" || err != nil {
		t.Fatalf("its file counts as imported as %q (%v)", id, err)
	}
	deleted, err := b.Expire(ctx, time.Hour)
	if err != nil || len(deleted) != 1 {
		t.Fatalf("expired %v (%v)", deleted, err)
	}
}

func testRowOrder(t *testing.T, b *books) {
	ctx := t.Context()
	job := jobs.Job{ID: "rows", Policy: jobs.DefaultPolicy(), CreatedAt: b.clock, Groups: []jobs.Group{
		{Account: "a", Plan: "p"}, {Account: "b", Plan: "p"}, {Account: "c", Plan: "q"},
	}}
	b.check(b.Create(ctx, job))
	const rows = 1000
	parts := make([][]jobs.Device, len(job.Groups))
	for row := 1; row <= rows; row++ {
		parts[row*row%7%3] = append(parts[row*row%7%3], device(row))
	}
	number := 0
	for g, part := range parts {
		for len(part) > 0 {
			size := min(130, len(part))
			b.check(b.AddChunk(ctx, job.ID, jobs.Chunk{Number: number, Group: g, Size: size}, part[:size]))
			part = part[size:]
			number++
		}
	}
	b.check(b.Commit(ctx, job, rows, "", jobs.Entry{}))
	b.made = append(b.made, job.ID)
	for i, o := range b.outcomes(job.ID) {
		if int(o.Row) != i+1 || o.Group != job.Groups[(i+1)*(i+1)%7%3] || o.EID != device(i+1).EID {
			t.Fatalf("outcome %d: %+v", i, o)
		}
	}
}

func testFind(t *testing.T, b *books) {
	job := b.job(500)
	d := device(345)
	for _, identity := range []string{d.EID.String(), d.ICCID.String(), d.IMEI.String()} {
		found, err := b.Find(t.Context(), job.ID, identity)
		if err != nil || len(found) != 1 || found[0].EID != d.EID || found[0].State != jobs.Pending {
			t.Errorf("found by %s: %+v (%v)", identity, found, err)
		}
	}
	if found, err := b.Find(t.Context(), job.ID, device(501).EID.String()); err != nil || len(found) != 0 {
		t.Errorf("found a stranger: %+v (%v)", found, err)
	}
	if _, err := b.Find(t.Context(), job.ID, "12"); err == nil {
		t.Error("12 is no identity")
	}
}

func testGate(t *testing.T, b *books) {
	ctx := t.Context()
	for _, id := range []string{"one", "two"} {
		b.check(b.Create(ctx, jobs.Job{ID: id, CreatedAt: b.clock}))
	}
	gate, holder, _, err := b.EnterGate(ctx, "one")
	if gate == nil || holder != "" || err != nil {
		t.Fatalf("the gate is held by %q (%v)", holder, err)
	}
	second, holder, until, err := b.EnterGate(ctx, "two")
	if second != nil || holder != "one" || !until.After(b.clock) || err != nil {
		t.Fatalf("the second import got in: holder %q until %v (%v)", holder, until, err)
	}
	b.clock = until // the first one is dead, or asleep
	second, holder, _, err = b.EnterGate(ctx, "two")
	if second == nil || err != nil {
		t.Fatalf("the claim was not taken over from %q (%v)", holder, err)
	}
	if err := b.Commit(ctx, jobs.Job{ID: "one", FileSHA256: "s"}, 0, "", jobs.Entry{}); !errors.Is(err, jobs.ErrConflict) {
		t.Fatalf("the first import committed after its claim was taken over: %v", err)
	}
	b.check(gate.Leave(ctx)) // its leaving must not open the gate of the second
	if third, holder, _, _ := b.EnterGate(ctx, "three"); third != nil || holder != "two" {
		t.Fatalf("the gate is held by %q", holder)
	}
	b.check(second.Leave(ctx))
}

func testDelete(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(3)
	b.check(b.rdb.Set(ctx, "simshift:{"+job.ID+"}:previous:0", make([]byte, 30), 0).Err())
	n := b.batch(job.ID, 3)
	if err := b.Delete(ctx, job.ID); !errors.Is(err, jobs.ErrConflict) {
		t.Fatalf("a running job was deleted: %v", err)
	}
	b.sent(job.ID, n, "r-1")
	b.settle(job.ID, []jobs.Effect{jobs.Settled, jobs.Settled, jobs.Settled},
		event(n, 1, jobs.Confirmed), event(n, 2, jobs.Rejected, jobs.Fault{Code: "C"}), event(n, 3, jobs.Confirmed))
	if _, err := b.Finish(ctx, job.ID); err != nil {
		t.Fatal(err)
	}
	b.clock = b.clock.Add(time.Hour)
	deleted, err := b.Expire(ctx, 30*time.Minute)
	if diff := cmp.Diff([]string{job.ID}, deleted); diff != "" || err != nil {
		t.Fatalf("expired: %s %v", diff, err)
	}
	b.settle(job.ID, []jobs.Effect{jobs.Outdated}, event(n, 1, jobs.Confirmed)) // a straggler brings nothing back to life
	keys, err := b.rdb.Keys(ctx, "simshift:{*").Result()
	if len(keys) != 0 || err != nil {
		t.Errorf("left behind: %v (%v)", keys, err)
	}
	if id, err := b.ImportedAs(ctx, job.FileSHA256); id != "" || err != nil {
		t.Errorf("its file counts as imported as %q (%v)", id, err)
	}
}

func testPark(t *testing.T, b *books) {
	ctx := t.Context()
	p := jobs.Parked{ID: "x", At: b.clock, Reason: "unknown", RequestID: "r", Raw: "{}"}
	b.check(b.Park(ctx, []jobs.Parked{p, p}))
	b.check(b.Park(ctx, []jobs.Parked{p}))
	list, err := b.Parked(ctx, 0, 10)
	if diff := cmp.Diff([]jobs.Parked{p}, list); diff != "" || err != nil {
		t.Fatalf("parked: %s %v", diff, err)
	}
	b.check(b.Unpark(ctx, "x"))
	if n, err := b.ParkedCount(ctx); n != 0 || err != nil {
		t.Errorf("%d parked (%v)", n, err)
	}
}
