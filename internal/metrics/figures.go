package metrics

import (
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// Figures is what all processes of a deployment share, at a moment.
type Figures struct {
	Jobs      []Job              // those that are told singly
	LeftOut   int                // how many more there are that should be
	Phases    map[jobs.Phase]int // every job that is kept, by its phase
	Limits    ratelimit.Status   // of all workers
	LoginHeld bool               // nobody logs in at the carrier any more
	Queues    []Queue
	Workers   int       // that are alive
	Parked    int64     // callbacks
	ParkedAt  time.Time // when the oldest of them came; zero: there is none
	InDoubt   int64     // batches sent whose request id is not known
	Losses    int       // of Redis, in the last week
}

// Job is a job, and what is not in its record.
type Job struct {
	jobs.Job
	Oldest   time.Time // when the batch was sent that has been waiting longest for callbacks; zero: none waits
	InWindow bool      // its start and its windows let it send now
}

// Queue is how one queue stands.
type Queue struct {
	Name    string
	Tasks   map[string]int // by state
	Latency time.Duration  // how long the next task has been waiting
}
