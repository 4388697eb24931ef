package csvimport

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"testing"

	"github.com/gocarina/gocsv"

	"github.com/simshift/simshift/jobs"
)

// fleetText is a file of distinct devices over a number of interleaved accounts, with right check digits.
func fleetText(rows, accounts int) []byte {
	text := bytes.NewBuffer(make([]byte, 0, rows*110+100))
	text.WriteString(standard)
	for i := range rows {
		appendRow(text, i, accounts)
	}
	return text.Bytes()
}

// appendRow writes one row, quicker than eid, iccid and imei would.
func appendRow(text *bytes.Buffer, i, accounts int) {
	body := uint64(i)                  // never negative
	const high = 8904903212345123 % 97 // of the EID's first 16 digits
	remainder := (high*pow10(16) + body*100) % 97
	fmt.Fprintf(text, "8904903212345123%014d%02d,8914139078%09d%d,49015420%06d%d,ACCOUNT-%05d,GLOBAL-PLAN\n",
		body, (98-remainder)%97, body, luhn(8914139078*pow10(9)+body), body%1_000_000,
		luhn(49015420*pow10(6)+body%1_000_000), i%accounts)
}

// pow10 is a power of ten modulo 97 where it is large enough to matter.
func pow10(n int) uint64 {
	power := uint64(1)
	for range n {
		power *= 10
	}
	return power
}

// luhn is the check digit for a number without one.
func luhn(n uint64) uint64 {
	sum := uint64(0)
	for double := true; n > 0; double = !double {
		digit := n % 10
		if double {
			digit = digit*2%10 + digit/5
		}
		sum, n = sum+digit, n/10
	}
	return (10 - sum%10) % 10
}

func TestBenchmarkFilesAreClean(t *testing.T) {
	r := readFrom(t, bytes.NewReader(fleetText(5000, 7)), Options{})
	if r.Devices != 5000 || len(r.Groups) != 7 || len(r.Warnings) != 0 {
		t.Errorf("%+v", r.Summary)
	}
}

// rowAllocations is how many allocations a row may cost: gocsv makes all but a part of one.
const rowAllocations = 11

func TestARowAllocatesNoMoreThanItDid(t *testing.T) { //nolint:paralleltest // it counts allocations
	const rows = 20_000
	text, folder := fleetText(rows, 10), t.TempDir()
	n := testing.AllocsPerRun(2, func() {
		fleet, err := Read(t.Context(), bytes.NewReader(text), "", Options{TempDir: folder})
		if err != nil {
			t.Fatal(err)
		}
		_ = fleet.Close()
	})
	if n/rows > rowAllocations {
		t.Errorf("a row makes %.2f allocations, and may make %d", n/rows, rowAllocations)
	}
}

// BenchmarkRead reads a million rows and hands out their devices: both phases.
func BenchmarkRead(b *testing.B) {
	const rows = 1_000_000
	for _, accounts := range []int{1, 1000} {
		text := fleetText(rows, accounts)
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fleet, err := Read(b.Context(), bytes.NewReader(text), "", Options{TempDir: b.TempDir()})
				if err != nil {
					b.Fatal(err)
				}
				handed := 0
				err = fleet.Chunks(b.Context(), func(_ jobs.Chunk, devices []jobs.Device) error {
					handed += len(devices)
					return nil
				})
				if err != nil || handed != rows {
					b.Fatalf("%d devices, %v", handed, err)
				}
				if err := fleet.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkYardstick reads the same file by gocsv alone, in its two ways, without a check or a copy.
func BenchmarkYardstick(b *testing.B) {
	const rows = 1_000_000
	text := fleetText(rows, 1)
	b.Run("NewUnmarshaller", func(b *testing.B) {
		for b.Loop() {
			reader := csv.NewReader(bytes.NewReader(text))
			reader.ReuseRecord = true
			unmarshaller, err := gocsv.NewUnmarshaller(reader, row{})
			for err == nil {
				_, err = unmarshaller.Read()
			}
		}
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("UnmarshalToCallback", func(b *testing.B) {
		for b.Loop() {
			if err := gocsv.UnmarshalToCallback(bytes.NewReader(text), func(row) {}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}
