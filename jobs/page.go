package jobs

// Which tells the entries of a list apart that are still under way.
type Which string

// What a list can be asked for.
const (
	Both      Which = ""
	OnlyOpen  Which = "open"
	OnlyEnded Which = "ended"
)

// BatchQuery asks for a part of a job's batches, the newest first.
type BatchQuery struct {
	After  int64 // the number of the last batch of the part before; 0: from the start
	Limit  int   // most batches, 1 or more
	Which  Which // [OnlyOpen]: those that hold open devices
	Oldest bool  // the oldest first
}
