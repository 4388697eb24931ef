package jobs

import "encoding/binary"

// MaxChunk is the most devices in one chunk of a roster, and in one request to the carrier.
const MaxChunk = 10_000

// DeviceSize is the length of a packed [Device] in bytes.
const DeviceSize = 16 + 10 + 8 + 4

// Device is one row of a roster: the eUICC, the profile to enable on it, its modem, and the CSV row it came from
// (1 is the first row below the header).
type Device struct {
	EID      EID
	ICCID    ICCID
	Previous ICCID // the profile that is enabled before the job; zero: not known. No part of the packed form
	IMEI     IMEI
	Row      uint32
}

// AppendBinary appends the packed form, [DeviceSize] bytes: eid, iccid, imei, row (big endian).
func (d *Device) AppendBinary(dst []byte) []byte {
	dst = append(dst, d.EID[:]...)
	dst = append(dst, d.ICCID[:]...)
	dst = append(dst, d.IMEI[:]...)
	return binary.BigEndian.AppendUint32(dst, d.Row)
}

// DecodeDevice reads the packed form; src must hold at least [DeviceSize] bytes.
func DecodeDevice(src []byte) (d Device) {
	_ = src[DeviceSize-1]
	copy(d.EID[:], src)
	copy(d.ICCID[:], src[16:])
	copy(d.IMEI[:], src[26:])
	d.Row = binary.BigEndian.Uint32(src[34:])
	return d
}

// Place is where a device stands in its job's roster: its chunk and its position in the chunk. It fits 32 bits, so a
// list of devices costs four bytes each: 18 bits of chunk, 14 of position.
type Place uint32

// MaxChunks is the most chunks a roster can have.
const MaxChunks = 1 << 18

// PlaceAt is the place of the pos-th device (from 0) of a chunk (from 0).
func PlaceAt(chunk, pos int) Place { return Place(chunk)<<14 | Place(pos) } //nolint:gosec // bounded by MaxChunks, MaxChunk

// Chunk is the number of the chunk, from 0.
func (p Place) Chunk() int { return int(p >> 14) }

// Pos is the position in the chunk, from 0.
func (p Place) Pos() int { return int(p & (1<<14 - 1)) }

// Group is what the devices of one request have in common.
type Group struct {
	Account string `json:"account_name"`
	Plan    string `json:"service_plan"`
}

// Chunk is a part of a roster: devices of one group, in the order of their rows.
type Chunk struct {
	Number int // from 0, without gaps
	Group  int // index into the job's groups
	Size   int // devices in it, 1 to MaxChunk
}
