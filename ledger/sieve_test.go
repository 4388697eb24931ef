package ledger

import (
	"testing"

	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/jobs"
)

// A sieve lets through every device that is there, and few others, whatever the chunk's size.
func TestASieveLetsThroughWhatIsThereAndLittleElse(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 500, jobs.MaxChunk} {
		devices := make([]jobs.Device, size)
		for i := range devices {
			devices[i] = packedDevice(t, i)
		}
		sieve := sieveOf(devices)
		through := func(identity []byte) bool {
			for _, hash := range hashes(identity) {
				bit := int(hash) % (8 * len(sieve))
				if sieve[bit/8]&(0x80>>(bit%8)) == 0 {
					return false
				}
			}
			return true
		}
		for i := range devices {
			if d := &devices[i]; !through(d.EID[:]) || !through(d.ICCID[:]) || !through(d.IMEI[:]) {
				t.Fatalf("device %d of %d is kept back", i, size)
			}
		}
		const strangers = 2000
		wrong := 0
		for i := range strangers {
			if d := packedDevice(t, size+i); through(d.EID[:]) {
				wrong++
			}
		}
		if wrong > strangers/20 {
			t.Errorf("of %d strangers, %d come through among %d devices", strangers, wrong, size)
		}
	}
}

func packedDevice(t *testing.T, i int) (d jobs.Device) {
	t.Helper()
	made := madeup.Device(i)
	var err error
	for _, parse := range []func() error{
		func() error { d.EID, err = jobs.ParseEID(made.EID); return err },
		func() error { d.ICCID, err = jobs.ParseICCID(made.ICCID); return err },
		func() error { d.IMEI, err = jobs.ParseIMEI(made.IMEI); return err },
	} {
		if err := parse(); err != nil {
			t.Fatal(err)
		}
	}
	return d
}
