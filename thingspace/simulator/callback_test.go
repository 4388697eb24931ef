package simulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/thingspace/simulator"
)

// canonical is JSON without its spacing and order.
func canonical(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func phone(t *testing.T, in *inbox) string { return in.all(t)[0].id("mdn") }

func TestCallsBackAsTheDocumentPrints(t *testing.T) {
	c := open(t, simulator.Config{})
	in := listen(t, nil)
	c.registerAt(account, in.url)
	id := c.enable(device(1))
	c.settle()
	ids := fmt.Sprintf(`[{"id":%q,"kind":"Iccid"},{"id":%q,"kind":"Imei"},{"id":%q,"kind":"Eid"},{"id":%q,"kind":"mdn"}]`,
		iccid(1), imei(1), eid(1), phone(t, in))
	want := `{"username":"listener","password":"s3cr\"et","requestId":"` + id + `","deviceIds":` + ids + `,
		"deviceResponse":{"deviceProfileResponse":{"deviceIdentifierCollection":` + ids + `,
		"state":"ACTIVE","profileStatus":"ENABLE","profileRole":"LOCAL"}},
		"status":"SUCCESS","callbackCount":1,"maxCallbackThreshold":4}`
	if diff := cmp.Diff(canonical(t, want), canonical(t, in.raw()[0])); diff != "" {
		t.Errorf("callback (-want +got):\n%s", diff)
	}
	if got := phone(t, in); len(got) != 10 {
		t.Errorf("mdn %q", got)
	}
}

func TestCallsBackAsTheTableSaysWhenInTheMood(t *testing.T) {
	c := open(t, simulator.Config{Moods: simulator.Moods{Tabular: 1}})
	in := listen(t, nil)
	c.registerAt(account, in.url)
	id := c.enable(deviceWith(eid(1), iccid(1), ""))
	c.settle()
	got, ok := canonical(t, in.raw()[0]).(map[string]any)
	if !ok {
		t.Fatal("no object")
	}
	response, isArray := got["deviceResponse"].([]any)
	if !isArray || len(response) != 1 || got["callbackCount"] != "1" || got["maxCallbackThreshold"] != "4" ||
		got["status"] != "Success" || got["requestId"] != id {
		t.Errorf("callback %v", got)
	}
}

func TestAFailureCarriesItsFaultAndNoResponse(t *testing.T) {
	fault := simulator.Fault{Code: `A."B"`, Text: "Grund: ü"}
	c := open(t, simulator.Config{Moods: simulator.Moods{Faulty: 1, Faults: []simulator.Fault{fault}}})
	in := listen(t, nil)
	c.registerAt(account, in.url)
	c.enable(device(1))
	c.settle()
	got := in.all(t)[0]
	if got.Status != "FAILED" || got.Response != nil || got.Fault == nil || got.Fault.Code != fault.Code ||
		got.Fault.Text != fault.Text {
		t.Errorf("callback %+v", got)
	}
	if entry := c.device(eid(1)); entry.Final != "failed" || entry.Fault != fault.Code || entry.ICCID != "" ||
		entry.Told != "failed" {
		t.Errorf("book: %+v", entry)
	}
}

func TestTheRoleFollowsThePlan(t *testing.T) {
	for name, want := range map[string]string{
		"Global 5GB": "LOCAL", "Global Plus": "LOCAL", "": "LOCAL",
		"US 5GB": "LEAD", "vz_iot": "LEAD", "my-Verizon-plan": "LEAD", "Domestic": "LEAD",
	} {
		c := open(t, simulator.Config{})
		in := listen(t, nil)
		c.registerAt(account, in.url)
		c.mustSend(http.MethodPost, enablePath, enableBody(account, name, device(1)))
		c.settle()
		if got := in.all(t)[0].Response.Profile.Role; got != want || c.device(eid(1)).Role != want {
			t.Errorf("plan %q: role %s, book %s", name, got, c.device(eid(1)).Role)
		}
	}
}

func TestLosesCallbacksWithoutAListener(t *testing.T) {
	c := open(t, simulator.Config{})
	id := c.enable(devices(0, 3)...)
	c.settle()
	sum := c.sim.Book().Summary()
	if sum.Callbacks != (simulator.CallbackCounts{Lost: 3, Unheard: 3}) || sum.InFlight != 0 ||
		sum.Devices["success"] != 3 {
		t.Errorf("book: %+v", sum)
	}
	if got := c.sim.Book().Incidents(); len(got) != 1 || got[0].Kind != simulator.Unheard || got[0].RequestID != id {
		t.Errorf("incidents: %+v", got)
	}
	if got := c.device(eid(0)).Told; got != "" {
		t.Errorf("told %q", got)
	}
}

func TestResendsThreeTimesAtFiveMinutesThenGivesUp(t *testing.T) {
	clock := newClock()
	heard := make(chan int, 10)
	c := open(t, simulator.Config{Now: clock.Now})
	in := listen(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		heard <- n
	})
	c.registerAt(account, in.url)
	c.enable(device(1))
	<-heard
	for n := 2; n <= 4; n++ {
		c.booked(func(s simulator.Summary) bool { return s.Callbacks.Sent == n-1 })
		if sum := c.sim.Book().Summary(); sum.Undelivered != 1 || sum.InFlight != 0 {
			t.Fatalf("before resend %d: %+v", n, sum)
		}
		clock.jump(5 * time.Minute)
		c.sim.Wake()
		<-heard
	}
	c.settle()
	for i, one := range in.all(t) {
		if one.Count != i+1 || one.Most != 4 {
			t.Errorf("delivery %d: callbackCount %d of %d", i+1, one.Count, one.Most)
		}
	}
	if got := c.sim.Book().Summary().Callbacks; got != (simulator.CallbackCounts{Sent: 4, Failed: 4, Resent: 3, Lost: 1}) {
		t.Errorf("book: %+v", got)
	}
}

func TestResendsAtOnceToAListenerThatIsTooSlow(t *testing.T) {
	c := open(t, simulator.Config{Moods: simulator.Moods{DeliveryTimeout: 50 * time.Millisecond}})
	in := listen(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			<-r.Context().Done() // the carrier hangs up
		}
		w.WriteHeader(http.StatusOK)
	})
	c.registerAt(account, in.url)
	c.enable(device(1))
	c.settle()
	want := simulator.CallbackCounts{Sent: 2, Failed: 1, Acknowledged: 1, Resent: 1}
	if got := c.sim.Book().Summary().Callbacks; got != want {
		t.Errorf("book: %+v", got)
	}
	if got := in.all(t); got[1].Count != 2 || c.device(eid(1)).Told != "success" {
		t.Errorf("second delivery %+v", got[1])
	}
}

func TestFollowsNoRedirectOfAListener(t *testing.T) {
	c := open(t, simulator.Config{Moods: simulator.Moods{Resends: []time.Duration{}}})
	in := listen(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	c.registerAt(account, in.url)
	c.enable(device(1))
	c.settle()
	if got := c.sim.Book().Summary().Callbacks; got != (simulator.CallbackCounts{Sent: 1, Failed: 1, Lost: 1}) {
		t.Errorf("book: %+v", got)
	}
}

func TestIsResolvedBeforeItsListenerCanKnow(t *testing.T) {
	c := open(t, simulator.Config{})
	inFlight := make(chan int, 1)
	in := listen(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		inFlight <- c.sim.Book().Summary().InFlight
		w.WriteHeader(http.StatusOK)
	})
	c.registerAt(account, in.url)
	c.enable(device(1))
	if got := <-inFlight; got != 0 {
		t.Errorf("%d in flight while the callback is being delivered", got)
	}
	c.settle()
}

func TestSilentDevicesAreResolvedEvenWhileEveryCourierIsHeldUp(t *testing.T) {
	c := open(t, simulator.Config{Connections: 1, Moods: simulator.Moods{Silent: 0.5}})
	held, release := context.WithCancel(t.Context())
	in := listen(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		<-held.Done()
		w.WriteHeader(http.StatusOK)
	})
	c.registerAt(account, in.url)
	c.enable(devices(0, 100)...)
	c.booked(func(s simulator.Summary) bool {
		speaking := 100 - s.Callbacks.Silent
		return s.Devices["pending"] == 0 && s.Callbacks.Silent > 20 && s.InFlight == speaking-1
	})
	release()
	c.settle()
	if got := c.sim.Book().Summary().InFlight; got != 0 {
		t.Errorf("%d in flight at the end", got)
	}
}

// booked waits until the book's figures are as wanted. They change inside the simulator, out of a test's sight.
func (c *carrier) booked(wanted func(simulator.Summary) bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !wanted(c.sim.Book().Summary()) {
		select {
		case <-ctx.Done():
			c.t.Fatalf("never booked: %+v", c.sim.Book().Summary())
		case <-tick.C:
		}
	}
}
