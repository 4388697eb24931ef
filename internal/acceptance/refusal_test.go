package acceptance_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simshift/simshift/internal/madeup"
)

// fleet writes a plain CSV of made-up devices.
func (n *night) fleet(devices int) string {
	n.t.Helper()
	var b strings.Builder
	b.WriteString("eid,iccid,imei,account,plan\n")
	n.eids = nil
	for i := range devices {
		d := madeup.Device(i)
		n.eids = append(n.eids, d.EID)
		fmt.Fprintf(&b, "%s,%s,%s,0000123456-00001,Global 5MB\n", d.EID, d.ICCID, d.IMEI)
	}
	path := filepath.Join(n.folder, "fleet.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		n.t.Fatal(err)
	}
	return path
}

func TestAPoisonDeviceIsFoundByHalvingAndFailsAlone(t *testing.T) {
	t.Parallel()
	const bad = 1234
	n := newNight(t, "--latency", "1ms-20ms", "--poison", madeup.Device(bad).EID)
	n.env = append(n.env, "SIMSHIFT_RATE_REQUESTS=0")
	n.serve()
	n.start("work")
	ended := n.watch(n.imported(n.fleet(2000)), 3)
	if ended.Counts["succeeded"] != 1999 || ended.Counts["failed"] != 1 || ended.Attempts != 2000 {
		t.Errorf("the job ended as %+v", ended)
	}
	if row := n.results(ended.ID)[bad]; row["state"] != "failed" || row["reason"] != "refused" ||
		!strings.HasSuffix(row["fault"], "INPUT_INVALID.Device.Identifier.Invalid") {
		t.Errorf("%v", row)
	}
	if ended.Requests > 2*11+1 {
		t.Errorf("%d requests for one bad device of 2,000", ended.Requests)
	}
	n.agree(ended.ID)
}

func TestADroppedAnswerIsAdoptedByItsCallbacks(t *testing.T) {
	t.Parallel()
	n := newNight(t, "--latency", "100ms-500ms", "--at", "1=drop")
	n.serve()
	n.start("work")
	ended := n.watch(n.imported(n.fleet(500)), 0)
	if ended.Requests != 1 || ended.Repeats != 0 {
		t.Errorf("a request whose callbacks came was sent again: %+v", ended)
	}
	if rows := n.results(ended.ID); rows[0]["request_id"] == "" {
		t.Error("the batch did not learn its request id from its callbacks")
	}
}

func TestARequestThatWasLostIsSentAgainAfterItsGrace(t *testing.T) {
	t.Parallel()
	n := newNight(t, "--latency", "1ms-20ms", "--at", "1=reset")
	n.env = append(n.env, "SIMSHIFT_THINGSPACE_TIMEOUT=1s")
	n.serve()
	n.start("work")
	ended := n.watch(n.imported(n.fleet(100), "--doubt-grace", "2s"), 0)
	if ended.Requests != 2 || ended.Repeats != 100 || ended.Counts["succeeded"] != 100 {
		t.Errorf("the job ended as %+v", ended)
	}
	if sum := n.summary(); sum.DoubleInFlight != 0 || sum.Accepts != 100 {
		t.Errorf("the carrier's book: %+v", sum)
	}
}

func TestAnothersListenerIsNotOverwrittenUnasked(t *testing.T) {
	t.Parallel()
	n := newNight(t, "--latency", "1ms-20ms")
	own := n.env
	n.env = append(n.env, "SIMSHIFT_CALLBACK_URL=http://127.0.0.1:9001/somebody-else")
	n.run(0, "callbacks", "register", "--account", "0000123456-00001")
	n.env = own
	n.serve()
	n.start("work")
	id := n.imported(n.fleet(10))
	n.until(func() bool {
		return strings.Contains(string(n.ask("jobs", "show", id)), "sends its callbacks to http://127.0.0.1:9001/somebody-else")
	})
	if sum := n.summary(); sum.Requests != 0 {
		t.Fatalf("%d requests were sent whose callbacks would go to somebody else", sum.Requests)
	}
	n.run(4, "callbacks", "register", "--account", "0000123456-00001")
	n.run(0, "callbacks", "register", "--account", "0000123456-00001", "--replace")
	if list := string(n.run(0, "callbacks", "list", "--account", "0000123456-00001", "-o", "json")); strings.Contains(list, "somebody-else") ||
		strings.Contains(list, "hush") {
		t.Errorf("listeners: %s", list)
	}
}

func TestACancelledJobSettlesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	n := newNight(t, "--latency", "6s-7s", "--offline", "1")
	n.env = append(n.env, "SIMSHIFT_RATE_REQUESTS=1/h") // one batch goes, the others wait; it is cancelled before answers come
	n.serve()
	n.start("work")
	id := n.imported(n.fleet(300), "--batch-size", "100")
	n.until(func() bool { sum := n.summary(); return sum.Requests > 0 })
	n.run(0, "jobs", "cancel", id, "--reason", "a test")
	ended := n.watch(id, 3)
	if ended.State != "cancelled" || ended.Counts["cancelled"] != 200 || ended.Counts["failed"] != 100 {
		t.Errorf("the job ended as %+v", ended)
	}
}

func TestThePublicListenerServesNothingButCallbacks(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	address := n.start("serve", "--callback-listen", "127.0.0.1:0").says(listens)
	for _, ask := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodGet, "/metrics", http.StatusNotFound},
		{http.MethodGet, "/debug/pprof/", http.StatusNotFound},
		{http.MethodGet, "/callbacks/thingspace", http.StatusMethodNotAllowed},
		{http.MethodPost, "/callbacks/other", http.StatusNotFound},
	} {
		request, err := http.NewRequestWithContext(t.Context(), ask.method, "http://"+address+ask.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != ask.want {
			t.Errorf("%s %s: %d, want %d", ask.method, ask.path, response.StatusCode, ask.want)
		}
	}
}
