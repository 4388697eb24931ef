package worker

import (
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/thingspace"
)

func member(t *testing.T, n int) jobs.Member {
	t.Helper()
	d := madeup.Device(n)
	eid, errE := jobs.ParseEID(d.EID)
	iccid, errI := jobs.ParseICCID(d.ICCID)
	imei, errM := jobs.ParseIMEI(d.IMEI)
	if errE != nil || errI != nil || errM != nil {
		t.Fatal(errE, errI, errM)
	}
	return jobs.Member{Place: jobs.PlaceAt(0, n), Device: jobs.Device{EID: eid, ICCID: iccid, IMEI: imei}}
}

func testIndex(t *testing.T, devices int) *index {
	t.Helper()
	members := make([]jobs.Member, devices)
	for i := range members {
		members[i] = member(t, i)
	}
	job := jobs.Job{Target: jobs.Global, Policy: jobs.DefaultPolicy()}
	return newIndex(jobs.BatchID{Job: "j", Batch: 7}, job, jobs.Batch{Attempt: 2}, members)
}

func TestCallbacksAreWeighedByStatusProfileAndRole(t *testing.T) {
	t.Parallel()
	x, own := testIndex(t, 3), madeup.Device(1)
	now := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		change func(*thingspace.Callback)
		kind   jobs.EventKind
		parked bool
	}{
		"success in the target's role":      {func(*thingspace.Callback) {}, jobs.Confirmed, false},
		"success without a role":            {func(c *thingspace.Callback) { c.ProfileRole = "" }, jobs.Confirmed, false},
		"success without a profile status":  {func(c *thingspace.Callback) { c.ProfileStatus = "" }, jobs.Confirmed, false},
		"downloaded and enabled":            {func(c *thingspace.Callback) { c.ProfileStatus = "DOWNLOAD_ENABLE" }, jobs.Confirmed, false},
		"success in the role's other case":  {func(c *thingspace.Callback) { c.ProfileRole = "Local" }, jobs.Confirmed, false},
		"success in the other role":         {func(c *thingspace.Callback) { c.ProfileRole = "LEAD" }, jobs.Contradictory, false},
		"of the profile that went off":      {func(c *thingspace.Callback) { c.ICCID = madeup.Device(2).ICCID }, 0, false},
		"of a profile that is not enabled":  {func(c *thingspace.Callback) { c.ProfileStatus = "DISABLE" }, 0, false},
		"without the check digit":           {func(c *thingspace.Callback) { c.ICCID = c.ICCID[:19] }, jobs.Confirmed, false},
		"known by its ICCID alone":          {func(c *thingspace.Callback) { c.EID, c.IMEI = "", "" }, jobs.Confirmed, false},
		"known by its IMEI alone":           {func(c *thingspace.Callback) { c.EID, c.ICCID = "", "" }, jobs.Confirmed, false},
		"of a stranger":                     {func(c *thingspace.Callback) { c.EID = madeup.Device(9).EID }, 0, true},
		"with no EID that can be read":      {func(c *thingspace.Callback) { c.EID = "12" }, 0, true},
		"with a status nobody knows":        {func(c *thingspace.Callback) { c.Status = thingspace.UnknownStatus }, 0, true},
		"a warning":                         {func(c *thingspace.Callback) { c.Status = thingspace.Warning }, jobs.Warned, false},
		"a fault worth another attempt":     {fails("X.REQUEST_FAILED.DeviceOffline"), jobs.Faltered, false},
		"a permanent fault":                 {fails("X.REQUEST_FAILED.DeviceNotFound"), jobs.Rejected, false},
		"already active":                    {fails("X.REQUEST_FAILED.DeviceAlreadyActive"), jobs.Reaffirmed, false},
		"a failure without a fault":         {fails(""), jobs.Faltered, false},
		"a failure of the profile gone off": {func(c *thingspace.Callback) { fails("X")(c); c.ICCID = madeup.Device(2).ICCID }, 0, false},
	} {
		c := thingspace.Callback{
			RequestID: "r", EID: own.EID, ICCID: own.ICCID, IMEI: own.IMEI, Status: thingspace.Success,
			ProfileStatus: "ENABLE", ProfileRole: "LOCAL",
		}
		test.change(&c)
		v := weigh(x, &c, now, 0.5)
		if v.event.Kind != test.kind || (v.park != "") != test.parked || v.ignored != (test.kind == 0 && !test.parked) {
			t.Errorf("%s: %+v", name, v)
		}
		if test.kind != 0 && (v.event.Batch != 7 || v.event.Place != jobs.PlaceAt(0, 1)) {
			t.Errorf("%s is about batch %d, place %v", name, v.event.Batch, v.event.Place)
		}
	}
}

func fails(code string) func(*thingspace.Callback) {
	return func(c *thingspace.Callback) { c.Status, c.FaultCode = thingspace.Failure, code }
}

func TestAnIndexFindsEveryDeviceAndNoOther(t *testing.T) {
	t.Parallel()
	x := testIndex(t, jobs.MaxChunk)
	for i := range jobs.MaxChunk {
		d := member(t, i)
		want := indexed{d.EID, d.ICCID, d.IMEI, d.Place}
		if got, found := x.eid(want.EID); !found || *got != want {
			t.Fatalf("device %d: %v %+v", i, found, got)
		}
	}
	if _, found := x.eid(member(t, jobs.MaxChunk).EID); found {
		t.Error("found a device that is not there")
	}
}
