package acceptance_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madeup"
)

// A carrier at its worst, and processes that die without a word: every device still ends as the carrier's book says.
func TestKillsWhileTheCarrierMisbehavesCostNothing(t *testing.T) {
	t.Parallel()
	const devices, poisoned = 25_000, 12_345
	n := newNight(t, "--latency", "100ms-1s", "--seed", "11", "--offline", "0.05", "--duplicates", "0.05",
		"--at", "1=early", "--at", "2=429:3", "--at", "3=expire", "--at", "4=drop", "--poison", madeup.Device(poisoned).EID,
		"--resend", "200ms", "--resend", "500ms", "--resend", "1s", "--resend", "2s", "--resend", "4s", "--resend", "8s")
	n.env = append(n.env, "SIMSHIFT_RATE_REQUESTS=10/s", "SIMSHIFT_THINGSPACE_TIMEOUT=3s")
	listener := n.servePlain()
	address := strings.TrimSuffix(strings.TrimPrefix(n.setting("CALLBACK_URL"), "http://"), "/callbacks/thingspace")
	workers := []*process{n.start("work"), n.start("work")}
	id := n.imported(n.fleet(devices), "--batch-size", "2500", "--attempts", "6", "--answer-within", "40s", "--backoff", "1s",
		"--backoff-max", "2s", "--doubt-grace", "6s")

	kills := 0
	for deadline := time.Now().Add(6 * time.Minute); n.open(id); {
		if time.Now().After(deadline) {
			t.Fatalf("devices are left open: %s", n.ask("jobs", "show", id))
		}
		<-time.After(2 * time.Second)
		victim := kills % 3
		if victim == 2 {
			listener.stop(syscall.SIGKILL)
			listener = n.startBinary(plainBinary, "serve", "--callback-listen", address)
			listener.says(listens)
		} else {
			workers[victim].stop(syscall.SIGKILL)
			workers[victim] = n.start("work")
			workers[victim].says(works)
		}
		kills++
	}
	ended := n.watch(id, 3)
	if ended.State != "finished" || ended.Counts["failed"] != 1 || ended.Counts["succeeded"] != devices-1 {
		t.Errorf("the job ended as %+v", ended)
	}
	n.agree(id)
	if sum := n.summary(); sum.Locked || sum.LoginsFailed != 0 || sum.LargestRequest > 2500 {
		t.Errorf("the carrier's book: %+v", sum)
	}
	t.Logf("%d kills, %d requests, %d attempts, %d repeats", kills, ended.Requests, ended.Attempts, ended.Repeats)
}

// open tells whether a job still runs.
func (n *night) open(id string) bool {
	n.t.Helper()
	var j job
	n.decode(n.ask("jobs", "show", id, "-o", "json"), &j)
	return j.State == "running"
}
