package ledger_test

import (
	"testing"
	"time"

	"github.com/simshift/simshift/jobs"
)

func testMarks(t *testing.T, b *books) {
	ctx := t.Context()
	for next := range int64(3) {
		if before, err := b.Mark(ctx, "one", next-1, next); before != next-1 || err != nil {
			t.Fatalf("mark %d found %d (%v)", next, before, err)
		}
	}
	if before, err := b.Mark(ctx, "one", 1, 2); before != 2 || err != nil {
		t.Fatalf("a call whose reply was lost found %d (%v)", before, err)
	}
	for range 2 { // as often as it is asked: the proof of a loss stays
		if before, err := b.Mark(ctx, "one", 7, 8); before != 2 || err != nil {
			t.Fatalf("five marks were lost, and it found %d (%v)", before, err)
		}
	}
	if before, err := b.Mark(ctx, "two", -1, 0); before != -1 || err != nil {
		t.Fatalf("another's mark was found: %d (%v)", before, err)
	}
	b.clock = b.clock.Add(2 * time.Hour)
	if _, err := b.Mark(ctx, "two", 0, 1); err != nil {
		t.Fatal(err)
	}
	marks, err := b.Marks(ctx)
	if err != nil || len(marks) != 1 || !marks["two"].Equal(b.clock) {
		t.Fatalf("marks %v (%v): those of a process that has gone are forgotten in an hour", marks, err)
	}
	b.check(b.Unmark(ctx, "two"))
}

func testRestore(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(4)
	// Batch 1 was formed, begun and sent; Redis has lost it, and another process has taken two of its devices since.
	sent := jobs.Batch{Job: job.ID, Number: 1, Attempt: 1, SentAt: b.clock}
	b.clock = b.clock.Add(time.Second)
	places := []jobs.Place{jobs.PlaceAt(0, 0), jobs.PlaceAt(0, 1), jobs.PlaceAt(0, 2)}
	other := b.batch(job.ID, 2)
	restored := make([]int, 2)
	for i := range restored { // twice, because a reply may be lost
		var err error
		if sent.Number, restored[i], err = b.Restore(ctx, sent, places, "run", b.clock.Add(time.Minute)); err != nil || sent.Number != other+1 {
			t.Fatalf("restored as %d (%v)", sent.Number, err)
		}
		sent.Number = 1
		b.counts(job.ID, jobs.Counts{jobs.Pending: 1, jobs.Submitting: 3})
	}
	if unknown, err := b.Unknown(ctx); len(unknown) != 1 || !unknown[0].Since.Equal(sent.SentAt) || err != nil {
		t.Errorf("sent at %v, it is among the unknown as %v (%v)", sent.SentAt, unknown, err)
	}
	if restored[0] != 3 || restored[1] != 0 {
		t.Errorf("devices written again: %v", restored)
	}
	if batch, err := b.Batch(ctx, job.ID, other); err != nil || batch.State != jobs.Closed {
		t.Errorf("the batch that had taken two of them is %v with %d (%v)", batch.State, batch.Open, err)
	}
	if ok, err := b.Accept(ctx, job.ID, other+1, "run", "r-1", b.clock.Add(time.Hour)); !ok || err != nil {
		t.Fatalf("accept: %v %v", ok, err)
	}
	if n, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 4}, 2, 2); err != nil || n == 0 {
		t.Fatalf("formed batch %d (%v)", n, err)
	}
	b.counts(job.ID, jobs.Counts{jobs.Queued: 1, jobs.Submitted: 3})
}

func testRestoreLeavesWhatMovedOn(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(2)
	n := b.batch(job.ID, 2)
	b.begun(job.ID, n, "other run")
	lost := jobs.Batch{Job: job.ID, Number: 9, Attempt: 1, SentAt: b.clock}
	places := []jobs.Place{jobs.PlaceAt(0, 0), jobs.PlaceAt(0, 1)}
	if got, restored, err := b.Restore(ctx, lost, places, "run", b.clock); got != 0 || restored != 0 || err != nil {
		t.Errorf("devices that another run has sent were restored as %d: %d (%v)", got, restored, err)
	}
	b.counts(job.ID, jobs.Counts{jobs.Submitting: 2})
}

// Redis has lost how a first attempt ended, and the second one: whoever sent that may write it again before the listener writes the
// end of the first, and the word that the second has brought must find its device in it.
func testRestoreGoesBeforeTheEndOfAnEarlierAttempt(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(4)
	first := b.batch(job.ID, 3)
	b.sent(job.ID, first, "r-1")
	second := jobs.Batch{Job: job.ID, Number: first + 7, Attempt: 2, SentAt: b.clock, RequestID: "r-2"}
	places := []jobs.Place{jobs.PlaceAt(0, 0), jobs.PlaceAt(0, 1), jobs.PlaceAt(0, 3)} // of the last the first attempt is lost, too
	number, restored, err := b.Restore(ctx, second, places, "run 2", b.clock.Add(time.Minute))
	if number != first+1 || restored != 3 || err != nil {
		t.Fatalf("restored as %d with %d devices (%v)", number, restored, err)
	}
	b.counts(job.ID, jobs.Counts{jobs.Submitted: 1, jobs.Submitting: 3})
	if unknown, err := b.Unknown(ctx); len(unknown) != 0 || err != nil {
		t.Errorf("its request is known, and callbacks of others may adopt it: %v (%v)", unknown, err)
	}
	if ok, err := b.Accept(ctx, job.ID, number, "run 2", "r-2", b.clock.Add(time.Hour)); !ok || err != nil {
		t.Fatalf("accept: %v %v", ok, err)
	}
	b.settle(job.ID, []jobs.Effect{jobs.Outdated, jobs.Settled}, event(first, 1, jobs.Faltered), event(first, 3, jobs.Confirmed))
	if batch, err := b.Batch(ctx, job.ID, first); err != nil || batch.State != jobs.Closed {
		t.Errorf("the first batch holds no device any more, and is %v with %d (%v)", batch.State, batch.Open, err)
	}
	b.settle(job.ID, []jobs.Effect{jobs.Settled, jobs.Settled}, event(number, 1, jobs.Confirmed), event(number, 4, jobs.Confirmed))
	b.counts(job.ID, jobs.Counts{jobs.Submitted: 1, jobs.Succeeded: 3})
	if got := b.outcome(job.ID, 1); got.Attempts != 2 {
		t.Errorf("the device that was sent twice has %d attempts", got.Attempts)
	}
}
