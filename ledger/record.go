package ledger

import (
	"encoding/binary"
	"time"

	"github.com/simshift/simshift/jobs"
)

// recordSize is the length of a device's record; its layout is written in lua/prelude.lua.
const recordSize = 16

// record is a device's mutable part, decoded.
type record struct {
	state   jobs.State // inBatch: the batch knows
	reason  jobs.Reason
	attempt int // of this round
	past    int // attempts of earlier rounds
	changed time.Time
	fault   int
	batch   int64
}

func decodeRecord(b []byte) record {
	_ = b[recordSize-1]
	return record{
		state: jobs.State(b[0]), reason: jobs.Reason(b[1]), attempt: int(b[2]), past: int(b[10]),
		changed: time.Unix(int64(binary.BigEndian.Uint32(b[4:])), 0).UTC(),
		fault:   int(binary.BigEndian.Uint16(b[8:])),
		batch:   int64(binary.BigEndian.Uint32(b[12:])),
	}
}

// openIn tells whether the device is still open in that batch.
func (r record) openIn(batch int64) bool { return r.state == inBatch && r.batch == batch }
