package simulator_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/thingspace/simulator"
)

func TestRefusesRequestsThatAreNotAsTheDocumentSays(t *testing.T) {
	c := open(t, simulator.Config{
		Accounts: []string{account}, Plans: []string{plan},
		Moods: simulator.Moods{Poison: []string{eid(666)}, Absent: []string{eid(404)}, AbsentRefused: true},
	})
	ids := func(list string) string { return `{"deviceIds":[` + list + `]}` }
	goodEID, goodICCID := `{"kind":"eid","id":"`+eid(1)+`"}`, `{"kind":"iccid","id":"`+iccid(1)+`"}`
	for name, test := range map[string]struct{ body, code string }{
		"cut JSON": {`{"devices":[`, "INPUT_INVALID.RequestUndefined"},
		"trailing comma": {`{"devices":[` + device(1) + `],"accountName":"` + account + `",}`,
			"INPUT_INVALID.RequestUndefined"},
		"two documents":   {enableBody(account, plan, device(1)) + "{}", "INPUT_INVALID.RequestUndefined"},
		"no account":      {enableBody("", plan, device(1)), "INPUT_INVALID.Account.NotDefined"},
		"unknown account": {enableBody("unknown", plan, device(1)), "REQUEST_FAILED.AccountNotFound"},
		"unknown plan":    {enableBody(account, "No Such", device(1)), "REQUEST_FAILED.No Such.NotFound"},
		"no devices":      {enableBody(account, plan), "INPUT_INVALID.NumberofDevices"},
		"too many devices": {enableBody(account, plan, devices(0, simulator.MaxDevices+1)...),
			"INPUT_INVALID.MaxRequestsExceeded"},
		"upper-case kind": {enableBody(account, plan, ids(`{"kind":"EID","id":"`+eid(1)+`"},`+goodICCID)),
			"INPUT_INVALID.Device.Kind.Invalid"},
		"unknown kind": {enableBody(account, plan, ids(goodEID+","+goodICCID+`,{"kind":"mdn","id":"5551234567"}`)),
			"INPUT_INVALID.Device.Kind.Invalid"},
		"no EID":   {enableBody(account, plan, ids(goodICCID)), "INPUT_INVALID.Device.Identifier.Invalid"},
		"no ICCID": {enableBody(account, plan, ids(goodEID)), "INPUT_INVALID.Device.Identifier.Invalid"},
		"two EIDs": {enableBody(account, plan, ids(goodEID+","+goodEID+","+goodICCID)),
			"INPUT_INVALID.Device.Identifier.Invalid"},
		"short EID": {enableBody(account, plan, deviceWith("123", iccid(1), "")),
			"INPUT_INVALID.Device.Identifier.Invalid"},
		"letters in ICCID": {enableBody(account, plan, deviceWith(eid(1), "8914139000000000000A", "")),
			"INPUT_INVALID.Device.Identifier.Invalid"},
		"IMEISV": {enableBody(account, plan, deviceWith(eid(1), iccid(1), "4901542032375180")),
			"INPUT_INVALID.Device.Identifier.Invalid"},
		"poison device": {enableBody(account, plan, device(1), device(666), device(2)),
			"INPUT_INVALID.Device.Identifier.Invalid"},
		"absent device": {enableBody(account, plan, device(1), device(404)), "REQUEST_FAILED.DeviceNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.mustSend(http.MethodPost, enablePath, test.body)
			if got.status != 400 || got.member(t, "errorCode") != "UnifiedWebService."+test.code ||
				got.member(t, "errorMessage") == "" {
				t.Errorf("want %s, got %d %s", test.code, got.status, got.body)
			}
		})
	}
	sum := c.sim.Book().Summary()
	if sum.Accepted != 0 || sum.Accepts != 0 || sum.Refused != sum.Requests || sum.Oversize != 1 ||
		sum.LargestRequest != simulator.MaxDevices+1 {
		t.Errorf("book: %+v", sum)
	}
}

func TestRefusesABodyOverTheLimitAndAnotherMediaType(t *testing.T) {
	c := open(t, simulator.Config{})
	got := c.mustSend(http.MethodPost, enablePath, `{"devices":[]`+strings.Repeat(" ", 17<<20)+`}`)
	if got.status != 400 || c.sim.Book().Summary().Oversize != 1 {
		t.Errorf("17 MiB: %+v", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+enablePath,
		strings.NewReader(enableBody(account, plan, device(1))))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.bearer)
	r.Header.Set("VZ-M2M-Token", c.session)
	r.Header.Set("Content-Type", "text/plain")
	if got, err := c.do(r); err != nil || got.status != 400 {
		t.Errorf("text/plain: %+v, %v", got, err)
	}
}

func TestAcceptsTenThousandDevicesAndCallsBackForEach(t *testing.T) {
	c := open(t, simulator.Config{})
	in := listen(t, nil)
	c.registerAt(account, in.url)
	id := c.enable(devices(0, simulator.MaxDevices)...)
	if !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(id) {
		t.Errorf("request id %q", id)
	}
	c.settle()
	seen := map[string]bool{}
	for _, one := range in.all(t) {
		if one.RequestID != id || one.Status != "SUCCESS" {
			t.Fatalf("callback %+v", one)
		}
		seen[one.id("eid")] = true
	}
	if len(seen) != simulator.MaxDevices {
		t.Errorf("%d devices called back", len(seen))
	}
	sum := c.sim.Book().Summary()
	want := simulator.CallbackCounts{Sent: simulator.MaxDevices, Acknowledged: simulator.MaxDevices}
	if diff := cmp.Diff(want, sum.Callbacks); diff != "" {
		t.Errorf("callbacks (-want +got):\n%s", diff)
	}
	if sum.Devices["success"] != simulator.MaxDevices || sum.InFlight != 0 ||
		sum.LargestRequest != simulator.MaxDevices || sum.MaxDevicesInMinute != simulator.MaxDevices {
		t.Errorf("book: %+v", sum)
	}
}
