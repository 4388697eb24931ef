package app

import (
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/jobs"
)

// An export of ten million devices makes ten million lines: none may cost an allocation, once its texts are known.
func TestALineOfResultsAllocatesNothing(t *testing.T) { //nolint:paralleltest // it counts allocations
	made := madeup.Device(1)
	eid, errE := jobs.ParseEID(made.EID)
	iccid, errI := jobs.ParseICCID(made.ICCID)
	if errE != nil || errI != nil {
		t.Fatal(errE, errI)
	}
	o := jobs.Outcome{
		Member: jobs.Member{Device: jobs.Device{EID: eid, ICCID: iccid, Row: 1}},
		Group:  jobs.Group{Account: "0000123456-00001", Plan: "Global IoT, 5MB"}, State: jobs.Failed, Reason: jobs.Faulted,
		Attempts: 3, Fault: jobs.Fault{Code: "REQUEST_FAILED.DeviceOffline", Text: "=off"}, RequestID: "request",
		ChangedAt: time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC),
	}
	line := newResultLine(',')
	want := `1,` + made.EID + `,` + made.ICCID + `,,0000123456-00001,"Global IoT, 5MB",failed,faulted,3,` +
		"REQUEST_FAILED.DeviceOffline,'=off,request,2026-03-01T22:00:00Z\n"
	if got := string(line.of(&o)); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	// What is taken for an escape when it is read again must be escaped now, or it would come back as something else.
	if got := line.quote("'=off"); got != "''=off" {
		t.Errorf("an escaped text is written as %s", got)
	}
	if n := testing.AllocsPerRun(100, func() {
		o.Row++
		o.ChangedAt = o.ChangedAt.Add(time.Second)
		line.of(&o)
	}); n > 0 {
		t.Errorf("a line makes %v allocations", n)
	}
}
