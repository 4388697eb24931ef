package ledger

import (
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// Ledger is the books of all jobs. It is safe for use by many goroutines and many processes at once.
type Ledger struct {
	rdb redis.UniversalClient
	now func() time.Time

	// specs holds what an import fixed and nothing changes: it is read once a process.
	specs sync.Map // job id -> *spec
}

// New gives the ledger in rdb. now is the clock; all times of the books come from it.
func New(rdb redis.UniversalClient, now func() time.Time) *Ledger {
	return &Ledger{rdb: rdb, now: now}
}

func notFound(job string) error { return fmt.Errorf("job %s: %w", job, jobs.ErrNotFound) }
