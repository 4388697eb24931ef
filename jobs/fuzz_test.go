package jobs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/simshift/simshift/jobs"
)

// FuzzParseIdentities holds that an identity is digits of the right number, and comes back as it was.
func FuzzParseIdentities(f *testing.F) {
	for _, seed := range []string{
		"89049032123451234512345678901235", "8904903212345123451234567890123", "89141390780800784259", "8944538525004714414",
		"490154203237518", "4901542032375180", "", "8.90490E+31", " 490154203237518", "49015420323751F", "٤٩٠١٥٤٢٠٣٢٣٧٥١٨",
		"000000000000000", "4901542032375\x00\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		digits := strings.Trim(text, "0123456789") == ""
		eid, err := jobs.ParseEID(text)
		if fits := digits && len(text) == 32; (err == nil) != fits || fits && eid.String() != text {
			t.Errorf("EID %q: %s, %v", text, eid, err)
		}
		iccid, err := jobs.ParseICCID(text)
		if fits := digits && (len(text) == 19 || len(text) == 20); (err == nil) != fits || fits && iccid.String() != text {
			t.Errorf("ICCID %q: %s, %v", text, iccid, err)
		}
		imei, err := jobs.ParseIMEI(text)
		if fits := digits && (len(text) == 15 || text == ""); (err == nil) != fits || fits && imei.String() != text {
			t.Errorf("IMEI %q: %s, %v", text, imei, err)
		}
		if err == nil && imei.Known() != (text != "") {
			t.Errorf("IMEI %q: known %t", text, imei.Known())
		}
	})
}

// FuzzParseWave holds that whatever is taken for a wave has parts that make sense, and keeps its name.
func FuzzParseWave(f *testing.F) {
	for _, seed := range []string{
		"0:1:0:1772402400", "12:5:1:1772402400", "0:1:0", "0:1:2:3", "-1:1:0:3", "0:1:0:3x", "0:1:0:3:4", " 0:1:0:3", "", ":::",
		"0:1:0:-1", "0:0:0:0", "0x1:1:0:1", "+1:1:0:1", "99999999999999999999:1:0:1", "0:1:0:9223372036854775807",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		w, err := jobs.ParseWave(name)
		if err != nil {
			return
		}
		again := 0
		if w.Repeat {
			again = 1
		}
		if own := fmt.Sprintf("%d:%d:%d:%d", w.Group, w.Attempt, again, w.Due.Unix()); own != name || w.Name != name {
			t.Errorf("%q is %+v, whose name is %q", name, w, own)
		}
		if w.Group < 0 || w.Attempt < 0 || w.Due.Unix() < 0 {
			t.Errorf("%q makes no sense: %+v", name, w)
		}
	})
}

// FuzzParseState holds that exactly the names of states are states, and that batches can be read again.
func FuzzParseState(f *testing.F) {
	for _, state := range jobs.States {
		f.Add(state.String())
	}
	for _, seed := range []string{"closed", "state(1)", "", "Pending", "pending ", "succeeded,failed"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		state, err := jobs.ParseState(name)
		if err == nil && state.String() != name || err != nil && state != 0 {
			t.Errorf("%q is %v, %v", name, state, err)
		}
		var read jobs.State
		if name == jobs.Closed.String() { // of a batch: JSON that was written is read again, and nobody can name it
			state, err = jobs.Closed, nil
		}
		if (read.UnmarshalText([]byte(name)) == nil) != (err == nil) || err == nil && read != state {
			t.Errorf("%q as text is %v", name, read)
		}
	})
}
