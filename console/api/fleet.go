package api

import (
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// Order says what a fleet becomes. Texts are as a person writes them in the flags of `simshift import`, durations as 6h or
// 15m; what is left out has its default.
type Order struct {
	Name        string `json:"name,omitempty"`
	Target      string `json:"target"`                 // global or us
	Account     string `json:"account_name,omitempty"` // of rows without their own
	Plan        string `json:"service_plan,omitempty"` // of rows without their own
	RevertPlan  string `json:"revert_plan,omitempty"`
	Strict      bool   `json:"strict,omitempty"`
	SkipRejects bool   `json:"skip_rejects,omitempty"`
	Again       bool   `json:"again,omitempty"`
	Reason      string `json:"reason,omitempty"`

	BatchSize    int    `json:"batch_size,omitempty"`
	Attempts     int    `json:"attempts,omitempty"`
	AnswerWithin string `json:"answer_within,omitempty"`
	Backoff      string `json:"backoff,omitempty"`
	BackoffMax   string `json:"backoff_max,omitempty"`
	DoubtGrace   string `json:"doubt_grace,omitempty"`

	Start      string   `json:"start,omitempty"`
	Windows    []string `json:"windows,omitempty"`
	Zone       string   `json:"tz,omitempty"`
	PerWindow  int64    `json:"per_window,omitempty"`
	Waves      string   `json:"waves,omitempty"`
	Gate       string   `json:"gate,omitempty"`
	GateByHand bool     `json:"gate_by_hand,omitempty"`
	Brakes     []string `json:"brake,omitempty"`
	BrakeLast  int      `json:"brake_last,omitempty"`
	BrakeLeast int      `json:"brake_least,omitempty"`
	Priority   int      `json:"priority,omitempty"`
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
