package csvimport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/simshift/simshift/jobs"
)

// utf16le is text as UTF-16, low byte first.
func utf16le(text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit&0xFF), byte(unit>>8))
	}
	return string(out)
}

func swapBytes(text string) string {
	out := []byte(text)
	for i := 0; i+1 < len(out); i += 2 {
		out[i], out[i+1] = out[i+1], out[i]
	}
	return string(out)
}

func TestReadsTheSameDevicesFromEveryUsualForm(t *testing.T) {
	plain := standard + line(1) + line(2)
	semicolons := strings.ReplaceAll(plain, ",", ";")
	for name, text := range map[string]string{
		"byte order mark":           "\uFEFF" + plain,
		"CRLF":                      strings.ReplaceAll(plain, "\n", "\r\n"),
		"lone CR":                   strings.ReplaceAll(plain, "\n", "\r"),
		"no last line end":          strings.TrimSuffix(plain, "\n"),
		"empty lines":               "\n\n" + strings.ReplaceAll(plain, "\n", "\n\n"),
		"UTF-16 LE with a mark":     utf16le("\uFEFF" + plain),
		"UTF-16 BE with a mark":     swapBytes(utf16le("\uFEFF" + plain)),
		"UTF-16 LE without a mark":  utf16le(plain),
		"UTF-16 BE without a mark":  swapBytes(utf16le(plain)),
		"semicolons":                semicolons,
		"semicolons in UTF-16":      utf16le("\uFEFF" + semicolons),
		"tabs":                      strings.ReplaceAll(plain, ",", "\t"),
		"bars":                      strings.ReplaceAll(plain, ",", "|"),
		"a spreadsheet's sep line":  "sep=;\r\n" + semicolons,
		"quotes everywhere":         `"` + strings.NewReplacer(",", `","`, "\n", "\"\n\"").Replace(strings.TrimSuffix(plain, "\n")) + "\"\n",
		"spaces around fields":      strings.ReplaceAll(plain, ",", " , "),
		"no-break spaces":           strings.ReplaceAll(plain, ",", "\u00A0,\u00A0"),
		"zero-width spaces":         strings.ReplaceAll(strings.ReplaceAll(plain, ",", "\u200B,\uFEFF"), "890490", "890\u200B490"),
		"apostrophes before digits": strings.ReplaceAll(plain, "890490", "'890490"),
		"spreadsheet strings": standard + fmt.Sprintf("=\"%s\",\"=\"\"%s\"\"\",=\"%s\",ACC,PLAN\n", eid(1), iccid(1), imei(1)) +
			line(2),
	} {
		t.Run(name, func(t *testing.T) {
			for _, src := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
				r := readFrom(t, src, Options{})
				if r.Devices != 2 || r.Rejected != 0 || len(r.Warnings) != 0 || len(r.Groups) != 1 ||
					r.Groups[0].Group != (jobs.Group{Account: "ACC", Plan: "PLAN"}) || r.devices[0].EID.String() != eid(1) {
					t.Errorf("%+v %v", r.Summary, r.rejects)
				}
			}
		})
	}
}

func TestFindsColumnsByAnyCaseOrderAndAlias(t *testing.T) {
	for _, header := range []string{
		"service_plan,IMEI,notes,Eid,account_name,ICCID",
		"Rate Plan,Device ID,notes,EID Number,Billing Account,SIM",
		"PLAN,imei number,,EUICC-ID,Account,Target ICCID",
		"ServicePlan,Imei,extra,e_id,AccountName,sim_number (20 digits)",
	} {
		text := header + "\n" + fmt.Sprintf("PLAN,%s,\"a, \"\"b\"\"\nc\",%s,ACC,%s\n", imei(1), eid(1), iccid(1))
		r := read(t, text, Options{})
		if r.Devices != 1 || r.devices[0].IMEI.String() != imei(1) || r.Groups[0].Plan != "PLAN" {
			t.Errorf("%s: %+v %v", header, r.Summary, r.rejects)
		}
	}
}

func TestReadsOurOwnResultsFile(t *testing.T) {
	text := "row,eid,iccid,imei,account_name,service_plan,state,reason,attempts,fault,fault_text,request_id,settled_at\n" +
		fmt.Sprintf("1,%s,%s,%s,%s,%s,failed,faulted,5,X.Y,%s,r-1,2026-01-01T00:00:00Z\n",
			eid(1), iccid(1), imei(1), Escape("-ACC"), Escape("=PLAN"), Escape("=cmd"))
	r := read(t, text, Options{})
	if r.Devices != 1 || r.Groups[0].Group != (jobs.Group{Account: "-ACC", Plan: "=PLAN"}) {
		t.Errorf("%+v", r.Summary)
	}
}

func TestEscapedFieldsComeBackAsTheyWere(t *testing.T) {
	for _, field := range []string{"", "a", "=1+2", "+1", "-x", "@x", "'=1", "''-1", "'", "'a", "=\"x\"y"} {
		if got := clean(Escape(field)); got != field {
			t.Errorf("%q became %q by way of %q", field, got, Escape(field))
		}
	}
}

func TestFillsInTheAccountAndPlanOfTheOptions(t *testing.T) {
	text := "eid,iccid,account,plan\n" + fmt.Sprintf("%s,%s,,\n%s,%s,OWN,MINE\n", eid(1), iccid(1), eid(2), iccid(2))
	r := read(t, text, Options{Account: "ACC", Plan: "PLAN"})
	if r.Groups[0].Group != (jobs.Group{Account: "ACC", Plan: "PLAN"}) ||
		r.Groups[1].Group != (jobs.Group{Account: "OWN", Plan: "MINE"}) {
		t.Errorf("%+v", r.Summary)
	}
	r = read(t, "eid,iccid\n"+eid(1)+","+iccid(1)+"\n", Options{Account: "ACC"})
	if r.Devices != 1 || r.Warnings[NoPlan] != 1 {
		t.Errorf("%+v", r.Summary)
	}
}

func TestRejectsBadRowsAndGoesOn(t *testing.T) {
	type bad struct{ text, code, column, hint string }
	rows := []bad{
		{"," + iccid(9) + ",,A,P", "missing", "eid", "there is no eid"},
		{eid(9) + ",,,A,P", "missing", "iccid", "there is no iccid"},
		{eid(9) + "," + iccid(9) + ",,,P", "missing", "account_name", "fill it in"},
		{eid(9)[:31] + "," + iccid(9) + ",,A,P", "length", "eid", "32 digits, but this has 31"},
		{eid(9) + "," + iccid(9) + "12,,A,P", "length", "iccid", "19 or 20"},
		{eid(9) + "," + iccid(9) + ",12345678901234,A,P", "length", "imei", "15 digits, but this has 14"},
		{eid(9) + "," + iccid(9) + ",4901542032375181,A,P", "imeisv", "imei", "IMEISV"},
		{"89O49032123451234512345678901235," + iccid(9) + ",,A,P", "digits", "eid", "nothing else"},
		{"8.90490E+31," + iccid(9) + ",,A,P", "excel", "eid", "formatted as text"},
		{eid(9) + ",\"8,91E+19\",,A,P", "excel", "iccid", "formatted as text"},
		{"89049032123451200000000000000000," + iccid(9) + ",,A,P", "excel", "eid", "can not be recovered"},
		{eid(9) + "," + iccid(9) + ",,A", "ragged", "", "4 fields, but the header 5"},
		{eid(9) + "," + iccid(9) + ",,A,P,", "ragged", "", "6 fields"},
		{eid(9) + "," + iccid(9) + ",,A\x00,P", "encoding", "", "UTF-8"},
		{eid(9) + "," + iccid(9) + ",,A\xFF,P", "encoding", "", "UTF-8"},
		{eid(9) + "," + iccid(9) + ",,A\tB,P", "name", "account_name", "control characters"},
		{eid(9) + "," + iccid(9) + ",,A," + strings.Repeat("p", 101), "name", "service_plan", "over 100"},
		{eid(9) + "," + iccid(9) + ",,\"A\"B,P", "quote", "", "twice"},
		{eid(9) + "," + iccid(9) + ",," + strings.Repeat("A", 70_000) + ",P", "too_long", "", "65536"},
	}
	text := standard
	for i, row := range rows {
		text += row.text + "\n" + line(1000+i)
	}
	r := read(t, text, Options{})
	if r.Devices != int64(len(rows)) || len(r.rejects) != len(rows) {
		t.Fatalf("%+v %v", r.Summary, r.codes())
	}
	for i, row := range rows {
		got := r.rejects[i]
		if got.code != row.code || got.column != row.column || !strings.Contains(got.hint, row.hint) ||
			got.row != fmt.Sprint(2*i+1) || got.line != fmt.Sprint(2*i+2) {
			t.Errorf("row %.60q: %+v", row.text, got)
		}
		if want := readable([]byte(row.text)); got.raw != want || len(got.raw) > maxRaw+2 {
			t.Errorf("raw text %.80q, want %.80q", got.raw, want)
		}
	}
}

func TestAnUnclosedQuoteCostsOneRow(t *testing.T) {
	open := fmt.Sprintf("\"%s,%s,,A,P\n", eid(500), iccid(500))
	var text strings.Builder
	text.WriteString(standard + line(0) + open)
	for i := 1; i <= 3000; i++ {
		text.WriteString(line(i))
	}
	text.WriteString(open)
	r := read(t, text.String(), Options{})
	if got := r.codes(); !slices.Equal(got, []string{"2:quote", "3003:quote"}) || r.Devices != 3001 {
		t.Errorf("%v %+v", got, r.Summary)
	}
}

func TestLineNumbersCountTheLinesWithinFields(t *testing.T) {
	text := "notes,eid,iccid,account\r\n\"a\r\nb\r\n\r\nc\"," + eid(1) + "," + iccid(1) + ",A\r\n\r\nx,bad,bad,A\r\n"
	r := read(t, text, Options{})
	if r.rejects[0].line != "7" || r.rejects[0].row != "2" {
		t.Errorf("%+v", r.rejects)
	}
}

func TestCheckDigitsWarnOrRejectIfStrict(t *testing.T) {
	wrong := func(digits string) string {
		return digits[:len(digits)-1] + string('0'+(digits[len(digits)-1]-'0'+1)%10)
	}
	text := standard + strings.Replace(line(1), eid(1), wrong(eid(1)), 1) +
		strings.Replace(line(2), iccid(2), wrong(iccid(2)), 1) + strings.Replace(line(3), imei(3), wrong(imei(3)), 1)
	r := read(t, text, Options{})
	if r.Devices != 3 || r.Warnings[EIDCheck] != 1 || r.Warnings[ICCIDCheck] != 1 || r.Warnings[IMEICheck] != 1 {
		t.Errorf("%+v", r.Summary)
	}
	r = read(t, text+line(4), Options{Strict: true})
	want := []string{"1:eid_check_digit", "2:iccid_check_digit", "3:imei_check_digit"}
	if got := r.codes(); !slices.Equal(got, want) || r.Devices != 1 || len(r.Warnings) != 0 {
		t.Errorf("%v %+v", got, r.Summary)
	}
}

func TestRejectsRoundedICCIDsUnlessTheyAreFewEnoughForChance(t *testing.T) {
	const damaged = "8914139078123450000"
	row := fmt.Sprintf("%s,%s,,A,P\n", eid(9), damaged)
	r := read(t, standard+line(1)+row, Options{})
	if got := r.codes(); !slices.Equal(got, []string{"2:excel"}) {
		t.Errorf("%v", got)
	}
	var many strings.Builder
	for i := range 2000 {
		many.WriteString(line(100 + i))
	}
	r = read(t, standard+many.String()+row, Options{})
	if r.Rejected != 0 || r.Warnings[ICCIDCheck] != 1 {
		t.Errorf("%+v", r.Summary)
	}
}

func TestRejectsFileIsSafeForSpreadsheets(t *testing.T) {
	r := read(t, standard+"=cmd|' /C calc'!A0,"+iccid(1)+",,A,P\n", Options{})
	if !strings.HasPrefix(r.rejects[0].raw, "'=cmd") {
		t.Error(r.rejects)
	}
}

func TestTellsWhatIsWrongWithTheFile(t *testing.T) {
	for _, test := range []struct {
		text, want string
		account    string
	}{
		{"", "empty", ""},
		{"\uFEFF", "empty", ""},
		{"\n\n\n", "empty", ""},
		{standard, "no rows", ""},
		{line(1), "data, not a header", ""},
		{"name,colour\nx,y\n", `lacks a column eid (or: EID number, EID no, eUICC, eUICC ID, ...) and a column iccid`, ""},
		{"eid,colour\nx,y\n", `it has "eid", "colour"`, ""},
		{"eid,iccid,SIM\n", "columns 2 (\"iccid\") and 3 (\"SIM\") of the header both mean iccid", "A"},
		{"eid,iccid\nx,y\n", "there is no account", ""},
		{"eid,iccid,\xFFname\n", "UTF-8", "A"},
		{"eid,iccid,\"name\n", "not closed", "A"},
		{strings.Repeat("x", 1<<20), "65536", ""},
		{"\xFF\xFE\x00\x00e\x00\x00\x00", "UTF-32", ""},
	} {
		_, err := Read(t.Context(), strings.NewReader(test.text), "fleet.csv",
			Options{TempDir: t.TempDir(), Account: test.account})
		if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "fleet.csv: ") {
			t.Errorf("%.40q: %v", test.text, err)
		}
	}
}

func TestRefusesBadOptions(t *testing.T) {
	for _, options := range []Options{{ChunkSize: -1}, {ChunkSize: 10_001}, {Account: "a\x00"}, {Plan: strings.Repeat("x", 101)}} {
		if _, err := Read(t.Context(), strings.NewReader(standard+line(1)), "", options); err == nil {
			t.Errorf("%+v was taken", options)
		}
	}
}

func TestReportsAReadErrorAndAMissingSpoolFolder(t *testing.T) {
	broken := errors.New("cable cut")
	src := io.MultiReader(strings.NewReader(standard+line(1)), iotest.ErrReader(broken))
	if _, err := Read(t.Context(), src, "", Options{TempDir: t.TempDir()}); !errors.Is(err, broken) {
		t.Error(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := Read(t.Context(), strings.NewReader(standard+line(1)), "", Options{TempDir: missing})
	if !errors.Is(err, ErrSpool) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Error(err)
	}
}

func TestNoticesAFileThatChangedBeforeTheRejectsWereWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fleet.csv")
	if err := os.WriteFile(path, []byte(standard+line(1)+"bad,bad,,A,P\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path) // the test's own
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	fleet, err := Read(t.Context(), file, "", Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = fleet.Close() }()
	if err := os.WriteFile(path, []byte(standard+line(2)+"bad,bed,,A,P\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fleet.WriteRejects(t.Context(), io.Discard); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
}

func TestLeavesNothingInTheSpoolFolder(t *testing.T) {
	dir := t.TempDir()
	fleet, err := Read(t.Context(), bytes.NewBufferString(standard+line(1)), "", Options{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := fleet.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestReportsProgressUpToTheEnd(t *testing.T) {
	text := fleetText(30_000, 3)
	var bytesRead, rows int64
	read(t, string(text), Options{Progress: func(b, r int64) {
		if b < bytesRead || r < rows {
			t.Errorf("went back from %d, %d to %d, %d", bytesRead, rows, b, r)
		}
		bytesRead, rows = b, r
	}})
	if bytesRead != int64(len(text)) || rows != 30_000 {
		t.Errorf("ended at %d of %d bytes, %d rows", bytesRead, len(text), rows)
	}
}
