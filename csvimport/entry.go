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

// entrySize is the length of a packed entry: the device's packed form, then the group.
const entrySize = jobs.DeviceSize + 2

func (e *entry) append(dst []byte) []byte {
	return binary.BigEndian.AppendUint16(e.AppendBinary(dst), e.group)
}

func decodeEntry(src []byte) entry {
	return entry{Device: jobs.DecodeDevice(src), group: binary.BigEndian.Uint16(src[jobs.DeviceSize:])}
}

// packed is an entry in its packed form.
type packed []byte

func (p packed) eid() []byte   { return p[0:16] }
func (p packed) iccid() []byte { return p[16:26] }
func (p packed) imei() []byte  { return p[26:34] }

func (p packed) row() uint32         { return binary.BigEndian.Uint32(p[34:]) }
func (p packed) group() uint16       { return binary.BigEndian.Uint16(p[38:]) }
func (p packed) setGroup(to uint16)  { binary.BigEndian.PutUint16(p[38:], to) }
func (p packed) device() jobs.Device { return jobs.DecodeDevice(p) }

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
