package api

import (
	"time"

	"github.com/simshift/simshift/jobs"
)

// Report is what there is to know of a job in the morning. Its JSON is the contract of `jobs report -o json`.
type Report struct {
	Headline string      `json:"headline"`
	MadeAt   time.Time   `json:"made_at"`
	Job      jobs.Job    `json:"job"` // as in `jobs show -o json`
	Counts   jobs.Counts `json:"counts"`
	Moved    int64       `json:"moved"`
	NotMoved int64       `json:"not_moved"` // settled otherwise
	Open     int64       `json:"open"`      // not settled yet

	NeedsPerson []Concern      `json:"needs_a_person"` // the most urgent first
	Faults      []FaultCount   `json:"faults"`         // why devices did not move, or wait; the most frequent first
	OtherFaults int64          `json:"other_faults"`   // devices of further faults, beyond the 1,000 that are told apart
	Accounts    []AccountCount `json:"accounts"`
	Others      AccountCount   `json:"other_accounts"` // the sum of those beyond 1,000
	Waves       []WaveCount    `json:"waves"`
	Attempts    []AttemptCount `json:"attempts"`
	Settling    Settling       `json:"settling"`
	Slowest     []DeviceLine   `json:"slowest"`
	MostTried   []DeviceLine   `json:"most_tried"`
	Pace        Pace           `json:"pace"`
	Timeline    Timeline       `json:"timeline"`
	Log         []jobs.Entry   `json:"log"`         // the newest 100 entries, the oldest of them first
	LogOmitted  int            `json:"log_omitted"` // earlier ones
	Next        []NextCommand  `json:"next_commands"`
}

// Concern is something that a person should look at.
type Concern struct {
	Job      string   `json:"job,omitempty"`  // in an overview: the job it is about, if it is about one
	Name     string   `json:"name,omitempty"` // of that job
	Title    string   `json:"title"`
	Devices  int64    `json:"devices"` // 0: it is about the job as a whole
	Code     string   `json:"code,omitempty"`
	Meaning  string   `json:"meaning"`
	Advice   string   `json:"advice"`
	Commands []string `json:"commands"`
}

// FaultCount is how many devices have one fault in one state.
type FaultCount struct {
	State    jobs.State  `json:"state"`
	Reason   jobs.Reason `json:"reason"`
	Code     string      `json:"code"`
	Text     string      `json:"text"` // the carrier's words for the first of them
	Devices  int64       `json:"devices"`
	Accounts []InAccount `json:"accounts"` // the 20 with the most

	Explanation jobs.Explanation `json:"explanation"`
}

// InAccount is how many devices of one account there are.
type InAccount struct {
	Account string `json:"account_name"`
	Devices int64  `json:"devices"`
}

// AccountCount is how an account did.
type AccountCount struct {
	Account  string `json:"account_name"`
	Devices  int64  `json:"devices"`
	Moved    int64  `json:"moved"`
	NotMoved int64  `json:"not_moved"`
	Open     int64  `json:"open"`
}

// WaveCount is how a wave did. Devices of it that were never put into a request are in none of the counts.
type WaveCount struct {
	Wave     int   `json:"wave"` // from 1
	Devices  int64 `json:"devices"`
	Moved    int64 `json:"moved"`
	NotMoved int64 `json:"not_moved"`
	Open     int64 `json:"open"`
}

// AttemptCount is how many devices took so many attempts.
type AttemptCount struct {
	Attempts int   `json:"attempts"` // 0: never sent
	Devices  int64 `json:"devices"`
	Moved    int64 `json:"moved"`
}

// Settling is how long devices took from the first request for them to their end; cancelled ones are left out.
type Settling struct {
	Devices int64  `json:"devices"` // of which it is known
	Median  int64  `json:"median_seconds"`
	P90     int64  `json:"p90_seconds"`
	P99     int64  `json:"p99_seconds"`
	Longest int64  `json:"longest_seconds"`
	Bands   []Band `json:"bands"`
}

// Band is the devices that took less than so long, and not less than the band before it.
type Band struct {
	Below   int64 `json:"below_seconds"` // 0: the last band has no end
	Devices int64 `json:"devices"`
}

// DeviceLine is a single device.
type DeviceLine struct {
	Row      uint32      `json:"row"`
	EID      string      `json:"eid"`
	ICCID    string      `json:"iccid"`
	Account  string      `json:"account_name"`
	State    jobs.State  `json:"state"`
	Reason   jobs.Reason `json:"reason"`
	Fault    jobs.Fault  `json:"fault"`
	Attempts int         `json:"attempts"`
	SentAt   *time.Time  `json:"first_sent_at"`
	Settled  *time.Time  `json:"settled_at"`
	Seconds  int64       `json:"seconds"` // between these two, where both are known
}

// Pace is how fast the job went.
type Pace struct {
	Seconds   int64      `json:"seconds"`            // from the job's start to its end, or until now
	PerMinute int64      `json:"settled_per_minute"` // over the minutes in which any device settled
	Peak      int64      `json:"peak_per_minute"`
	PeakAt    *time.Time `json:"peak_at"`
}

// Timeline is the night in at most 200 steps of equal length.
type Timeline struct {
	Step int64         `json:"step_seconds"`
	Bars []jobs.Minute `json:"bars"` // how many devices entered each state in the step that begins then; no step is left out
}

// NextCommand is something to run next.
type NextCommand struct {
	Why  string `json:"why"`
	Line string `json:"command"`
}
