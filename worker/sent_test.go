package worker

import (
	"context"
	"testing"
	"time"

	"github.com/simshift/simshift/jobs"
)

// lossyBooks have lost a batch: it is written again under another number.
type lossyBooks struct {
	submitBooks
	restored int
	accepted map[int64]string // by batch
}

func (b *lossyBooks) Restore(_ context.Context, batch jobs.Batch, places []jobs.Place, _ string, _ time.Time) (int64, int, error) {
	if b.restored++; b.restored > 1 {
		return batch.Number, 0, nil // it is there
	}
	return batch.Number + 10, len(places), nil
}

func (b *lossyBooks) Accept(_ context.Context, _ string, batch int64, _, requestID string, _ time.Time) (bool, error) {
	b.accepted[batch] = requestID
	return true, nil
}

func TestAnAnswerGoesToTheBatchThatWasWrittenAgain(t *testing.T) {
	t.Parallel()
	books := &lossyBooks{accepted: make(map[int64]string)}
	k := &sent{books: books, batch: jobs.Batch{Job: "j", Number: 1}, places: make([]jobs.Place, 3)}
	for range 2 {
		if _, err := k.again(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(books.accepted) != 0 || k.number() != 11 {
		t.Errorf("before the answer: batch %d, accepted %v", k.number(), books.accepted)
	}
	k.accepted("r-1", time.Now())
	if _, err := k.again(t.Context()); err != nil || books.accepted[11] != "r-1" {
		t.Errorf("after the answer: accepted %v (%v)", books.accepted, err)
	}
	k.notTaken()
	books.restored = 0
	if _, err := k.again(t.Context()); err != nil || books.restored != 0 {
		t.Errorf("a request that was not taken is written again (%v)", err)
	}
}
