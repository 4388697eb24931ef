package acceptance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/thingspace/simulator"
)

// shown is a job as `jobs show` tells of it, with what stops it.
type shown struct {
	job
	Hold     string `json:"hold"`
	PausedBy string `json:"paused_by"`
	Wave     int    `json:"wave"`
}

func (n *night) show(id string) (s shown) {
	n.t.Helper()
	n.decode(n.ask("jobs", "show", id, "-o", "json"), &s)
	return s
}

// fleetOf writes a fleet of one account: the devices from first on.
func (n *night) fleetOf(account string, first, devices int) string {
	n.t.Helper()
	var b bytes.Buffer
	b.WriteString("eid,iccid,imei,account_name,service_plan\n")
	for i := first; i < first+devices; i++ {
		d := madeup.Device(i)
		n.eids = append(n.eids, d.EID)
		fmt.Fprintf(&b, "%s,%s,%s,%s,Global 5MB\n", d.EID, d.ICCID, d.IMEI, account)
	}
	path := filepath.Join(n.folder, fmt.Sprintf("fleet-%s-%d.csv", account, first))
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		n.t.Fatal(err)
	}
	return path
}

// requests are the carrier's accepted requests, in the order in which they came.
func (n *night) requests() (list []simulator.RequestEntry) {
	n.t.Helper()
	for line := range bytes.Lines(n.page("/_simulator/requests?eids=1")) {
		var r simulator.RequestEntry
		if n.decode(line, &r); r.RequestID != "" {
			list = append(list, r)
		}
	}
	return list
}

// quick is a policy whose answers and retries take seconds.
var quick = []string{"--answer-within", "1m", "--backoff", "1s", "--backoff-max", "2s", "--doubt-grace", "10s"}

// Waves of 100, 5% and the rest over 20,000 devices of two accounts: the carrier's book shows that nothing of a wave was sent
// before the one before it was settled.
func TestNothingOfAWaveIsSentBeforeItsGate(t *testing.T) {
	t.Parallel()
	const devices = 20_000
	n := newNight(t, "--latency", "100ms-600ms", "--seed", "3", "--faulty", "0.01", "--offline", "0.03", "--duplicates", "0.02")
	n.set("RATE_REQUESTS", "20/s")
	n.servePlain()
	n.start("work")
	n.start("work")
	id := n.imported(n.fleet(devices), append(quick, "--waves", "100,5%,100%", "--gate", "90%", "--batch-size", "2000")...)
	ended := n.watch(id, 3)
	if ended.State != "finished" || ended.Counts["succeeded"] < devices*97/100 {
		t.Errorf("the job ended as %+v", ended)
	}
	n.agree(id)
	n.heldWaves(100, 100+devices/20)
	log := string(n.run(0, "jobs", "log", id))
	if got := strings.Count(log, "wave opened"); got != 2 {
		t.Errorf("%d waves were opened:\n%s", got, log)
	}
}

// heldWaves fails the test unless, at the end of each wave, the carrier had told the fate of all that was sent before it heard
// of any further device. Devices are counted at their first request.
func (n *night) heldWaves(ends ...int) {
	n.t.Helper()
	devices := n.devices()
	seen, latest := make(map[string]bool), time.Time{}
	for _, r := range n.requests() {
		before := len(seen)
		for _, eid := range r.EIDs {
			seen[eid] = true
		}
		if len(ends) == 0 || len(seen) == before {
			continue
		}
		if before == ends[0] {
			n.t.Logf("wave up to %d: the last word at %v, the next wave's first request %v later", ends[0],
				latest.Format(time.TimeOnly), r.ReceivedAt.Sub(latest))
			if r.ReceivedAt.Before(latest) {
				n.t.Errorf("a wave began %v before the one before it was settled", latest.Sub(r.ReceivedAt))
			}
			ends = ends[1:]
		}
		if len(ends) > 0 && len(seen) > ends[0] {
			n.t.Fatalf("%d devices were sent in a wave that ends at %d", len(seen), ends[0])
		}
		for _, eid := range r.EIDs {
			if at := devices[eid].LastChange; len(ends) > 0 && at.After(latest) && len(devices[eid].RequestIDs) == 1 {
				latest = at
			}
		}
	}
	if len(ends) > 0 {
		n.t.Errorf("no wave ended at %v", ends)
	}
}

// A wave that fails its gate holds the job; a person opens the next one, or ends the job.
func TestAGateHoldsAndAsks(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--fail-account", account1+"=0.3")
	n.serve()
	n.start("work")
	id := n.imported(n.fleetOf(account1, 0, 1000), append(quick, "--waves", "100,100%", "--gate", "95%")...)
	n.until(func() bool { return n.show(id).State == "paused" })
	held := n.show(id)
	if held.PausedBy != "gate" || !strings.Contains(held.Hold, "jobs resume") || !strings.Contains(held.Hold, "wave 1 of 2") {
		t.Errorf("%q by %q", held.Hold, held.PausedBy)
	}
	if sent := len(n.requests()[0].EIDs); sent != 100 || len(n.requests()) != 1 {
		t.Errorf("the carrier saw %d devices", sent)
	}
	n.run(0, "jobs", "resume", id, "--reason", "they are scrapped cars")
	n.watch(id, 3)
	n.agree(id)
}

const account1, account2 = "0000123456-00001", "0000123456-00002"

// 30% of one account's devices fail: its job brakes within one batch of the threshold and says why; the other job goes on.
func TestTheBrakeStopsTheFailingJobOnly(t *testing.T) {
	t.Parallel()
	const devices, batch = 4000, 200
	n := newBriefNight(t, "--fail-account", account1+"=0.3", "--latency", "100ms-300ms")
	n.set("RATE_REQUESTS", "2/s") // ten seconds for the whole fleet: on a busy machine too most of it is unsent when it brakes
	n.serve()
	n.start("work")
	n.start("work")
	args := append(quick, "--batch-size", fmt.Sprint(batch), "--brake", "10%", "--brake-last", "200", "--brake-least", "200")
	failing := n.imported(n.fleetOf(account1, 0, devices), args...)
	other := n.imported(n.fleetOf(account2, devices, devices), args...)
	n.until(func() bool { return n.show(failing).State == "paused" })
	if ended := n.watch(other, 0); ended.State != "finished" || ended.Counts["succeeded"] != devices {
		t.Errorf("the other job ended as %+v", ended)
	}
	n.until(func() bool { s := n.show(failing); return s.Counts["submitted"]+s.Counts["submitting"] == 0 })
	braked := n.show(failing)
	if braked.PausedBy != "brake" || !strings.Contains(braked.Hold, "REQUEST_FAILED.DeviceNotFound") {
		t.Errorf("%q by %q", braked.Hold, braked.PausedBy)
	}
	after := n.sentAfterThreshold(account1, 200, 0.1)
	t.Logf("%d requests after the threshold, of %d devices: %s", after, devices, braked.Hold)
	if after > 1 {
		t.Errorf("%d batches were sent after the threshold was passed", after)
	}
	n.run(0, "jobs", "resume", failing)
	n.until(func() bool {
		s := n.show(failing)
		return s.State == "paused" && s.Counts["failed"] > braked.Counts["failed"]
	})
	n.run(0, "jobs", "cancel", failing, "--reason", "the account is wrong")
	n.watch(failing, 3)
}

// sentAfterThreshold tells how many requests of an account the carrier took after it had been thanked for so many answers, of
// which such a share were failures.
func (n *night) sentAfterThreshold(account string, least int, share float64) (requests int) {
	n.t.Helper()
	mine := make(map[string]bool)
	for _, r := range n.requests() {
		if r.Account == account {
			mine[r.RequestID] = true
		}
	}
	journal, err := os.ReadFile(n.journal)
	if err != nil {
		n.t.Fatal(err)
	}
	answered, failed, passed := make(map[string]bool), make(map[string]bool), time.Time{}
	for line := range bytes.Lines(journal) {
		var e struct {
			At        time.Time `json:"at"`
			Event     string    `json:"event"`
			RequestID string    `json:"request_id"`
			EID       string    `json:"eid"`
			Outcome   string    `json:"outcome"`
			Status    int       `json:"status"`
		}
		if json.Unmarshal(line, &e) != nil {
			break // the last line, half written
		}
		switch {
		case !mine[e.RequestID]:
		case e.Event == "final":
			failed[e.EID] = e.Outcome == "failed"
		case e.Event == "callback" && e.Status/100 == 2 && passed.IsZero():
			answered[e.EID] = true
			bad := 0
			for eid := range answered {
				if failed[eid] {
					bad++
				}
			}
			if len(answered) >= least && float64(bad) >= share*float64(len(answered)) {
				passed = e.At
			}
		}
	}
	if passed.IsZero() {
		n.t.Fatal("the threshold was never passed")
	}
	for _, r := range n.requests() {
		if mine[r.RequestID] && r.ReceivedAt.After(passed) {
			requests++
		}
	}
	return requests
}

// The job of higher priority sends first, though it came later: by the carrier's book.
func TestTheJobOfHigherPrioritySendsFirst(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t)
	n.set("RATE_REQUESTS", "4/s")
	n.serve()
	n.start("work")
	n.start("work")
	args := append(quick, "--batch-size", "20")
	low := n.imported(n.fleetOf(account1, 0, 800), args...)
	n.until(func() bool { return len(n.requests()) > 2 })
	high := n.imported(n.fleetOf(account2, 800, 400), append(args, "--priority", "5")...)
	n.watch(high, 0)
	first, last, between := -1, -1, 0
	requests := n.requests()
	for i, r := range requests {
		if r.Account == account2 {
			last = i
			if first < 0 {
				first = i
			}
		}
	}
	for _, r := range requests[first:last] {
		if r.Account == account1 {
			between++
		}
	}
	// What has taken its turn before, a turn ahead for each of two workers' tasks, is sent.
	if t.Logf("%d of %d requests were the lower job's", between, last-first); between > 10 {
		t.Errorf("%d requests of the lower job went between those of the higher one", between)
	}
	n.run(0, "jobs", "cancel", low)
}
