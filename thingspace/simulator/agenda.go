package simulator

// kind is what is due.
type kind uint8

const (
	finish   kind = iota // the device reaches its final state
	final                // its callback
	warning              // a callback that settles nothing
	copied               // a duplicate of the final callback
	switched             // the callback of the profile that was switched off
	strayed              // the final callback under an unknown request id
	kinds                // how many there are
)

var kindNames = [kinds]string{"finish", "final", "warning", "duplicate", "other_profile", "stray"}

// event is something that is due: 16 bytes, so that a million pending devices cost 16 MB and one timer.
type event struct {
	due    int64 // nanoseconds since 1970
	accept uint32
	kind   kind
	try    uint8 // number of the delivery, from 1
}

// agenda is a heap of events, the earliest first.
type agenda []event

func (a *agenda) add(e event) {
	heap := append(*a, e)
	at := len(heap) - 1
	for at > 0 {
		parent := (at - 1) / 2
		if heap[parent].due <= e.due {
			break
		}
		heap[at] = heap[parent]
		at = parent
	}
	heap[at] = e
	*a = heap
}

// take removes the earliest event. The agenda must not be empty.
func (a *agenda) take() event {
	heap := *a
	earliest, e := heap[0], heap[len(heap)-1]
	heap = heap[:len(heap)-1]
	at := 0
	for child := 1; child < len(heap); child = 2*at + 1 {
		if right := child + 1; right < len(heap) && heap[right].due < heap[child].due {
			child = right
		}
		if e.due <= heap[child].due {
			break
		}
		heap[at] = heap[child]
		at = child
	}
	if len(heap) > 0 {
		heap[at] = e
	}
	*a = heap
	return earliest
}

// outbox is a queue of callbacks that are due, first in, first out.
type outbox struct {
	events []event
	head   int
}

func (o *outbox) len() int { return len(o.events) - o.head }

func (o *outbox) add(e event) { o.events = append(o.events, e) }

// take removes the oldest. The outbox must not be empty. Space is reclaimed when half of it is spent.
func (o *outbox) take() event {
	e := o.events[o.head]
	o.head++
	if o.head > 1024 && o.head*2 >= len(o.events) {
		rest := copy(o.events, o.events[o.head:])
		o.events, o.head = o.events[:rest], 0
	}
	return e
}
