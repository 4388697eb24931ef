package jobs

import (
	"errors"
	"time"
)

// ErrWindowFull says that a job's window has sent all that it may.
var ErrWindowFull = errors.New("this window has sent its share")

// Quota bounds what is sent in one window of a job.
type Quota struct {
	Window time.Time // when it began
	Most   int64     // devices; 0: no bound
}
