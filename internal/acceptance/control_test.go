package acceptance_test

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// A fleet that is paused and resumed, whose failures get another round, with one device cancelled and one process killed: at
// the end each device has one outcome, and the log tells who did what.
func TestAJobIsPausedResumedAndRetried(t *testing.T) {
	t.Parallel()
	const devices = 5000
	n := newBriefNight(t, "--offline", "0.3", "--offline-attempts", "1", "--duplicates", "0.02")
	n.set("OPERATOR", "ann")
	n.set("RATE_REQUESTS", "2/s") // ten seconds for the whole fleet: a busy machine still finds it running
	n.serve()
	worker := n.start("work")
	id := n.imported(n.fleet(devices), append(quick, "--batch-size", "250", "--attempts", "1")...)
	n.until(func() bool { return n.show(id).Counts["succeeded"] > 0 })
	n.run(0, "jobs", "pause", id, "--reason", "to look at it")
	n.run(4, "jobs", "pause", id)
	n.until(func() bool { s := n.show(id); return s.Counts["submitted"]+s.Counts["submitting"] == 0 })
	stood := n.show(id)
	if stood.State != "paused" || !strings.Contains(stood.Hold, "paused by ann: to look at it") ||
		stood.Counts["pending"]+stood.Counts["queued"] == 0 {
		t.Errorf("paused as %+v", stood)
	}
	requests := len(n.requests())
	last := n.eids[devices-1]
	n.run(0, "jobs", "cancel", id, "--device", last, "--reason", "sold")
	worker.stop(syscall.SIGKILL)
	n.start("work")
	n.run(4, "jobs", "approve", id)
	if got := len(n.requests()); got != requests {
		t.Errorf("%d requests were made while it was paused", got-requests)
	}
	n.run(0, "jobs", "resume", id)
	ended := n.watch(id, 3)
	if ended.Counts["failed"] == 0 || ended.Counts["cancelled"] != 1 {
		t.Fatalf("it ended as %v", ended.Counts)
	}
	n.run(2, "jobs", "retry", id, "--only", "succeeded")
	n.run(1, "jobs", "retry", id, "--fault", "no.such.fault")
	n.run(0, "jobs", "retry", id, "--only", "failed,unanswered", "--now", "--reason", "they are on now")
	again := n.watch(id, 3)
	if again.Counts["succeeded"] != devices-1 || again.Counts["cancelled"] != 1 {
		t.Errorf("after another round: %v", again.Counts)
	}
	rows := n.results(id)
	if len(rows) != devices || rows[devices-1]["state"] != "cancelled" || rows[devices-1]["eid"] != last {
		t.Errorf("%d rows, the last %v", len(rows), rows[len(rows)-1])
	}
	n.run(0, "jobs", "retry", id, "--only", "cancelled", "--now")
	n.watch(id, 0)
	log := string(n.run(0, "jobs", "log", id, "-o", "csv"))
	for _, act := range []string{
		"imported", "paused,to look at it", "devices cancelled", "resumed", "retried", "they are on now", "finished",
	} {
		if !strings.Contains(log, act) {
			t.Errorf("the log does not tell of %q:\n%s", act, log)
		}
	}
	story := string(n.run(0, "device", last))
	if !strings.Contains(story, "cancelled") || !strings.Contains(story, "attempt 1") || !strings.Contains(story, "retried by ann") {
		t.Errorf("the story of a device:\n%s", story)
	}
}

// One eUICC never stands in two unfinished jobs, by a retry neither.
func TestARetryIsRefusedForDevicesOfAnotherJob(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--fail-account", account1+"=1")
	n.serve()
	n.start("work")
	fleet := n.fleetOf(account1, 0, 50)
	first := n.imported(fleet, quick...)
	n.watch(first, 3)
	n.imported(fleet, append(quick, "--again", "--start", "tomorrow 22:00")...)
	n.run(4, "jobs", "retry", first, "--now")
	if got := n.show(first); got.State != "finished" || got.Counts["failed"] != 50 {
		t.Errorf("a refused retry left %+v", got)
	}
}

// What is closed sends nothing and says until when; a large job waits for a second person; a window sends its share.
func TestWhatMustWaitSaysUntilWhenAndWhy(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t)
	n.set("OPERATOR", "ann")
	n.set("APPROVE_ABOVE", "100")
	n.serve()
	n.start("work")
	waits := n.imported(n.fleetOf(account1, 0, 50), append(quick, "--start", "tomorrow 22:00", "--tz", "Europe/Berlin")...)
	n.until(func() bool { return strings.HasPrefix(n.show(waits).Hold, "until ") })
	now := time.Now().UTC()
	window := now.Add(-2*time.Hour).Format("15:00-") + now.Add(2*time.Hour).Format("15:00")
	large := n.imported(n.fleetOf(account1, 50, 200),
		append(quick, "--window", window, "--tz", "UTC", "--per-window", "150", "--batch-size", "50")...)
	n.run(4, "jobs", "resume", large)
	n.run(4, "jobs", "approve", large)
	n.set("OPERATOR", "bob")
	n.run(0, "jobs", "approve", large, "--reason", "numbers agree")
	n.until(func() bool { return n.show(large).Counts["succeeded"] == 150 })
	if got := n.show(large); got.State != "running" || got.Counts["queued"]+got.Counts["pending"] != 50 {
		t.Errorf("a window of 150 devices: %+v", got)
	}
	n.until(func() bool {
		return strings.Contains(n.show(large).Hold, "this window has sent 150 of its 150 devices")
	})
	if len(n.requests()) != 3 {
		t.Errorf("the carrier saw %d requests", len(n.requests()))
	}
}
