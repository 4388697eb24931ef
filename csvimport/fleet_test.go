package csvimport

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/simshift/simshift/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eid makes an EID with right check digits, iccid and imei the others with theirs.
func eid(n int) string {
	body := fmt.Sprintf("890490321234512345%012d", n)
	for check := range 97 {
		text := body + string([]byte{'0' + byte(check/10), '0' + byte(check%10)})
		if id, err := jobs.ParseEID(text); err == nil && id.Valid() {
			return text
		}
	}
	panic("every EID has check digits")
}

func iccid(n int) string {
	return lastDigit(fmt.Sprintf("8914139078%09d", n), func(text string) bool {
		id, err := jobs.ParseICCID(text)
		return err == nil && id.Valid()
	})
}

func imei(n int) string {
	return lastDigit(fmt.Sprintf("49015420%06d", n), func(text string) bool {
		id, err := jobs.ParseIMEI(text)
		return err == nil && id.Valid()
	})
}

func lastDigit(body string, valid func(string) bool) string {
	for digit := range 10 {
		if text := fmt.Sprint(body, digit); valid(text) {
			return text
		}
	}
	panic("every number has a check digit")
}

// result is a fleet read to its end, in a form that is easy to compare.
type result struct {
	Summary
	chunks  []jobs.Chunk
	devices []jobs.Device // over all chunks
	rejects []refusal
}

type refusal struct{ row, line, column, code, raw, hint string }

const standard = "eid,iccid,imei,account_name,service_plan\n"

func line(n int) string {
	return fmt.Sprintf("%s,%s,%s,ACC,PLAN\n", eid(n), iccid(n), imei(n))
}

// read reads text whose fleet must come to be.
func read(t *testing.T, text string, options Options) result {
	t.Helper()
	return readFrom(t, strings.NewReader(text), options)
}

func readFrom(t *testing.T, src io.Reader, options Options) result {
	t.Helper()
	options.TempDir = t.TempDir()
	fleet, err := Read(t.Context(), src, "fleet.csv", options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := fleet.Close(); err != nil {
			t.Error(err)
		}
	}()
	return drain(t, fleet)
}

// asserter is a *testing.T, a *rapid.T or a *testing.F's.
type asserter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// drain takes all that a fleet has, and checks what always holds.
func drain(t asserter, fleet *Fleet) result {
	t.Helper()
	r := result{Summary: fleet.Summary()}
	err := fleet.Chunks(context.Background(), func(chunk jobs.Chunk, devices []jobs.Device) error {
		if chunk.Size != len(devices) || chunk.Number != len(r.chunks) {
			t.Errorf("chunk %+v holds %d devices and comes after %d others", chunk, len(devices), len(r.chunks))
		}
		r.chunks = append(r.chunks, chunk)
		r.devices = append(r.devices, devices...)
		return nil
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	var rejects bytes.Buffer
	if err := fleet.WriteRejects(context.Background(), &rejects); err != nil {
		t.Fatalf("%v", err)
	}
	records, err := csv.NewReader(&rejects).ReadAll()
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, record := range records[1:] {
		r.rejects = append(r.rejects, refusal{record[0], record[1], record[2], record[3], record[4], record[5]})
	}
	r.check(t)
	r.checkRows(t, fleet)
	return r
}

// checkRows holds that the rows that come once more, with their fates, are those of the first reading, and a CSV.
func (r result) checkRows(t asserter, fleet *Fleet) {
	t.Helper()
	header, refusals, devices := fleet.Header(), r.rejects, map[uint32]jobs.EID{}
	for _, device := range r.devices {
		devices[device.Row] = device.EID
	}
	var text bytes.Buffer
	text.WriteString(header.Text + "\n")
	number, duplicates := uint32(0), int64(0)
	for row, err := range fleet.Rows(context.Background()) {
		if err != nil {
			t.Fatalf("%v", err)
		}
		number++
		_, device := devices[row.Number]
		_, original := devices[row.Original]
		switch {
		case row.Number != number:
			t.Errorf("row %d came as the %d. one", row.Number, number)
		case row.Code != "":
			if len(refusals) == 0 || refusals[0].row != fmt.Sprint(number) || refusals[0].code != string(row.Code) || row.Hint == "" {
				t.Errorf("row %d is rejected as %s, and in the rejects %v", number, row.Code, refusals)
			}
			refusals = refusals[min(1, len(refusals)):]
		case row.Original != 0:
			duplicates++
			if device || !original || !fleet.IsOriginal(row.Original) {
				t.Errorf("row %d repeats row %d, which is no device; itself it is one: %v", number, row.Original, device)
			}
		case !device:
			t.Errorf("row %d is no device, nor anything else", number)
		}
		text.Write(row.Text)
		text.WriteByte('\n')
	}
	if int64(number) != r.Rows || duplicates != r.Duplicates || len(refusals) > 0 {
		t.Errorf("%d of %d rows came, %d of %d duplicates; %d rejects did not", number, r.Rows, duplicates, r.Duplicates, len(refusals))
	}
	reader := csv.NewReader(&text)
	reader.Comma, reader.LazyQuotes, reader.FieldsPerRecord = header.Comma, true, -1
	records, err := reader.ReadAll()
	if err != nil || int64(len(records)) != r.Rows+1 {
		t.Fatalf("what came is no CSV of %d rows: %d records, %v", r.Rows, len(records), err)
	}
	for i, record := range records {
		if len(record) < len(header.Names) {
			t.Errorf("row %d has %d fields, the header %d", i, len(record), len(header.Names))
		}
	}
}

// check holds that every row ended in one place.
func (r result) check(t asserter) {
	t.Helper()
	var refused, grouped int64
	for _, n := range r.ByCode {
		refused += n
	}
	for _, group := range r.Groups {
		grouped += group.Devices
	}
	if r.Rows != r.Devices+r.Duplicates+r.Rejected || refused != r.Rejected || grouped != r.Devices ||
		int64(len(r.devices)) != r.Devices || int64(len(r.rejects)) != r.Rejected {
		t.Errorf("the figures do not add up: %+v; %d devices, %d rejects", r.Summary, len(r.devices), len(r.rejects))
	}
	rows, eids := map[string]bool{}, map[jobs.EID]bool{}
	for _, device := range r.devices {
		if rows[fmt.Sprint(device.Row)] || eids[device.EID] {
			t.Errorf("device %v of row %d came twice", device.EID, device.Row)
		}
		rows[fmt.Sprint(device.Row)], eids[device.EID] = true, true
	}
	for _, refusal := range r.rejects {
		if rows[refusal.row] {
			t.Errorf("row %s has two ends", refusal.row)
		}
		rows[refusal.row] = true
	}
}

// codes lists row:code of all rejects, in their order.
func (r result) codes() []string {
	var list []string
	for _, refusal := range r.rejects {
		list = append(list, refusal.row+":"+refusal.code)
	}
	return list
}

func TestReadsAPlainFile(t *testing.T) {
	r := read(t, standard+line(1)+line(2)+line(3), Options{})
	if r.Devices != 3 || len(r.Warnings) != 0 || len(r.SHA256) != 64 || r.Name != "fleet.csv" {
		t.Errorf("%+v", r.Summary)
	}
	for i, device := range r.devices {
		if device.EID.String() != eid(i+1) || device.ICCID.String() != iccid(i+1) || device.IMEI.String() != imei(i+1) ||
			device.Row != uint32(i+1) {
			t.Errorf("device %d is %v", i, device)
		}
	}
}

func TestGroupsByAccountAndPlanInChunks(t *testing.T) {
	var text strings.Builder
	text.WriteString(standard)
	for i := range 100 {
		fmt.Fprintf(&text, "%s,%s,,A%d,P\n", eid(i), iccid(i), i%3)
	}
	r := read(t, text.String(), Options{ChunkSize: 20})
	want := []jobs.Chunk{
		{Number: 0, Group: 0, Size: 20}, {Number: 1, Group: 0, Size: 14}, {Number: 2, Group: 1, Size: 20},
		{Number: 3, Group: 1, Size: 13}, {Number: 4, Group: 2, Size: 20}, {Number: 5, Group: 2, Size: 13},
	}
	if !slices.Equal(r.chunks, want) {
		t.Errorf("chunks %v", r.chunks)
	}
	if r.Groups[1] != (GroupSummary{jobs.Group{Account: "A1", Plan: "P"}, 33}) || r.devices[34].Row != 2 {
		t.Errorf("groups %v, first of the second: %v", r.Groups, r.devices[34])
	}
}

func TestCountsExactDuplicatesAndKeepsTheRowWithTheIMEI(t *testing.T) {
	bare := fmt.Sprintf("%s,%s,,ACC,PLAN\n", eid(1), iccid(1))
	r := read(t, standard+bare+bare+line(1)+line(2)+line(2), Options{})
	if r.Devices != 2 || r.Duplicates != 3 || r.devices[0].Row != 3 || r.devices[1].Row != 4 {
		t.Errorf("%+v %v", r.Summary, r.devices)
	}
}

func TestRejectsBothRowsOfOneEIDWithTwoICCIDs(t *testing.T) {
	other := fmt.Sprintf("%s,%s,,ACC,PLAN\n", eid(1), iccid(9))
	r := read(t, standard+line(1)+line(2)+other, Options{})
	if got := r.codes(); !slices.Equal(got, []string{"1:conflict", "3:conflict"}) {
		t.Fatal(got)
	}
	if !strings.Contains(r.rejects[0].hint, "row 3 ") || !strings.Contains(r.rejects[1].hint, "row 1 ") ||
		r.rejects[1].raw+"\n" != other || r.rejects[1].line != "4" || r.rejects[1].column != "eid" {
		t.Error(r.rejects)
	}
}

func TestRejectsOneEIDWithTwoPlansAccountsOrIMEIs(t *testing.T) {
	row := func(n int, imei, account, plan string) string {
		return strings.Join([]string{eid(n), iccid(n), imei, account, plan}, ",") + "\n"
	}
	text := standard + row(1, "", "A", "P") + row(1, "", "A", "Q") + row(2, "", "A", "P") + row(2, "", "B", "P") +
		row(3, "", "A", "P") + row(3, imei(3), "A", "P") + row(3, imei(4), "A", "P") + row(4, "", "A", "P")
	r := read(t, text, Options{})
	want := []string{
		"1:conflict", "2:conflict", "3:conflict", "4:conflict", "5:conflict", "6:conflict", "7:conflict",
	}
	if got := r.codes(); !slices.Equal(got, want) || r.Devices != 1 || len(r.Groups) != 1 {
		t.Errorf("%v %+v", got, r.Summary)
	}
}

func TestRejectsAllRowsOfAnICCIDOnTwoEIDs(t *testing.T) {
	other := fmt.Sprintf("%s,%s,,ACC,PLAN\n", eid(7), iccid(1))
	r := read(t, standard+line(1)+line(1)+line(2)+other, Options{})
	if got := r.codes(); !slices.Equal(got, []string{"1:shared_iccid", "2:shared_iccid", "4:shared_iccid"}) {
		t.Fatal(got)
	}
	if r.Duplicates != 0 || r.Devices != 1 {
		t.Errorf("%+v", r.Summary)
	}
}

func TestWarnsOfAnIMEIOnTwoEIDs(t *testing.T) {
	row := func(n int) string { return fmt.Sprintf("%s,%s,%s,A,P\n", eid(n), iccid(n), imei(1)) }
	r := read(t, standard+row(1)+row(2)+line(3), Options{})
	if r.Devices != 3 || r.Warnings[SharedIMEI] != 2 {
		t.Errorf("%+v", r.Summary)
	}
}

func TestRejectsDevicesHeldByAnotherJob(t *testing.T) {
	text := standard + line(1) + line(2) + line(2) + line(3) + "bad,bad,,,\n"
	fleet, err := Read(t.Context(), strings.NewReader(text), "", Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = fleet.Close() }()
	for holder, n := range map[string]int{"job-a": 2, "job-b": 3} {
		id, _ := jobs.ParseEID(eid(n))
		stranger, _ := jobs.ParseEID(eid(99))
		rows, err := fleet.Held(t.Context(), holder, func(yield func(jobs.EID, error) bool) {
			_ = yield(stranger, nil) && yield(id, nil) && yield(id, nil)
		})
		if err != nil || rows != int64(4-n) {
			t.Errorf("%s: %d rows, %v", holder, rows, err)
		}
	}
	r := drain(t, fleet)
	if got := r.codes(); !slices.Equal(got, []string{"2:held", "3:held", "4:held", "5:digits"}) || r.Duplicates != 0 {
		t.Errorf("%v %+v", got, r.Summary)
	}
	if !strings.Contains(r.rejects[0].hint, "job-a") || !strings.Contains(r.rejects[2].hint, "job-b") {
		t.Error(r.rejects)
	}
}

func TestStopsWhenYieldFailsOrTheContextEnds(t *testing.T) {
	fleet, err := Read(t.Context(), strings.NewReader(standard+line(1)+line(2)), "", Options{TempDir: t.TempDir(), ChunkSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = fleet.Close() }()
	enough, calls := errors.New("enough"), 0
	err = fleet.Chunks(t.Context(), func(jobs.Chunk, []jobs.Device) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	nothing := func(jobs.Chunk, []jobs.Device) error { return nil }
	if err := fleet.Chunks(ctx, nothing); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Read(ctx, strings.NewReader(standard), "", Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestStopsInTheMiddleOfAFileWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	options := Options{TempDir: t.TempDir(), Progress: func(_, rows int64) {
		if rows > 10_000 {
			cancel()
		}
	}}
	if _, err := Read(ctx, bytes.NewReader(fleetText(100_000, 2)), "", options); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
