package jobs

import "time"

// FaultCount is how many devices of a job stand in one state for one reason, with one of the carrier's codes beside it.
type FaultCount struct {
	State   State  `json:"state"`
	Reason  Reason `json:"reason"`
	Code    string `json:"code"` // empty: the carrier gave none
	Text    string `json:"text"` // the carrier's words that the job met first
	Devices int64  `json:"devices"`
}

// SettleBands are the ends, in seconds, of the bands by which it is counted how long devices took. What took longer is in a
// last band without an end.
var SettleBands = []int64{
	1, 2, 5, 10, 20, 30, 60, 2 * 60, 3 * 60, 5 * 60, 10 * 60, 15 * 60, 30 * 60,
	3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600,
}

// SettleTimes is how long the devices took that settled in a stretch of a job's life: from the request that their end came from
// to that end. Cancelled devices are left out; one that settles again, by a late success or another round, counts again.
type SettleTimes struct {
	At      time.Time `json:"at"`      // where the stretch begins
	Seconds int64     `json:"seconds"` // how long it is
	Bands   []int64   `json:"bands"`   // devices in each of [SettleBands], and in the last band
}

// Devices is how many devices settled.
func (s SettleTimes) Devices() (n int64) {
	for _, devices := range s.Bands {
		n += devices
	}
	return n
}

// Quantile is the end of the band, in seconds, that so many of a hundred devices do not exceed: the end of the last one but one
// where they do, and 0 where none settled.
func (s SettleTimes) Quantile(percent int64) int64 {
	seen, due := int64(0), (s.Devices()*percent+99)/100
	if due == 0 {
		return 0
	}
	for i, devices := range s.Bands {
		if seen += devices; seen >= due && i < len(SettleBands) {
			return SettleBands[i]
		}
	}
	return SettleBands[len(SettleBands)-1]
}

// Add takes in the devices of another stretch.
func (s *SettleTimes) Add(other SettleTimes) {
	if s.Bands == nil {
		s.Bands = make([]int64, len(SettleBands)+1)
	}
	for i, devices := range other.Bands {
		s.Bands[i] += devices
	}
}

// WaveCount is how a wave did. Devices of it that were never put into a batch are in none of its counts.
type WaveCount struct {
	Wave     int   `json:"wave"`      // from 1
	Devices  int64 `json:"devices"`   // it is to have
	Moved    int64 `json:"moved"`     // succeeded
	NotMoved int64 `json:"not_moved"` // settled otherwise
	Open     int64 `json:"open"`      // not settled yet
}
