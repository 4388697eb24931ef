package simulator_test

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/thingspace/simulator"
)

// moody opens a carrier in a mood, with a listener that takes everything.
func moody(t *testing.T, m simulator.Moods) (*carrier, *inbox) {
	t.Helper()
	c := open(t, simulator.Config{Seed: 7, Moods: m})
	in := listen(t, nil)
	c.registerAt(account, in.url)
	return c, in
}

func TestOfflineDevicesComeBackAfterAFewAttempts(t *testing.T) {
	c, in := moody(t, simulator.Moods{Offline: 1, OfflineAttempts: 3})
	const fleet = 300
	for range 4 {
		c.enable(devices(0, fleet)...)
		c.settle()
	}
	failures := map[string]int{}
	for _, one := range in.all(t) {
		if one.Status == "FAILED" {
			failures[one.id("eid")]++
		}
	}
	byCount := map[int]int{}
	for n := range fleet {
		byCount[failures[eid(n)]]++
		if got := c.device(eid(n)); got.Final != "success" || got.ICCID != iccid(n) || got.Accepts != 4 ||
			got.Told != "success" {
			t.Fatalf("book: %+v", got)
		}
	}
	for attempts := 1; attempts <= 3; attempts++ {
		if byCount[attempts] < fleet/5 {
			t.Errorf("%d devices were offline for %d attempts: %v", byCount[attempts], attempts, byCount)
		}
	}
}

func TestSharesOfDevicesHold(t *testing.T) {
	c, _ := moody(t, simulator.Moods{Faulty: 0.1, Offline: 0.2, OfflineForever: 0.1, Silent: 0.2, SilentUnreached: 0.5})
	const fleet = 10_000
	c.enable(devices(0, fleet)...)
	c.settle()
	sum := c.sim.Book().Summary()
	near := func(what string, got int, share float64) {
		t.Helper()
		if math.Abs(float64(got)/fleet-share) > 0.02 {
			t.Errorf("%s: %d of %d, want a share of %v", what, got, fleet, share)
		}
	}
	near("failed", sum.Devices["failed"], 0.4)
	near("unreached", sum.Devices["unreached"], 0.1)
	near("success", sum.Devices["success"], 0.5)
	near("silent", sum.Callbacks.Silent, 0.2)
	near("sent", sum.Callbacks.Sent, 0.8)
	if sum.InFlight != 0 {
		t.Errorf("%d silent devices still count as in flight", sum.InFlight)
	}
}

func TestTheOrderOfArrivalDoesNotChangeADevicesFate(t *testing.T) {
	moods := simulator.Moods{Faulty: 0.2, Offline: 0.3, OfflineAttempts: 3, Silent: 0.1, Lost: 0.1, Contradict: 0.1}
	run := func(parts ...[]string) []string {
		c, _ := moody(t, moods)
		for range 2 {
			for _, part := range parts {
				c.enable(part...)
			}
			c.settle()
		}
		var fates []string
		for d := range c.sim.Book().Devices() {
			fates = append(fates, fmt.Sprint(d.EID, d.Final, d.Fault, d.Told, d.Role))
		}
		return fates
	}
	backwards := devices(0, 500)
	slices.Reverse(backwards)
	if diff := cmp.Diff(run(devices(0, 500)), run(backwards[300:], backwards[:300])); diff != "" {
		t.Errorf("(-forwards +backwards):\n%s", diff)
	}
}

func TestALostCallbackArrivesOnTheNextAttempt(t *testing.T) {
	c, in := moody(t, simulator.Moods{Lost: 1})
	c.enable(device(1))
	c.settle()
	if got := c.device(eid(1)); got.Final != "success" || got.Told != "" || len(in.raw()) != 0 {
		t.Fatalf("first attempt: %+v", got)
	}
	c.enable(device(1))
	c.settle()
	if got := c.device(eid(1)); got.Told != "success" || got.Doubles != 0 {
		t.Errorf("second attempt: %+v", got)
	}
	if got := c.sim.Book().Summary(); got.Callbacks.Lost != 1 || got.DoubleInFlight != 0 {
		t.Errorf("book: %+v", got)
	}
}

func TestEnablingAnEnabledProfileSucceedsOrIsAFaultByMood(t *testing.T) {
	for fault, want := range map[bool]string{false: "success", true: "failed"} {
		c, in := moody(t, simulator.Moods{AlreadyActive: fault})
		for range 2 {
			c.enable(device(1))
			c.settle()
		}
		got := c.device(eid(1))
		if got.Final != want || got.ICCID != iccid(1) || got.Told != "success" {
			t.Errorf("AlreadyActive %v: %+v", fault, got)
		}
		if second := in.all(t)[1]; fault && (second.Fault == nil ||
			second.Fault.Code != "UnifiedWebService.REQUEST_FAILED.DeviceAlreadyActive") {
			t.Errorf("second callback %+v", second)
		}
	}
}

func TestAWarningComesBeforeTheFinalCallback(t *testing.T) {
	for _, latency := range []time.Duration{0, 2 * time.Millisecond} {
		c, in := moody(t, simulator.Moods{Warning: 1, Latency: simulator.Span{Max: latency}})
		c.enable(devices(0, 100)...)
		c.settle()
		warned := map[string]bool{}
		for _, one := range in.all(t) {
			if id := one.id("eid"); warned[id] != (one.Status == "SUCCESS") || (one.Status == "warning" && one.Response != nil) {
				t.Errorf("warned %v, then %+v", warned[id], one)
			} else {
				warned[id] = true
			}
		}
		if len(warned) != 100 || len(in.raw()) != 200 {
			t.Errorf("%d callbacks of %d devices", len(in.raw()), len(warned))
		}
	}
}

func TestAWarningThatNobodyHearsHoldsNothingUp(t *testing.T) {
	c := open(t, simulator.Config{Moods: simulator.Moods{Warning: 1}})
	c.enable(devices(0, 100)...)
	c.settle()
	if sum := c.sim.Book().Summary(); sum.Devices["success"] != 100 || sum.InFlight != 0 {
		t.Errorf("book: %+v", sum)
	}
}

func TestDuplicatesComeTwoToFiveTimes(t *testing.T) {
	c, in := moody(t, simulator.Moods{Duplicates: 1, DuplicateDelay: simulator.Span{Max: 5 * time.Millisecond}})
	c.enable(devices(0, 100)...)
	c.settle()
	times := map[string]int{}
	for _, one := range in.all(t) {
		times[one.id("eid")]++
	}
	byTimes := map[int]int{}
	for _, n := range times {
		byTimes[n]++
	}
	for n := 2; n <= 5; n++ {
		if byTimes[n] == 0 {
			t.Errorf("none came %d times: %v", n, byTimes)
		}
	}
	if len(byTimes) != 4 || c.sim.Book().Summary().Duplicates != len(in.raw())-100 {
		t.Errorf("times %v, book %+v", byTimes, c.sim.Book().Summary().Callbacks)
	}
}

func TestTheProfileSwitchedOffCallsBackToo(t *testing.T) {
	c, in := moody(t, simulator.Moods{OtherProfile: 1})
	c.enable(deviceWith(eid(1), iccid(1), ""))
	c.settle()
	c.enable(deviceWith(eid(1), iccid(2), ""))
	c.settle()
	var off []callback
	for _, one := range in.all(t) {
		if one.Response.Profile.Status != "ENABLE" {
			off = append(off, one)
		}
	}
	if len(off) != 2 || off[1].id("iccid") != iccid(1) || off[1].Response.Profile.Role != "LEAD" ||
		off[1].Response.Profile.Status != "DISABLE" {
		t.Errorf("callbacks %+v", off)
	}
	if first := off[0].id("iccid"); len(first) != 20 || first == iccid(1) {
		t.Errorf("the profile before the first is %q", first)
	}
	if got := c.device(eid(1)); got.ICCID != iccid(2) || len(got.RequestIDs) != 2 {
		t.Errorf("book: %+v", got)
	}
}

func TestAContradictionIsASuccessInTheOtherRole(t *testing.T) {
	c, in := moody(t, simulator.Moods{Contradict: 1})
	c.enable(device(1))
	c.settle()
	if got := in.all(t)[0]; got.Status != "SUCCESS" || got.Response.Profile.Role != "LEAD" {
		t.Errorf("callback %+v", got)
	}
	if got := c.device(eid(1)); got.Final != "contradicted" || got.Role != "LEAD" || got.Told != "contradicted" {
		t.Errorf("book: %+v", got)
	}
}

func TestAStrayCarriesARequestIDThatNobodyKnows(t *testing.T) {
	c, in := moody(t, simulator.Moods{Stray: 1})
	id := c.enable(device(1))
	c.settle()
	known := 0
	for _, one := range in.all(t) {
		if one.RequestID == id {
			known++
		}
	}
	if known != 1 || len(in.raw()) != 2 {
		t.Errorf("%d of %d callbacks carry the id", known, len(in.raw()))
	}
}

func TestAnAccountCanFailByShare(t *testing.T) {
	c, _ := moody(t, simulator.Moods{FailAccounts: map[string]float64{account: 0.3}})
	c.enable(devices(0, 5000)...)
	c.mustSend(http.MethodPost, enablePath, enableBody("other", plan, devices(5000, 6000)...))
	c.settle()
	sum := c.sim.Book().Summary()
	if got := sum.Devices["failed"]; got < 1400 || got > 1600 || sum.Devices["success"] != 6000-got {
		t.Errorf("devices %v", sum.Devices)
	}
}

func TestAnAbsentDeviceFailsAloneUnlessItsRequestIsRefused(t *testing.T) {
	c, _ := moody(t, simulator.Moods{Absent: []string{eid(2)}})
	c.enable(devices(0, 4)...)
	c.settle()
	sum := c.sim.Book().Summary()
	if got := c.device(eid(2)); got.Fault != "UnifiedWebService.REQUEST_FAILED.DeviceNotFound" ||
		sum.Devices["success"] != 3 {
		t.Errorf("book: %+v, %v", got, sum.Devices)
	}
}

func TestBooksASecondAcceptInFlightAndLetsTheLaterWin(t *testing.T) {
	c, in := moody(t, simulator.Moods{Latency: simulator.Span{Min: 200 * time.Millisecond, Max: 200 * time.Millisecond}})
	first := c.enable(deviceWith(eid(1), iccid(1), ""), device(3))
	if err := c.sim.SetMoods(simulator.Moods{}); err != nil { // the later request overtakes the earlier
		t.Fatal(err)
	}
	second := c.enable(deviceWith(eid(1), iccid(2), ""))
	c.settle()
	got := c.device(eid(1))
	want := simulator.DeviceEntry{
		EID: eid(1), ICCID: iccid(2), Final: "success", Accepts: 2, RequestIDs: []string{first, second},
		LastChange: got.LastChange, Role: "LOCAL", Told: "success", Doubles: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("book (-want +got):\n%s", diff)
	}
	incidents := c.sim.Book().Incidents()
	if len(incidents) != 1 || incidents[0].Kind != simulator.DoubleInFlight || incidents[0].EID != eid(1) ||
		incidents[0].RequestID != second {
		t.Errorf("incidents: %+v", incidents)
	}
	if len(in.raw()) != 3 {
		t.Errorf("%d callbacks", len(in.raw()))
	}
	c.enable(device(1))
	c.settle()
	if got := c.sim.Book().Summary().DoubleInFlight; got != 1 {
		t.Errorf("an accept after the resolution was booked as double: %d", got)
	}
}

func TestBooksADeviceThatStandsTwiceInOneRequest(t *testing.T) {
	c, _ := moody(t, simulator.Moods{FaultDoubles: true})
	c.enable(device(1), device(2), device(1))
	c.settle()
	sum := c.sim.Book().Summary()
	if sum.DoubleInFlight != 1 || c.device(eid(1)).Final != "failed" || c.device(eid(2)).Final != "success" {
		t.Errorf("book: %+v, %+v", sum, c.device(eid(1)))
	}
}

func TestRefusesMoodsThatCanNotBe(t *testing.T) {
	for name, m := range map[string]simulator.Moods{
		"share over 1":        {Lost: 1.1},
		"negative share":      {Early: -0.1},
		"no number":           {Warning: math.NaN()},
		"devices over 1":      {Faulty: 0.5, Silent: 0.6},
		"requests over 1":     {Throttle: 0.5, DropAnswers: 0.6},
		"account over 1":      {FailAccounts: map[string]float64{account: 2}},
		"backward latency":    {Latency: simulator.Span{Min: 2, Max: 1}},
		"negative life":       {TokenLife: -1},
		"negative resend":     {Resends: []time.Duration{-1}},
		"offline attempts":    {OfflineAttempts: -1},
		"session status":      {SessionStatus: 403},
		"poison is no EID":    {Poison: []string{"123"}},
		"reply of nothing":    {At: map[int]simulator.Act{1: {Deed: simulator.Reply}}},
		"request 0":           {At: map[int]simulator.Act{0: {Deed: simulator.Drop}}},
		"resends without end": {Resends: make([]time.Duration, 101)},
		"faults without end":  {Faults: make([]simulator.Fault, 201)},
	} {
		if _, err := simulator.New(simulator.Config{Moods: m}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for name, cfg := range map[string]simulator.Config{
		"role":        {Role: "lead"},
		"connections": {Connections: -1},
		"rate":        {RateLimit: simulator.RateLimit{RequestsPerSecond: -1}},
		"devices":     {RateLimit: simulator.RateLimit{DevicesPerMinute: -1}},
		"lead word":   {LeadWords: []string{""}},
	} {
		if _, err := simulator.New(cfg); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
