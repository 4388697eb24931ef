package csvimport

import (
	"context"
	"encoding/csv"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/simshift/simshift/jobs"
)

// fields is a row of the model: eid, iccid, imei, account, plan, previous iccid.
type fields [6]string

// verdicts is what becomes of each row, from row 1: "device", "duplicate" or a code.
type verdicts []string

// judge is the package's rules once more, as plainly as they can be said and with no thought of cost.
func judge(rows []fields, strict bool) verdicts {
	v := make(verdicts, len(rows))
	for i, row := range rows {
		v[i] = string(form(row, strict))
	}
	formed := append(verdicts(nil), v...)
	for i, row := range rows {
		switch {
		case formed[i] != "":
		case spoilt(rows, formed, 1) && damagedICCID(row[1]), spoilt(rows, formed, 5) && damagedICCID(row[5]):
			v[i] = string(Excel)
		case anyRow(rows, formed, func(a, b fields) bool { return a[0] == row[0] && b[0] == row[0] && contradict(a, b) }):
			v[i] = string(Conflict)
		case anyRow(rows, formed, func(a, b fields) bool { return a[1] == row[1] && b[1] == row[1] && a[0] != b[0] }):
			v[i] = string(SharedICCID)
		default:
			v[i] = "duplicate"
			if i == spokesman(rows, formed, row[0]) {
				v[i] = "device"
			}
		}
	}
	return v
}

// spoilt tells whether a column of ICCIDs has more rounded ones than chance makes.
func spoilt(rows []fields, formed verdicts, column int) bool {
	damaged := 0
	for i, row := range rows {
		if formed[i] == "" && damagedICCID(row[column]) {
			damaged++
		}
	}
	return damaged*1000 > len(rows)
}

func form(row fields, strict bool) Code {
	eid, eidErr := jobs.ParseEID(row[0])
	iccid, iccidErr := jobs.ParseICCID(row[1])
	imei, imeiErr := jobs.ParseIMEI(row[2])
	previous, previousErr := jobs.ParseICCID(row[5])
	switch {
	case row[0] == "":
		return Missing
	case eidErr != nil:
		return BadLength
	case row[1] == "":
		return Missing
	case iccidErr != nil:
		return BadLength
	case len(row[2]) == 16:
		return IMEISV
	case imeiErr != nil:
		return NotDigits
	case row[5] != "" && errors.Is(previousErr, jobs.ErrNotDigits):
		return NotDigits
	case row[5] != "" && previousErr != nil:
		return BadLength
	case row[3] == "":
		return Missing
	case strict && !eid.Valid():
		return EIDCheck
	case strict && !iccid.Valid():
		return ICCIDCheck
	case strict && !imei.Valid():
		return IMEICheck
	case strict && row[5] != "" && !previous.Valid():
		return PreviousCheck
	}
	return ""
}

func damagedICCID(digits string) bool {
	id, err := jobs.ParseICCID(digits)
	return err == nil && !id.Valid() && strings.Trim(digits[15:], "0") == "" && digits[12:15] != "000"
}

func contradict(a, b fields) bool {
	return a[1] != b[1] || a[3] != b[3] || a[4] != b[4] || a[5] != b[5] || (a[2] != b[2] && a[2] != "" && b[2] != "")
}

// anyRow looks for two well-formed rows of which holds is true.
func anyRow(rows []fields, formed verdicts, holds func(a, b fields) bool) bool {
	for i, a := range rows {
		for j, b := range rows {
			if formed[i] == "" && formed[j] == "" && holds(a, b) {
				return true
			}
		}
	}
	return false
}

// spokesman is the row that is the device of an EID: the first with an IMEI, or the first.
func spokesman(rows []fields, formed verdicts, eid string) int {
	first := -1
	for i, row := range rows {
		if formed[i] != "" || row[0] != eid {
			continue
		}
		if row[2] != "" {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

// pick draws mostly from a few values, so that rows meet.
func pick(t *rapid.T, label string, values ...string) string {
	return rapid.SampledFrom(values).Draw(t, label)
}

func drawRow(t *rapid.T) fields {
	n := func(label string) int { return rapid.IntRange(0, 40).Draw(t, label) }
	device := n("device")
	row := fields{eid(device), iccid(device), "", pick(t, "account", "A", "A", "A", "A", "B"), "P", ""}
	switch rapid.IntRange(0, 18).Draw(t, "twist") {
	case 0:
		row[1] = iccid(n("other"))
	case 1:
		row[2] = imei(n("modem"))
	case 2, 3:
		row[2] = imei(device)
	case 4:
		row[4] = pick(t, "plan", "P", "Q", "")
	case 5:
		row[0] = pick(t, "bad eid", "", "123", eid(1)[:31])
	case 6:
		row[1] = pick(t, "bad iccid", "", "891", "8914139078123450000", "89141390781234500000", "8914139078080078425")
	case 7:
		row[2] = pick(t, "bad imei", "4901542032375181", "x", "490154203237519")
	case 8:
		row[0] = "89049032123451234512345678901234"
	case 9:
		row[3] = ""
	case 10, 11, 12:
		row[5] = iccid(1000 + device)
	case 13:
		row[5] = pick(t, "odd previous", row[1], iccid(1000), "x", "891", "8914139078123450000", "8914139078080078426")
	}
	return row
}

func TestAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawRow), 1, 60).Draw(t, "rows")
		if rapid.Bool().Draw(t, "no previous ICCIDs") {
			for i := range rows {
				rows[i][5] = ""
			}
		}
		agree(t, rows, rapid.Bool().Draw(t, "strict"))
	})
}

// TestAgreesWithTheModelOverManyBlocks repeats that with rows enough for several blocks and full buckets.
func TestAgreesWithTheModelOverManyBlocks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // a test's choices need not be secret
	rows := make([]fields, 20_000)
	for i := range rows {
		rows[i] = fields{eid(i), iccid(i), "", "A", "P", ""}
	}
	// The model is quadratic, so that the rows which meet are judged apart from those which do not.
	met := make([]fields, 0, 300)
	for i := range 300 {
		at := random.IntN(len(rows))
		rows[at] = fields{eid(100_000 + i/3), iccid(100_000 + i/3 + random.IntN(2)), "", "A", "P", ""}
	}
	places := []int{}
	for i, row := range rows {
		if row[0] >= eid(100_000) {
			met, places = append(met, row), append(places, i)
		}
	}
	want := make(verdicts, len(rows))
	for i := range want {
		want[i] = "device"
	}
	for i, verdict := range judge(met, false) {
		want[places[i]] = verdict
	}
	if diff := cmp.Diff(want, outcome(t, rows, false)); diff != "" {
		t.Error(diff)
	}
}

func agree(t *rapid.T, rows []fields, strict bool) {
	if diff := cmp.Diff(judge(rows, strict), outcome(t, rows, strict)); diff != "" {
		t.Fatalf("model and package differ (-model +package):\n%s", diff)
	}
}

// outcome is what the package makes of rows.
func outcome(t asserter, rows []fields, strict bool) verdicts {
	var text strings.Builder
	columns := 5
	if slices.ContainsFunc(rows, func(row fields) bool { return row[5] != "" }) {
		columns = 6
	}
	out := csv.NewWriter(&text) // a strings.Builder takes everything
	_ = out.Write(strings.Split(strings.TrimSpace(extended), ",")[:columns])
	for _, row := range rows {
		_ = out.Write(row[:columns])
	}
	out.Flush()
	fleet, err := Read(context.Background(), strings.NewReader(text.String()), "", Options{Strict: strict, ChunkSize: 7})
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer func() { _ = fleet.Close() }()
	r := drain(t, fleet)
	v := make(verdicts, len(rows))
	for i := range v {
		v[i] = "duplicate"
	}
	for _, device := range r.devices {
		v[device.Row-1] = "device"
	}
	for _, refusal := range r.rejects {
		row, err := strconv.Atoi(refusal.row)
		if err != nil {
			t.Fatalf("%v", err)
		}
		v[row-1] = refusal.code
	}
	return v
}
