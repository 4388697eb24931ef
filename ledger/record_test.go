package ledger

import (
	"encoding/binary"
	"testing"
	"time"
)

// FuzzDecodeRecord holds that a record is read from its own bytes alone, and nothing of it is lost but the spare ones.
func FuzzDecodeRecord(f *testing.F) {
	f.Add(make([]byte, recordSize))
	f.Add([]byte("\x01\x02\x03\x00\x69\xa4\xb0\x00\x00\x07\x00\x00\x00\x00\x01\x00"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xffmore"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < recordSize {
			return
		}
		r := decodeRecord(b)
		if r.changed.Location() != time.UTC || r.fault < 0 || r.batch < 0 || r.attempt < 0 {
			t.Errorf("%x is %+v", b, r)
		}
		own := []byte{byte(r.state), byte(r.reason), byte(r.attempt), b[3]}
		own = binary.BigEndian.AppendUint32(own, uint32(r.changed.Unix()))
		own = binary.BigEndian.AppendUint16(own, uint16(r.fault))
		own = append(own, b[10], b[11])
		own = binary.BigEndian.AppendUint32(own, uint32(r.batch))
		if string(own) != string(b[:recordSize]) {
			t.Errorf("%x is %+v, which is %x", b[:recordSize], r, own)
		}
	})
}
