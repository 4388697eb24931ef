package jobs

// FaultCount is how many devices of a job stand in one state for one reason, with one of the carrier's codes beside it.
type FaultCount struct {
	State   State  `json:"state"`
	Reason  Reason `json:"reason"`
	Code    string `json:"code"` // empty: the carrier gave none
	Text    string `json:"text"` // the carrier's words that the job met first
	Devices int64  `json:"devices"`
}
