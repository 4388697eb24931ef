package jobs

import "time"

// Batch is the devices of one group that travel in one request. A batch is sent at most once: what must be sent again
// travels in a new batch.
type Batch struct {
	Job     string `json:"job"`
	Number  int64  `json:"number"` // from 1 within the job
	State   State  `json:"state"`  // Queued, Submitting, Submitted or Closed
	Group   int    `json:"group"`
	Attempt int    `json:"attempt"` // which attempt this is for its devices, from 1
	Size    int    `json:"size"`    // devices it was formed with
	Open    int    `json:"open"`    // of these, not settled yet
	Suspect bool   `json:"suspect"` // in doubt, and the carrier's answer was an error of its own: a device may be the cause
	Repeat  bool   `json:"repeat"`  // it resends devices whose earlier request had an unknown outcome

	// A batch of first attempts is a stretch of one chunk, [From, From+Size); any other has a list of places.
	Listed bool `json:"-"`
	Chunk  int  `json:"-"`
	From   int  `json:"-"`

	RequestID string    `json:"request_id"`
	Note      string    `json:"note,omitempty"` // why it waits or ended, in words
	FormedAt  time.Time `json:"formed_at"`
	SentAt    time.Time `json:"sent_at,omitzero"`
	DueAt     time.Time `json:"due_at,omitzero"` // the deadline of its present state
	Tasks     int64     `json:"-"`               // how often a task was made for it: part of the task's id
}

// Event is what a callback means for one device of a batch.
type Event struct {
	Batch int64
	Place Place
	Kind  EventKind
	Fault Fault     // for Rejected, Faltered and Reaffirmed
	Due   time.Time // for Faltered: when the next attempt would be
}

// EventKind is the carrier's word, weighed.
type EventKind uint8

const (
	// Confirmed is success in the target's role.
	Confirmed EventKind = iota + 1
	// Contradictory is success in another role than the target's.
	Contradictory
	// Rejected is a permanent fault.
	Rejected
	// Faltered is a fault that is worth another attempt.
	Faltered
	// Reaffirmed is "already active": success if an earlier outcome was unknown, else a permanent fault.
	Reaffirmed
	// Warned says that the device can not be reached for now, and that a final answer follows. It settles nothing.
	Warned
)

var eventNames = [...]string{
	Confirmed: "confirmed", Contradictory: "contradictory", Rejected: "rejected", Faltered: "faltered", Reaffirmed: "reaffirmed",
	Warned: "warned",
}

func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return ""
}

// Effect is what an event did.
type Effect uint8

const (
	// Settled is an event that moved its device.
	Settled Effect = iota + 1
	// Repeated is an event whose device had been settled by the same batch already: a duplicate.
	Repeated
	// Outdated is an event of an earlier attempt that decides nothing any more.
	Outdated
	// Noted is an event that settles nothing by its nature: a warning.
	Noted
)

var effectNames = [...]string{Settled: "settled", Repeated: "repeated", Outdated: "outdated", Noted: "noted"}

func (e Effect) String() string {
	if int(e) < len(effectNames) {
		return effectNames[e]
	}
	return ""
}

// Ending is how a batch is closed: what becomes of the devices still open in it, and on which conditions.
type Ending struct {
	From    State  // the state the batch must be in
	Run     string // the run that must own it; empty: any
	Overdue bool   // its deadline must have passed

	To       State  // the final state of its devices, unless they retry
	Reason   Reason // why
	Fault    Fault  // the carrier's word, if there is one
	Retry    bool   // devices with attempts left wait for another one instead
	Attempts int    // the most attempts a device has
	RetryAt  time.Time
	Doubtful bool   // the outcome is unknown: a further attempt is a repeat
	Note     string // kept at the batch, for people
}

// Member is a device and its place in the roster.
type Member struct {
	Place Place
	Device
}

// Outcome is all that is known of one device of a job.
type Outcome struct {
	Member
	Group
	State     State
	Reason    Reason
	Attempts  int
	Fault     Fault
	Batch     int64
	RequestID string
	// ChangedAt is when a final device settled, or when a retrying one is due; zero for the others.
	ChangedAt time.Time
}

// Chapter is one thing that happened to a device.
type Chapter struct {
	At        time.Time `json:"at"`
	Warned    bool      `json:"warned,omitempty"` // only a warning: the state did not change
	State     State     `json:"state"`
	Reason    Reason    `json:"reason"`
	Attempt   int       `json:"attempt"` // over all rounds
	Fault     Fault     `json:"fault"`
	Batch     int64     `json:"batch"`
	SentAt    time.Time `json:"sent_at,omitzero"` // when that batch was sent
	RequestID string    `json:"request_id"`
}

// Settlement is what a group of events did.
type Settlement struct {
	Effects []Effect // one an event, in their order
	Closed  []int64  // batches that hold no open device any more
	Waves   []string // retry waves that grew
}

// BatchID names a batch over all jobs.
type BatchID struct {
	Job   string
	Batch int64
}

// UnknownBatch is a batch that was sent, or is about to be, and whose request id is not known.
type UnknownBatch struct {
	BatchID

	Since time.Time // nothing the carrier said before can be about it
}
