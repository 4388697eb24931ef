package csvimport

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/simshift/simshift/jobs"
)

// entry is a row that is well formed: a device, as far as the row alone can tell, and its group.
type entry struct {
	jobs.Device
	group uint16
}

// entrySize is the length of a packed entry: the device's packed form, then the group. Where the file has a column for
// the previous profile, that comes behind it.
const (
	entrySize    = jobs.DeviceSize + 2
	previousSize = len(jobs.ICCID{})
)

// append packs an entry; previous tells whether the file has that column.
func (e *entry) append(dst []byte, previous bool) []byte {
	dst = binary.BigEndian.AppendUint16(e.AppendBinary(dst), e.group)
	if previous {
		dst = append(dst, e.Previous[:]...)
	}
	return dst
}

func decodeEntry(src packed) entry { return entry{Device: src.device(), group: src.group()} }

// packed is an entry in its packed form.
type packed []byte

func (p packed) eid() []byte   { return p[0:16] }
func (p packed) iccid() []byte { return p[16:26] }
func (p packed) imei() []byte  { return p[26:34] }

func (p packed) row() uint32        { return binary.BigEndian.Uint32(p[34:]) }
func (p packed) group() uint16      { return binary.BigEndian.Uint16(p[38:]) }
func (p packed) setGroup(to uint16) { binary.BigEndian.PutUint16(p[38:], to) }

// previous is zero in a file without that column.
func (p packed) previous() (id jobs.ICCID) {
	copy(id[:], p[entrySize:])
	return id
}

func (p packed) device() jobs.Device {
	d := jobs.DecodeDevice(p)
	d.Previous = p.previous()
	return d
}

// bucketCount is how many buckets rows are distributed over by EID, ICCID or IMEI: 40,000 rows in each for ten million.
const bucketCount = 256

// bucketOf spreads identities evenly, and in a way that no file can be made for: the seed is the process's secret.
func bucketOf(seed maphash.Seed, id []byte) uint32 {
	return uint32(maphash.Bytes(seed, id) % bucketCount) // below bucketCount
}

// bits is a set of rows.
type bits []uint64

func newBits(rows int64) bits { return make(bits, rows/64+1) }

func (b bits) has(row uint32) bool { return b[row/64]>>(row%64)&1 == 1 }
func (b bits) set(row uint32)      { b[row/64] |= 1 << (row % 64) }
