package notify

import "time"

// News is what happened to a job. Its JSON is what receivers get.
type News struct {
	ID      string           `json:"id"` // the same whenever the same thing is told again, and never that of another
	Job     string           `json:"job"`
	Name    string           `json:"name"`
	State   string           `json:"state"` // of the job when this is sent, as are hold and counts
	Act     string           `json:"act"`   // what happened
	Words   string           `json:"words"`
	Who     string           `json:"who"`
	At      time.Time        `json:"at"`
	Hold    string           `json:"hold"` // why nothing is sent now; empty: no hold
	Devices int64            `json:"devices"`
	Counts  map[string]int64 `json:"counts"` // devices by state
}
