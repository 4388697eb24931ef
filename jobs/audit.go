package jobs

import "time"

// Entry is an act of a person or a decision of the program, in a job's log.
type Entry struct {
	At    time.Time `json:"at"`
	Who   string    `json:"who"`   // a person's name; or "gate", "brake", "simshift"
	From  string    `json:"from"`  // the machine a person was at; empty for the program's own decisions
	Act   string    `json:"act"`   // one of [ActImported] and its like
	Words string    `json:"words"` // what was decided, and the reason given
}

// The acts there are. The scripts write [ActBraked] and [ActFinished], in these words.
const (
	ActImported   = "imported"
	ActApproval   = "awaits approval"
	ActApproved   = "approved"
	ActPaused     = "paused"
	ActResumed    = "resumed"
	ActCancelled  = "cancelled"
	ActDropped    = "devices cancelled"
	ActRetried    = "retried"
	ActReverted   = "reverted"
	ActPriority   = "priority"
	ActLimits     = "limits"
	ActWaveOpened = "wave opened"
	ActGate       = "held at the gate"
	ActBraked     = "braked"
	ActHeld       = "held" // the carrier, or what the program knows of it, stopped the sending for a while
	ActFinished   = "finished"
)

// Who paused a job, and so who may let it go on.
const (
	ByPerson   = "person"
	ByGate     = "gate"
	ByBrake    = "brake"
	ByApproval = "approval" // it waits for a second person
)
