package jobs

import "time"

// Parked is a callback that fitted no known request, kept as it came.
type Parked struct {
	ID        string    `json:"id"`         // made from the raw text: the same callback has the same id
	At        time.Time `json:"at"`         // when it came
	Reason    string    `json:"reason"`     // why it is parked, in words
	RequestID string    `json:"request_id"` // the one it names
	EID       string    `json:"eid"`
	Raw       string    `json:"raw"` // without the credentials it came with
}
