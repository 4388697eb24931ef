package api

import (
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// Order says what a fleet becomes. Texts are as a person writes them in the flags of `simshift import`, durations as 6h or
// 15m; what is left out has its default.
type Order struct {
	Name        string `json:"name,omitempty"`         // the job's; else the file's
	Target      string `json:"target"`                 // global or us; a plan can do without
	Account     string `json:"account_name,omitempty"` // of rows without their own
	Plan        string `json:"service_plan,omitempty"` // of rows without their own
	RevertPlan  string `json:"revert_plan,omitempty"`  // the service plan for the way back
	Strict      bool   `json:"strict,omitempty"`       // wrong check digits reject a row
	SkipRejects bool   `json:"skip_rejects,omitempty"` // go on without the rows that are rejected
	Again       bool   `json:"again,omitempty"`        // even if the file is a job already
	Reason      string `json:"reason,omitempty"`       // for those who ask later

	BatchSize    int    `json:"batch_size,omitempty"`    // most devices in one request, 1 to 10,000
	Attempts     int    `json:"attempts,omitempty"`      // most attempts a device, 1 to 100
	AnswerWithin string `json:"answer_within,omitempty"` // how long a callback may take before the device is unanswered
	Backoff      string `json:"backoff,omitempty"`       // before the second attempt; doubles with each further one
	BackoffMax   string `json:"backoff_max,omitempty"`   // the longest such delay
	DoubtGrace   string `json:"doubt_grace,omitempty"`   // how long a request of unknown outcome counts as in flight

	Start      string   `json:"start,omitempty"`        // not before: RFC 3339, 22:00, or tomorrow 22:00
	Windows    []string `json:"windows,omitempty"`      // when it may send, as 22:00-05:00 or mon-fri 22:00-05:00
	Zone       string   `json:"tz,omitempty"`           // of these times, as America/Chicago; else the server's
	PerWindow  int64    `json:"per_window,omitempty"`   // most devices sent in one window
	Waves      string   `json:"waves,omitempty"`        // parts that go one after the other, as 100,5%,100%
	Gate       string   `json:"gate,omitempty"`         // least part of a wave that must have succeeded before the next, as 95%
	GateByHand bool     `json:"gate_by_hand,omitempty"` // a person opens each wave
	Brakes     []string `json:"brake,omitempty"`        // the rate of failures that pauses the job, as 10%, or CODE=2% for one fault
	BrakeLast  int      `json:"brake_last,omitempty"`   // how many answers a brake looks at, 1 to 1,000,000
	BrakeLeast int      `json:"brake_least,omitempty"`  // how many there must be before it judges
	Priority   int      `json:"priority,omitempty"`     // of two jobs the higher one sends first, -9 to 9
}

// RevertOrder says how a job is moved back. Its target, accounts and plan are the job's to decide, and so is all of the
// policy that is not given.
type RevertOrder struct {
	Order

	OnlyKnown bool `json:"only_known,omitempty"` // leave out devices whose former profile is not known
}

// UploadOrder is an order for an upload.
type UploadOrder struct {
	Order

	Upload string `json:"upload"`
}

// Upload is a fleet that was taken in.
type Upload struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Size    int64     `json:"bytes"`
	SHA256  string    `json:"sha256"`
	Expires time.Time `json:"expires_at"`
}

// Plan is what an import would do.
type Plan struct {
	Rows       int64            `json:"rows"`
	Devices    int64            `json:"devices"`
	Duplicates int64            `json:"duplicates"`
	Rejected   int64            `json:"rejected"`
	Rejects    map[string]int64 `json:"rejects"`
	Warnings   map[string]int64 `json:"warnings"`
	Groups     []GroupPlan      `json:"groups"`
	Batches    int64            `json:"batches"`
	HeldBy     []string         `json:"held_by"` // unfinished jobs that hold some of these devices
	ImportedAs string           `json:"imported_as"`
	SHA256     string           `json:"sha256"`
	Limits     ratelimit.Limits `json:"limits"`
	Least      string           `json:"least_duration"` // of sending everything once, by the limits
	Reckoning  string           `json:"reckoning"`      // how that comes about
	Waves      []int64          `json:"waves"`          // after how many devices each ends
	Starts     time.Time        `json:"starts"`         // the first moment at which anything is sent
	Ends       *time.Time       `json:"ends"`           // the earliest end of sending everything once; null: beyond ten years
	Windows    int              `json:"windows"`        // how many it takes until then
	Schedule   string           `json:"schedule"`       // in words
	Advice     []string         `json:"advice"`         // what a careful person would do otherwise
}

// GroupPlan is what becomes of the devices of one account and plan.
type GroupPlan struct {
	jobs.Group

	Devices int64 `json:"devices"`
	Batches int64 `json:"batches"`
}
