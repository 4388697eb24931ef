package ledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/jobs"
)

func testBegin(t *testing.T, b *books) {
	job := b.job(2)
	n := b.batch(job.ID, 2)
	b.begun(job.ID, n, "first")
	b.begun(job.ID, n, "first") // its answer was lost: asking again is the same
	if ok, err := b.Begin(t.Context(), job.ID, n, "second", b.clock, jobs.Quota{}); ok || err != nil {
		t.Fatalf("a second run may send: %v, %v", ok, err)
	}
	if got, err := b.Job(t.Context(), job.ID); err != nil || got.Requests != 1 || got.Attempts != 2 {
		t.Errorf("requests %d, attempts %d (%v)", got.Requests, got.Attempts, err)
	}
}

func testFormOnce(t *testing.T, b *books) {
	job := b.job(4)
	chunk := jobs.Chunk{Size: 4}
	for want, from := range []int{0, 2} {
		if n, err := b.Form(t.Context(), job.ID, chunk, from, 2); n != int64(want+1) || err != nil {
			t.Fatalf("formed batch %d (%v)", n, err)
		}
	}
	for _, from := range []int{0, 2} {
		if n, err := b.Form(t.Context(), job.ID, chunk, from, 2); n != 0 || err != nil {
			t.Fatalf("formed batch %d again (%v)", n, err)
		}
	}
	b.counts(job.ID, jobs.Counts{jobs.Queued: 4})
}

func testEarlyCallback(t *testing.T, b *books) {
	job := b.job(2)
	n := b.batch(job.ID, 2)
	b.begun(job.ID, n, "run")
	unknown, err := b.Unknown(t.Context())
	want := []jobs.UnknownBatch{{BatchID: jobs.BatchID{Job: job.ID, Batch: n}, Since: b.clock}}
	if diff := cmp.Diff(want, unknown); diff != "" || err != nil {
		t.Fatalf("unknown requests: %s %v", diff, err)
	}
	for range 2 { // the callback, and its repetition
		if ok, err := b.Adopt(t.Context(), job.ID, n, "r-1", b.clock.Add(time.Hour)); !ok || err != nil {
			t.Fatalf("adopt: %v %v", ok, err)
		}
	}
	if ok, err := b.Accept(t.Context(), job.ID, n, "run", "r-1", b.clock.Add(time.Hour)); !ok || err != nil {
		t.Fatalf("accept: %v %v", ok, err)
	}
	if ok, err := b.Adopt(t.Context(), job.ID, n, "r-2", b.clock.Add(time.Hour)); ok || err != nil {
		t.Fatalf("a second request id was adopted: %v %v", ok, err)
	}
	if ok, err := b.Release(t.Context(), job.ID, n, "run", b.clock, ""); ok || err != nil {
		t.Fatalf("a batch with a request id was released: %v %v", ok, err)
	}
	routes, err := b.Routes(t.Context(), []string{"r-1", "r-2"})
	if routes["r-1"].Batch != n || len(routes) != 1 || err != nil {
		t.Fatalf("routes: %v %v", routes, err)
	}
	b.counts(job.ID, jobs.Counts{jobs.Submitted: 2})
}

func testAdoptedByOne(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(2)
	chunk := jobs.Chunk{Size: 2}
	first, err := b.Form(ctx, job.ID, chunk, 0, 1)
	b.check(err)
	second, err := b.Form(ctx, job.ID, chunk, 1, 1)
	b.check(err)
	b.begun(job.ID, first, "one")
	b.begun(job.ID, second, "two")
	if ok, err := b.Accept(ctx, job.ID, second, "two", "r-2", b.clock.Add(time.Hour)); !ok || err != nil {
		t.Fatalf("accept: %v %v", ok, err)
	}
	if ok, err := b.Adopt(ctx, job.ID, first, "r-2", b.clock.Add(time.Hour)); ok || err != nil {
		t.Fatalf("a request id was taken from another batch: %v %v", ok, err)
	}
	routes, err := b.Routes(ctx, []string{"r-2"})
	if routes["r-2"].Batch != second || err != nil {
		t.Errorf("routes: %v %v", routes, err)
	}
}

func testNoRequestID(t *testing.T, b *books) {
	job := b.job(1)
	n := b.batch(job.ID, 1)
	b.begun(job.ID, n, "run")
	if ok, err := b.Adopt(t.Context(), job.ID, n, "", b.clock.Add(time.Hour)); ok || err != nil {
		t.Fatalf("a batch took no id for its request id: %v %v", ok, err)
	}
	if unknown, err := b.Unknown(t.Context()); len(unknown) != 1 || err != nil {
		t.Errorf("unknown requests: %v %v", unknown, err)
	}
}

func testRefusedIsKnown(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(1)
	n := b.batch(job.ID, 1)
	b.begun(job.ID, n, "run")
	moved, _, err := b.Close(ctx, job.ID, n, jobs.Ending{From: jobs.Submitting, Run: "run", To: jobs.Failed, Reason: jobs.Refused})
	if moved != 1 || err != nil {
		t.Fatalf("closed: %d (%v)", moved, err)
	}
	if unknown, err := b.Unknown(ctx); len(unknown) != 0 || err != nil {
		t.Errorf("unknown requests: %v %v", unknown, err)
	}
}

func testSecondRun(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(1)
	n := b.batch(job.ID, 1)
	b.begun(job.ID, n, "first")
	sent := b.clock
	b.clock = b.clock.Add(time.Minute)
	again := func() {
		if ok, err := b.Begin(ctx, job.ID, n, "second", b.clock, jobs.Quota{}); ok || err != nil {
			t.Fatalf("a second run may send: %v %v", ok, err)
		}
	}
	again()
	if unknown, err := b.Unknown(ctx); len(unknown) != 1 || !unknown[0].Since.Equal(sent) || err != nil {
		t.Errorf("while it is being sent: %v %v", unknown, err)
	}
	if ok, err := b.Accept(ctx, job.ID, n, "second", "r-2", b.clock.Add(time.Hour)); ok || err != nil {
		t.Fatalf("the answer to another run was taken: %v %v", ok, err)
	}
	if routes, err := b.Routes(ctx, []string{"r-2"}); len(routes) != 0 || err != nil {
		t.Errorf("and its callbacks find %v (%v)", routes, err)
	}
	if ok, err := b.Accept(ctx, job.ID, n, "first", "r-1", b.clock.Add(time.Hour)); !ok || err != nil {
		t.Fatalf("accept: %v %v", ok, err)
	}
	again()
	if unknown, err := b.Unknown(ctx); len(unknown) != 0 || err != nil {
		t.Errorf("when it was accepted: %v %v", unknown, err)
	}
	if tasks, err := b.Touch(ctx, job.ID, n, time.Hour); tasks != 0 || err != nil {
		t.Errorf("a task was counted for a batch that is sent: %d (%v)", tasks, err)
	}
}

// poison plays a carrier that refuses every request with the given device, until no batch is left.
func poison(ctx context.Context, b *books, job string, n int64, bad int) (requests int) {
	todo := []int64{n}
	for len(todo) > 0 {
		n, todo = todo[0], todo[1:]
		b.begun(job, n, "run")
		requests++
		batch, err := b.Batch(ctx, job, n)
		b.check(err)
		members, err := b.OpenMembers(ctx, batch)
		b.check(err)
		holds := false
		for _, m := range members {
			holds = holds || m.EID == device(bad).EID
		}
		switch {
		case !holds:
			_, err = b.Accept(ctx, job, n, "run", fmt.Sprintf("r-%d", n), b.clock.Add(time.Hour))
		case len(members) > 1:
			var halves []int64
			halves, err = b.Split(ctx, job, n, "run", "refused")
			todo = append(todo, halves...)
		default:
			_, _, err = b.Close(ctx, job, n, jobs.Ending{From: jobs.Submitting, Run: "run", To: jobs.Failed, Reason: jobs.Refused,
				Fault: jobs.Fault{Code: "BAD"}})
		}
		b.check(err)
	}
	return requests
}

func testSplit(t *testing.T, b *books) {
	job := b.job(100)
	requests := poison(t.Context(), b, job.ID, b.batch(job.ID, 100), 42)
	b.counts(job.ID, jobs.Counts{jobs.Submitted: 99, jobs.Failed: 1})
	if o := b.outcome(job.ID, 42); o.State != jobs.Failed || o.Reason != jobs.Refused || o.Fault.Code != "BAD" {
		t.Errorf("outcome: %+v", o)
	}
	if requests > 15 {
		t.Errorf("%d requests to find one device of 100", requests)
	}
	if got, err := b.Job(t.Context(), job.ID); err != nil || got.Attempts != 100 {
		t.Errorf("attempts: %d (%v), but refused requests are none", got.Attempts, err)
	}
}

func testSplitListed(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(9)
	first := b.batch(job.ID, 9)
	b.sent(job.ID, first, "r-1")
	for n := 1; n <= 9; n++ {
		b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(first, n, jobs.Faltered))
	}
	waves, err := b.Waves(ctx, job.ID)
	b.check(err)
	second, left, err := b.Gather(ctx, job.ID, waves[:1], 7)
	if left != 2 || err != nil {
		t.Fatalf("%d left (%v)", left, err)
	}
	poison(ctx, b, job.ID, second, 5)
	b.counts(job.ID, jobs.Counts{jobs.Submitted: 6, jobs.Failed: 1, jobs.Retrying: 2})
}

func testSplitInDoubt(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(4)
	n := b.batch(job.ID, 4)
	b.begun(job.ID, n, "run")
	b.check(b.Suspect(ctx, job.ID, n, "run", "a 500"))
	if halves, err := b.Split(ctx, job.ID, n, "", "too early"); len(halves) != 0 || err != nil {
		t.Fatalf("halved before its grace was over: %v %v", halves, err)
	}
	b.clock = b.clock.Add(11 * time.Minute)
	halves, err := b.Split(ctx, job.ID, n, "", "overdue")
	if len(halves) != 2 || err != nil {
		t.Fatalf("halves: %v %v", halves, err)
	}
	if batch, err := b.Batch(ctx, job.ID, n); err != nil || !batch.Suspect || batch.State != jobs.Closed {
		t.Errorf("the whole batch: %+v (%v)", batch, err)
	}
	b.sent(job.ID, halves[0], "r-1")
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(halves[0], 1, jobs.Reaffirmed, jobs.Fault{Code: "AA"}))
	if o := b.outcome(job.ID, 1); o.State != jobs.Succeeded || o.Reason != jobs.AlreadyDone {
		t.Errorf("already active after a request in doubt: %+v", o)
	}
	if unknown, err := b.Unknown(ctx); len(unknown) != 1 || err != nil {
		t.Errorf("the whole batch may still be answered: %v %v", unknown, err)
	}
	if got, err := b.Job(ctx, job.ID); err != nil || got.Attempts != 6 || got.Repeats != 2 {
		t.Errorf("attempts %d, repeats %d (%v)", got.Attempts, got.Repeats, err)
	}
}

func testRelease(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(2)
	n := b.batch(job.ID, 2)
	b.begun(job.ID, n, "run")
	if ok, err := b.Release(ctx, job.ID, n, "other", b.clock, "429"); ok || err != nil {
		t.Fatalf("another run released it: %v %v", ok, err)
	}
	for range 2 {
		if ok, err := b.Release(ctx, job.ID, n, "run", b.clock, "429"); !ok || err != nil {
			t.Fatalf("release: %v %v", ok, err)
		}
	}
	got, err := b.Job(ctx, job.ID)
	if err != nil || got.Attempts != 0 || got.Requests != 1 {
		t.Errorf("attempts %d, requests %d (%v)", got.Attempts, got.Requests, err)
	}
	unknown, err := b.Unknown(ctx)
	if len(unknown) != 0 || err != nil {
		t.Errorf("unknown requests: %v %v", unknown, err)
	}
	b.counts(job.ID, jobs.Counts{jobs.Queued: 2})
}
