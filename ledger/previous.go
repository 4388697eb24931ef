package ledger

import (
	"context"
	"fmt"

	"github.com/simshift/simshift/jobs"
)

// previousSize is the length of a packed ICCID in a chunk's previous ICCIDs.
const previousSize = len(jobs.ICCID{})

// packPrevious gives the previous ICCIDs of devices in their packed form, or nil where none has one.
func packPrevious(devices []jobs.Device) []byte {
	var packed []byte
	for i := range devices {
		if !devices[i].Previous.Known() {
			continue
		}
		if packed == nil {
			packed = make([]byte, len(devices)*previousSize)
		}
		copy(packed[i*previousSize:], devices[i].Previous[:])
	}
	return packed
}

// Moved gives every device of a job that has succeeded to yield, in the order of the CSV's rows, in constant memory, with
// its previous ICCID where the CSV told it.
func (l *Ledger) Moved(ctx context.Context, job string, yield func(*jobs.Outcome) error) error {
	return l.outcomes(ctx, job, true, func(o *jobs.Outcome) error {
		if o.State != jobs.Succeeded {
			return nil
		}
		return yield(o)
	})
}

// readPrevious reads the previous ICCIDs of size positions of a chunk; none where no device of the chunk has one.
func (l *Ledger) readPrevious(ctx context.Context, job string, chunk, from, size int) ([]byte, error) {
	first, last := int64(from*previousSize), int64((from+size)*previousSize-1)
	previous, err := l.rdb.GetRange(ctx, previousKey(job, chunk), first, last).Bytes()
	if err != nil {
		return nil, fmt.Errorf("read previous ICCIDs of chunk %d: %w", chunk, err)
	}
	if len(previous) != 0 && len(previous) != size*previousSize {
		return nil, fmt.Errorf("previous ICCIDs of chunk %d of job %s are cut short: %d bytes of %d", chunk, job, len(previous),
			size*previousSize)
	}
	return previous, nil
}
