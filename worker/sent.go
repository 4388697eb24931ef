package worker

import (
	"context"
	"sync"
	"time"

	"github.com/simshift/simshift/jobs"
)

// sent is what this process knows of a request that it made: enough to write it into the ledger again, where Redis has
// lost it.
type sent struct {
	books     submitBooks
	places    []jobs.Place
	run       string
	graceEnds time.Time

	mu       sync.Mutex
	batch    jobs.Batch // its number changes when it is written again; it knows its request once the carrier has answered
	deadline time.Time  // of its callbacks
	over     bool       // the carrier certainly did not take it
}

// remember keeps a request that is about to be made.
func (s *submitter) remember(b *sending, members []jobs.Member, start, graceEnds time.Time) *sent {
	kept := &sent{books: s.books, run: b.run, graceEnds: graceEnds, batch: b.batch, places: make([]jobs.Place, len(members))}
	kept.batch.SentAt = start
	for i := range members {
		kept.places[i] = members[i].Place
	}
	s.witness.Remember(4*len(kept.places), kept.again)
	return kept
}

// accepted notes the carrier's answer, before it is written into the ledger.
func (k *sent) accepted(requestID string, deadline time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.batch.RequestID, k.deadline = requestID, deadline
}

// notTaken notes that there is nothing to write again.
func (k *sent) notTaken() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = true
}

// again writes the request into the ledger once more.
func (k *sent) again(ctx context.Context) (missing bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		return false, nil
	}
	number, restored, err := k.books.Restore(ctx, k.batch, k.places, k.run, k.graceEnds)
	if err != nil || number == 0 {
		return false, err
	}
	k.batch.Number = number
	if k.batch.RequestID != "" {
		_, err = k.books.Accept(ctx, k.batch.Job, number, k.run, k.batch.RequestID, k.deadline)
	}
	return restored > 0, err
}

// number is the batch that holds its devices now.
func (k *sent) number() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.batch.Number
}
