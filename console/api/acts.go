package api

import "github.com/simshift/simshift/jobs"

// The acts of a [Command].
const (
	Pause    = "pause"
	Resume   = "resume"
	Cancel   = "cancel"
	Approve  = "approve"
	Retry    = "retry"
	Priority = "priority"
)

// Command is an act on a whole job.
type Command struct {
	Act    string `json:"act"`
	Reason string `json:"reason"`

	Only  []string `json:"only,omitempty"`  // Retry: states; empty: failed and unanswered
	Fault string   `json:"fault,omitempty"` // Retry: only devices with this fault code
	Now   bool     `json:"now,omitempty"`   // Retry: at once instead of after the policy's first delay
	To    *int     `json:"to,omitempty"`    // Priority: -9 to 9
}

// Controlled is what came of a command.
type Controlled struct {
	Job  jobs.Job `json:"job"`
	Said string   `json:"said"` // what was done and what comes next, in words
}

// Drop names the devices of a job that are to be cancelled.
type Drop struct {
	Devices []string `json:"devices"` // 1 to 1000 EIDs, ICCIDs or IMEIs
	Reason  string   `json:"reason"`
}

// Dropped is what became of one device that was to be cancelled.
type Dropped struct {
	ID    string `json:"id"`  // as it was given
	EID   string `json:"eid"` // empty: the job has no such device
	State string `json:"state"`
}

// LimitsChange sets those limits that are given: 2/s, 60000/min, a number of devices; 0: none; default: what the setting
// says.
type LimitsChange struct {
	Requests    string `json:"requests,omitempty"`
	Devices     string `json:"devices,omitempty"`
	MaxInFlight string `json:"max_in_flight,omitempty"`
	Reason      string `json:"reason"`
}

// Replayed is what a second try of parked callbacks did.
type Replayed struct {
	Matched int `json:"matched"`
	Tried   int `json:"tried"`
}

// ParkedIDs name parked callbacks.
type ParkedIDs struct {
	IDs []string `json:"ids,omitempty"`
}
