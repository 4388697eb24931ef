package api

import (
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// PageQuery asks for a part of a list.
type PageQuery struct {
	After string // the Next of the page before; empty: from the start
	Limit int    // most entries, 1 to 1000; 0: 50
}

// MostLimit is the most entries of a page, and usualLimit how many there are where nobody says.
const (
	MostLimit  = 1000
	usualLimit = 50
)

// Limited is the limit within its bounds.
func (q PageQuery) Limited() int {
	if q.Limit <= 0 {
		return usualLimit
	}
	return min(q.Limit, MostLimit)
}

// JobsQuery asks for jobs, the newest first.
type JobsQuery struct {
	PageQuery

	Which string // open, ended; empty: both
}

// JobPage is a part of the list of jobs.
type JobPage struct {
	Jobs []jobs.Job `json:"jobs"`
	Next string     `json:"next,omitempty"` // empty: there are no more
}

// BatchesQuery asks for batches of a job, the newest first.
type BatchesQuery struct {
	PageQuery

	Open bool // only those that hold open devices
}

// BatchPage is a part of a job's batches.
type BatchPage struct {
	Batches []Batch `json:"batches"`
	Next    string  `json:"next,omitempty"`
}

// Batch is a batch with the names of its group.
type Batch struct {
	jobs.Batch

	Account string `json:"account_name"`
	Plan    string `json:"service_plan"`
}

// ParkedPage is a part of the parked callbacks, the oldest first.
type ParkedPage struct {
	Parked []jobs.Parked `json:"parked"`
	Total  int64         `json:"total"`
	Next   string        `json:"next,omitempty"`
}

// Overview is the fleet at a glance.
type Overview struct {
	At       time.Time   `json:"at"`
	Devices  int64       `json:"devices"` // of all jobs that have not ended
	Counts   jobs.Counts `json:"counts"`  // of these
	Running  []jobs.Job  `json:"running"` // not held; the newest first
	Held     []jobs.Job  `json:"held"`    // paused, or waiting for something
	Ended    []jobs.Job  `json:"ended"`   // the latest ten
	Concerns []Concern   `json:"needs_a_person"`
	Parked   int64       `json:"parked"`
	Limits   *Limits     `json:"limits"`
	Health   *Health     `json:"health"`
}

// Progress is how a job goes, without a look at its devices.
type Progress struct {
	Job      jobs.Job         `json:"job"`
	Timeline Timeline         `json:"timeline"`
	Settling Settling         `json:"settling"`
	Settled  []SettledIn      `json:"settled"` // how long devices took, over the night
	Waves    []WaveCount      `json:"waves"`
	Faults   []FaultCount     `json:"faults"` // the most frequent first
	Holds    []ratelimit.Hold `json:"holds"`  // that concern the job's accounts
	Pace     Pace             `json:"pace"`
	Concerns []Concern        `json:"needs_a_person"`
}

// SettledIn is how long the devices took that settled in a stretch of time, from their request to their end.
type SettledIn struct {
	At      time.Time `json:"at"`      // where the stretch begins
	Seconds int64     `json:"seconds"` // how long it is
	Devices int64     `json:"devices"`
	Median  int64     `json:"median_seconds"` // the end of the band that holds it
	P90     int64     `json:"p90_seconds"`
}

// Health is how the deployment's parts are.
type Health struct {
	Workers []Worker `json:"workers"`
	Queues  []Queue  `json:"queues"`
	Redis   Redis    `json:"redis"`
	Login   string   `json:"login_hold,omitempty"` // why nobody logs in at the carrier; empty: nothing keeps them
	Losses  []string `json:"losses"`               // what Redis lost and was written again
	Oldest  *Oldest  `json:"oldest_unanswered"`    // null: nothing is in flight
}

// Worker is a process that does the jobs' work. A dead one is listed for some seconds.
type Worker struct {
	Host        string    `json:"host"`
	PID         int       `json:"pid"`
	StartedAt   time.Time `json:"started_at"`
	Active      int       `json:"active"` // tasks it does now
	Concurrency int       `json:"concurrency"`
}

// Queue is a queue of tasks.
type Queue struct {
	Name      string  `json:"name"`
	Pending   int     `json:"pending"`
	Active    int     `json:"active"`
	Scheduled int     `json:"scheduled"`
	Retry     int     `json:"retry"`
	Oldest    float64 `json:"oldest_pending_seconds"`
	Paused    bool    `json:"paused"`
}

// Redis is how Redis is.
type Redis struct {
	Version string `json:"version"`
	Memory  int64  `json:"used_bytes"`
	Most    int64  `json:"max_bytes"`   // 0: no bound
	AOF     string `json:"appendfsync"` // always, everysec, no; empty: nothing is kept on disk, or it is not known
}

// Oldest is the request that waits longest for its callbacks.
type Oldest struct {
	Job       string    `json:"job"`
	Batch     int64     `json:"batch"`
	RequestID string    `json:"request_id"`
	SentAt    time.Time `json:"sent_at"`
	DueAt     time.Time `json:"due_at"`
	Open      int       `json:"open"`
}

// Limits are those in force, of the deployment or of a job.
type Limits struct {
	Job  string `json:"job,omitempty"` // empty: of the deployment
	Name string `json:"name,omitempty"`
	ratelimit.Status
	Settings   ratelimit.Limits  `json:"settings,omitzero"`    // what the limits are where none are set by hand
	Deployment *ratelimit.Limits `json:"deployment,omitempty"` // which hold for the job, too
	Jobs       []LimitedJob      `json:"jobs,omitempty"`       // unfinished ones with limits of their own
}

// LimitedJob is an unfinished job with limits of its own.
type LimitedJob struct {
	Job    string           `json:"job"`
	Name   string           `json:"name"`
	Limits ratelimit.Limits `json:"limits"`
}

// Device is one device in one job.
type Device struct {
	Job       string      `json:"job"`
	Name      string      `json:"name"`
	Row       uint32      `json:"row"`
	EID       string      `json:"eid"`
	ICCID     string      `json:"iccid"`
	IMEI      string      `json:"imei"`
	Account   string      `json:"account_name"`
	Plan      string      `json:"service_plan"`
	State     jobs.State  `json:"state"`
	Reason    jobs.Reason `json:"reason"`
	Attempts  int         `json:"attempts"`
	Fault     jobs.Fault  `json:"fault"`
	Batch     int64       `json:"batch"`
	RequestID string      `json:"request_id"`
	SettledAt *time.Time  `json:"settled_at"`
	NextAt    *time.Time  `json:"next_attempt_at"`

	Story []jobs.Chapter `json:"story"` // every attempt, warning and decision about it, the oldest first
	Log   []jobs.Entry   `json:"log"`   // what was done to its job
}

// ResultsQuery says which devices of a job are written, and how.
type ResultsQuery struct {
	States      []string // in these; empty: in any
	Faults      []string // with one of these fault codes, whole or from one of their dots on
	Accounts    []string // of these
	MinAttempts int      // with so many attempts at least
	JSON        bool     // one object a line; else CSV
}

// Result is a line of results as JSON. Its names are those of the CSV's columns.
type Result struct {
	Row       uint32      `json:"row"`
	EID       string      `json:"eid"`
	ICCID     string      `json:"iccid"`
	IMEI      string      `json:"imei"`
	Account   string      `json:"account_name"`
	Plan      string      `json:"service_plan"`
	State     jobs.State  `json:"state"`
	Reason    jobs.Reason `json:"reason"`
	Attempts  int         `json:"attempts"`
	Fault     string      `json:"fault"`
	FaultText string      `json:"fault_text"`
	RequestID string      `json:"request_id"`
	SettledAt *time.Time  `json:"settled_at"` // null while the device is not settled
}

// Me is who asks, by the token.
type Me struct {
	Name string `json:"name"`
	Role string `json:"role"` // viewer, operator, approver
}
