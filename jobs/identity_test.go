package jobs_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/simshift/simshift/jobs"
)

func TestCheckDigitsOfKnownVectors(t *testing.T) {
	t.Parallel()
	for digits, valid := range map[string]bool{
		"89049032123451234512345678901235": true,
		"89034011560010000000000000000121": true,
		"89034011560010000000000000000122": false,
	} {
		if id, err := jobs.ParseEID(digits); err != nil || id.Valid() != valid || id.String() != digits {
			t.Errorf("EID %s: valid %v, printed %s (%v)", digits, id.Valid(), id, err)
		}
	}
	for digits, valid := range map[string]bool{
		"89141390780800784259": true, "8944538525004714414": true, "78425989148000000840": false,
	} {
		if id, err := jobs.ParseICCID(digits); err != nil || id.Valid() != valid || id.String() != digits {
			t.Errorf("ICCID %s: valid %v, printed %s (%v)", digits, id.Valid(), id, err)
		}
	}
	for digits, valid := range map[string]bool{"490154203237518": true, "990013907835573": false, "": true} {
		if id, err := jobs.ParseIMEI(digits); err != nil || id.Valid() != valid || id.String() != digits {
			t.Errorf("IMEI %s: valid %v, printed %s (%v)", digits, id.Valid(), id, err)
		}
	}
}

func TestIdentitiesOfTheWrongFormAreErrors(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]error{
		"": jobs.ErrLength, "8904903212345123451234567890123": jobs.ErrLength, "8.90490E+31": jobs.ErrNotDigits,
		"8904903212345123451234567890123a": jobs.ErrNotDigits, "٨9049032123451234512345678901235": jobs.ErrNotDigits,
	} {
		if _, err := jobs.ParseEID(digits); !errors.Is(err, want) {
			t.Errorf("EID %q: %v, want %v", digits, err, want)
		}
	}
	if _, err := jobs.ParseIMEI("4901542032375180"); !errors.Is(err, jobs.ErrLength) {
		t.Errorf("an IMEISV of 16 digits: %v", err)
	}
}

func TestPackedDevicesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		eid, _ := jobs.ParseEID(rapid.StringMatching(`[0-9]{32}`).Draw(t, "eid"))
		iccid, _ := jobs.ParseICCID(rapid.StringMatching(`[0-9]{19,20}`).Draw(t, "iccid"))
		imei, _ := jobs.ParseIMEI(rapid.StringMatching(`([0-9]{15})?`).Draw(t, "imei"))
		d := jobs.Device{EID: eid, ICCID: iccid, IMEI: imei, Row: rapid.Uint32().Draw(t, "row")}
		packed := d.AppendBinary(nil)
		if got := jobs.DecodeDevice(packed); len(packed) != jobs.DeviceSize || got != d {
			t.Fatalf("%+v came back as %+v", d, got)
		}
	})
}

func TestPlacesKeepChunkAndPosition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		chunk := rapid.IntRange(0, jobs.MaxChunks-1).Draw(t, "chunk")
		pos := rapid.IntRange(0, jobs.MaxChunk-1).Draw(t, "pos")
		if p := jobs.PlaceAt(chunk, pos); p.Chunk() != chunk || p.Pos() != pos {
			t.Fatalf("%d, %d came back as %d, %d", chunk, pos, p.Chunk(), p.Pos())
		}
	})
}
