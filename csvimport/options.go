package csvimport

import (
	"errors"
	"fmt"

	"github.com/simshift/simshift/jobs"
)

// Options say how a file is read. The zero value is usable if the file has an account column. The spool file takes some
// 160 bytes a row while the Fleet is open (250 with previous ICCIDs), and a copy of an input that can not seek.
type Options struct {
	Account   string // for rows without an account of their own
	Plan      string // for rows without a service plan of their own
	ChunkSize int    // most devices in a chunk, 1 to jobs.MaxChunk; 0 is jobs.MaxChunk
	Strict    bool   // a wrong check digit rejects the row instead of being a warning
	TempDir   string // where the spool file goes; empty is os.TempDir

	// Progress is told how far the reading is: bytes of the input and rows, both from its start. It is called from one
	// goroutine at a time, some thousand rows apart, and must not block. Nil is allowed.
	Progress func(bytes, rows int64)
}

// Errors of [Read] and [Fleet] that a caller may want to tell apart.
var (
	// ErrFile is a file that is no list of devices as a whole: no header, no rows, an unknown encoding.
	ErrFile = errors.New("not a list of devices")
	// ErrSpool is a spool file that can not be written: the disk is full, most often.
	ErrSpool = errors.New("spool file")
	// ErrChanged is an input that was not the same when it was read the second time.
	ErrChanged = errors.New("the file was changed while it was being imported; import it again")
)

// normalise fills in the defaults and checks the rest.
func (o Options) normalise() (Options, error) {
	if o.ChunkSize == 0 {
		o.ChunkSize = jobs.MaxChunk
	}
	if o.ChunkSize < 1 || o.ChunkSize > jobs.MaxChunk {
		return o, fmt.Errorf("the chunk size must be 1 to %d, not %d", jobs.MaxChunk, o.ChunkSize)
	}
	o.Account, o.Plan = cleanName(o.Account), cleanName(o.Plan)
	if !validName(o.Account) {
		return o, fmt.Errorf("the account %.40q must be at most %d characters, without control characters", o.Account, maxName)
	}
	if !validName(o.Plan) {
		return o, fmt.Errorf("the service plan %.40q must be at most %d characters, without control characters", o.Plan, maxName)
	}
	return o, nil
}
