package api

import (
	"time"

	"github.com/simshift/simshift/jobs"
)

// Tick is how a job stands at a moment. It goes over server-sent events, as an event named job, whenever something of it has
// changed: at most once a second for a job, however fast its callbacks come.
type Tick struct {
	At         time.Time   `json:"at"`
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	State      jobs.Phase  `json:"state"`
	Hold       string      `json:"hold"`
	PausedBy   string      `json:"paused_by,omitempty"`
	Devices    int64       `json:"devices"`
	Counts     jobs.Counts `json:"counts"`
	Attempts   int64       `json:"attempts"`
	Repeats    int64       `json:"repeats"`
	Batches    int64       `json:"batches"`
	Requests   int64       `json:"requests"`
	Callbacks  int64       `json:"callbacks"`
	Wave       int         `json:"wave,omitempty"`
	Opened     int64       `json:"opened,omitempty"`
	FinishedAt *time.Time  `json:"finished_at"`
	ETA        *time.Time  `json:"eta"`
}

// TickOf is how a job stands.
func TickOf(job *jobs.Job, at time.Time) Tick {
	return Tick{
		At: at, ID: job.ID, Name: job.Name, State: job.State, Hold: job.Hold, PausedBy: job.PausedBy, Devices: job.Devices,
		Counts: job.Counts, Attempts: job.Attempts, Repeats: job.Repeats, Batches: job.Batches, Requests: job.Requests,
		Callbacks: job.Callbacks, Wave: job.Wave, Opened: job.Opened, FinishedAt: job.FinishedAt, ETA: job.ETA,
	}
}
