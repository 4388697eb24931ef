package worker

import (
	"sync/atomic"

	"github.com/simshift/simshift/jobs"
)

// Fates counts what became of the callbacks that this process weighed, those that were parked and are matched later
// included. Its zero value is ready, and it is safe for concurrent use.
type Fates struct {
	events          [jobs.Warned + 1][jobs.Noted + 1]atomic.Uint64
	parked, ignored atomic.Uint64
}

// count takes in events that were written, and what each of them did.
func (f *Fates) count(events []jobs.Event, effects []jobs.Effect) {
	for i, effect := range effects {
		f.events[events[i].Kind][effect].Add(1)
	}
}

// Each gives every count to yield: of what word of the carrier, with what effect. The words are those of [jobs.EventKind],
// and "unmatched" and "other profile"; the effects those of [jobs.Effect], and "parked" and "ignored".
func (f *Fates) Each(yield func(word, effect string, n uint64)) {
	for kind := jobs.Confirmed; kind <= jobs.Warned; kind++ {
		for effect := jobs.Settled; effect <= jobs.Noted; effect++ {
			yield(kind.String(), effect.String(), f.events[kind][effect].Load())
		}
	}
	yield("unmatched", "parked", f.parked.Load())
	yield("other profile", "ignored", f.ignored.Load())
}
