package jobs

import (
	"errors"
	"fmt"
	"time"
)

// Errors the ledger answers with, wherever a job or a device is asked for.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("the state has changed meanwhile")
)

// Target is the network a job moves its devices to.
type Target string

// The networks there are.
const (
	Global Target = "global" // local carriers abroad: profiles in the role LOCAL
	US     Target = "us"     // Verizon's US network: profiles in the role LEAD
)

// ParseTarget reads "global" or "us".
func ParseTarget(s string) (Target, error) {
	switch t := Target(s); t {
	case Global, US:
		return t, nil
	}
	return "", fmt.Errorf("the target is %q, but must be \"global\" or \"us\"", s)
}

// Opposite is the network that a move to t comes from.
func (t Target) Opposite() Target {
	if t == US {
		return Global
	}
	return US
}

// Role is the profile role that a success must report: LEAD is Verizon US, LOCAL is Global (enable-profile-api).
func (t Target) Role() string {
	if t == US {
		return "LEAD"
	}
	return "LOCAL"
}

// Phase is where a job stands.
type Phase string

// The phases of a job's life, in their order.
const (
	Importing  Phase = "importing"  // its roster is being written; nothing of it runs
	Running    Phase = "running"    // its batches are formed and sent, as far as no hold is in force
	Paused     Phase = "paused"     // a person or a brake stopped the sending; what is in flight still settles
	Cancelling Phase = "cancelling" // nothing more is sent; what is in flight still settles
	Finished   Phase = "finished"   // every device is final
	Stopped    Phase = "cancelled"  // every device is final, and some were cancelled with the job
	Abandoned  Phase = "abandoned"  // an import that did not come to its end; swept away
)

// Open tells whether the job still holds its devices: no other job may take them.
func (p Phase) Open() bool { return p == Running || p == Paused || p == Cancelling }

// Ended tells whether the job's last device is final.
func (p Phase) Ended() bool { return p == Finished || p == Stopped }

// Counts is how many devices are in each state.
type Counts map[State]int64

// Total adds all states up: always the size of the roster.
func (c Counts) Total() (n int64) {
	for _, count := range c {
		n += count
	}
	return n
}

// Final is how many devices are settled.
func (c Counts) Final() (n int64) {
	for state, count := range c {
		if state.Final() {
			n += count
		}
	}
	return n
}

// Job is one migration. Its JSON is the contract of `jobs show -o json`.
type Job struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	State      Phase      `json:"state"`
	Hold       string     `json:"hold"`                // why nothing is submitted now and until when, in words; empty: no hold
	PausedBy   string     `json:"paused_by,omitempty"` // who stopped a paused job: person, gate, brake or approval
	Drift      string     `json:"drift,omitempty"`     // how the counters once differed from the records, which they never should
	Target     Target     `json:"target"`
	Devices    int64      `json:"devices"`
	Counts     Counts     `json:"counts"`
	Attempts   int64      `json:"attempts"` // devices sent, summed over all accepted or doubtful requests
	Repeats    int64      `json:"repeats"`  // of these, sent again after an unknown outcome
	Batches    int64      `json:"batches"`
	Requests   int64      `json:"requests"` // POSTs made
	Callbacks  int64      `json:"callbacks"`
	Duplicates int64      `json:"duplicate_rows"` // rows of the CSV that said the same as an earlier one
	Rejected   int64      `json:"rejected_rows"`  // rows of the CSV that were refused and skipped
	File       string     `json:"file"`           // the CSV's name, for people
	FileSHA256 string     `json:"file_sha256"`
	Reading    Reading    `json:"reading"`
	RevertOf   string     `json:"revert_of,omitempty"` // the job whose devices it moves back
	Reason     string     `json:"reason,omitempty"`    // why it was made, for those who ask later
	Policy     Policy     `json:"policy"`
	Wave       int        `json:"wave,omitempty"`   // the present wave, from 1; 0: the job has none
	Opened     int64      `json:"opened,omitempty"` // how many devices the waves so far let go
	Formed     int64      `json:"-"`                // how many devices have ever been put into a batch
	Priority   int        `json:"priority"`         // of two jobs the higher one sends first, -9 to 9
	Round      int        `json:"round,omitempty"`  // how often a person has reopened it
	CreatedBy  string     `json:"created_by,omitempty"`
	Groups     []Group    `json:"groups"`
	Chunks     int        `json:"-"`
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	ETA        *time.Time `json:"eta"` // an estimate from the pace so far; null while nothing is known
}

// Reading is how a job's file was read, so that it can be read the same way again.
type Reading struct {
	Account string `json:"account_name"` // of rows without their own
	Plan    string `json:"service_plan"` // of rows without their own
	Strict  bool   `json:"strict"`       // wrong check digits rejected a row
}

// Minute is how many devices entered each state in one minute of a job's life.
type Minute struct {
	At      time.Time `json:"at"`
	Entered Counts    `json:"entered"`
}
