package jobs

import (
	"fmt"
	"slices"
)

// State is where a device stands. Its numbers are stored in Redis: append, never renumber.
type State uint8

const (
	// Pending is a device no batch has taken yet. Entered at import.
	Pending State = 0

	// stored: 1 is kept for the ledger's own mark "in a batch; the batch knows the state".

	// Queued is a device in a batch that waits for its turn. Entered from Pending and Retrying, and from Submitting
	// when the carrier certainly did not take the request.
	Queued State = 2
	// Submitting is a device in a batch whose request is being sent, or was sent with an unknown outcome (in doubt).
	// It is written before the POST. Left by the carrier's answer, a callback, or the end of the grace.
	Submitting State = 3
	// Submitted is a device in a batch the carrier has accepted under a request id. Left by a callback or the deadline.
	Submitted State = 4
	// Retrying is a device that waits for its next attempt. Left when a batch takes it.
	Retrying State = 5

	// Succeeded is final: the carrier said that the profile is enabled, and in the role the target asks for.
	Succeeded State = 6
	// Failed is final: a permanent fault, or the attempts are used up.
	Failed State = 7
	// Mismatched is final: the carrier reported success in a role that contradicts the target. A person must look.
	Mismatched State = 8
	// Unanswered is final: the last attempt's deadline passed in silence.
	Unanswered State = 9
	// Cancelled is final: the job was cancelled before the device was sent, or between two attempts.
	Cancelled State = 10

	// Closed is the last state of a batch, never of a device: nothing in it is open any more.
	Closed State = 11
)

// States lists every state a device can be in, in the order of its life.
var States = []State{
	Pending, Queued, Submitting, Submitted, Retrying, Succeeded, Failed, Mismatched, Unanswered, Cancelled,
}

var stateNames = [...]string{
	Pending: "pending", Queued: "queued", Submitting: "submitting", Submitted: "submitted", Retrying: "retrying",
	Succeeded: "succeeded", Failed: "failed", Mismatched: "mismatched", Unanswered: "unanswered",
	Cancelled: "cancelled", Closed: "closed",
}

// transitions is the whole life of a device: the table that every guarded write is made from. What is in flight can
// not be called back, so a cancelled job's submitted devices still settle. A late success beats every state but
// success itself: the carrier did move the device, whatever we had concluded. Only a person's retry, as a new round of the
// job, takes a final device back to Retrying.
var transitions = map[State][]State{
	Pending:    {Queued, Cancelled},
	Queued:     {Submitting, Succeeded, Cancelled},
	Submitting: {Queued, Submitted, Retrying, Succeeded, Failed, Mismatched, Unanswered},
	Submitted:  {Retrying, Succeeded, Failed, Mismatched, Unanswered},
	Retrying:   {Queued, Succeeded, Cancelled},
	Failed:     {Succeeded, Retrying},
	Mismatched: {Succeeded, Retrying},
	Unanswered: {Succeeded, Retrying},
	Cancelled:  {Succeeded, Retrying},
	Succeeded:  {},
}

// May tells whether the table allows s to become next.
func (s State) May(next State) bool {
	return slices.Contains(transitions[s], next)
}

// Final tells whether the device is settled: nothing but a late success, or a person's retry, changes it.
func (s State) Final() bool { return s >= Succeeded && s <= Cancelled }

func (s State) String() string {
	if int(s) < len(stateNames) && stateNames[s] != "" {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// MarshalText gives the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts what [ParseState] accepts, and a batch's last state.
func (s *State) UnmarshalText(text []byte) (err error) {
	if string(text) == Closed.String() {
		*s = Closed
		return nil
	}
	*s, err = ParseState(string(text))
	return err
}

// ParseState reads a device state's name.
func ParseState(name string) (State, error) {
	for _, state := range States {
		if state.String() == name {
			return state, nil
		}
	}
	return 0, fmt.Errorf("no such state: %q", name)
}

// Reason tells why a device is in its state, apart from the state itself. Its numbers are stored: append, never renumber.
type Reason uint8

// The reasons there are.
const (
	NoReason     Reason = 0
	Refused      Reason = 1 // the carrier's synchronous answer refused the request for this device
	Faulted      Reason = 2 // a callback reported a fault
	Silent       Reason = 3 // no callback came before the deadline
	InDoubt      Reason = 4 // the request's outcome stayed unknown until its grace was over
	Contradicted Reason = 5 // success, in a role that contradicts the target
	Withdrawn    Reason = 6 // the job was cancelled
	AlreadyDone  Reason = 7 // "already active" in answer to a repeat: the earlier request had worked
	Late         Reason = 8 // a success that came after the device had been given up or sent again
	Reopened     Reason = 9 // a person gave a settled device another round
)

var reasonNames = [...]string{
	"", "refused", "faulted", "unanswered", "in doubt", "contradicted", "cancelled", "already active", "late success", "reopened",
}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// MarshalText gives the reason's words.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a reason's words.
func (r *Reason) UnmarshalText(text []byte) error {
	at := slices.Index(reasonNames[:], string(text))
	if at < 0 {
		return fmt.Errorf("no such reason: %q", text)
	}
	*r = Reason(at) //nolint:gosec // there are few
	return nil
}
