package acceptance_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// joinDevices is the fleet whose rows must all come back.
const joinDevices = 100_000

// After a night with kills, a pause and another round, the join gives every row of the file back, in the file's order and
// to the letter, with one outcome each: the devices' as the carrier's book has it, the rejected and repeated rows too.
func TestEveryRowComesBackAfterANightOfTrouble(t *testing.T) {
	t.Parallel()
	n := newNight(t, "--latency", "50ms-500ms", "--offline", "0.05", "--offline-attempts", "1", "--faulty", "0.01",
		"--duplicates", "0.01")
	n.set("RATE_REQUESTS", "4/s")
	listener := n.servePlain()
	worker := n.start("work")
	text := append(uglyFleet(joinDevices), repeatedRows()...)
	fleet := filepath.Join(n.folder, "fleet.csv")
	if err := os.WriteFile(fleet, text, 0o600); err != nil {
		t.Fatal(err)
	}
	id := n.imported(fleet, "--skip-rejects", "--attempts", "1", "--batch-size", "2500", "--answer-within", "40s",
		"--doubt-grace", "10s", "--backoff", "1s")
	n.until(func() bool { return n.show(id).Counts["succeeded"] > 0 })
	worker.stop(syscall.SIGKILL)
	worker = n.start("work")
	n.run(0, "jobs", "pause", id, "--reason", "lunch")
	n.until(func() bool { return n.show(id).Counts["submitting"] == 0 })
	listener.stop(syscall.SIGKILL)
	address := strings.TrimSuffix(strings.TrimPrefix(n.setting("CALLBACK_URL"), "http://"), "/callbacks/thingspace")
	n.startBinary(plainBinary, "serve", "--callback-listen", address)
	n.run(0, "jobs", "resume", id)
	first := n.watch(id, 3)
	n.run(0, "jobs", "retry", id, "--only", "failed,unanswered", "--now")
	worker.stop(syscall.SIGKILL)
	n.start("work")
	last := n.watch(id, 3)
	if first.Counts["failed"] <= last.Counts["failed"] || last.Counts["failed"] == 0 || last.Devices != joinDevices {
		t.Errorf("the job ended as %v, and after another round as %v", first.Counts, last.Counts)
	}
	n.cameBack(n.run(0, "results", id, "--join", fleet), text, last)
}

// repeatedRows are rows of uglyFleet once more.
func repeatedRows() []byte {
	rows := bytes.SplitAfter(uglyFleet(1500), []byte("\r\n"))
	return bytes.Join(rows[1:len(rows)-1], nil)
}

// cameBack holds what the join wrote against the text of the file and the job's own counts.
func (n *night) cameBack(joined, text []byte, ended job) {
	n.t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(joined), "\n"), "\n")
	rows := strings.Split(strings.TrimSuffix(strings.TrimPrefix(string(text), "\uFEFF"), "\r\n"), "\r\n")
	if len(lines) != len(rows) {
		n.t.Fatalf("%d lines came for %d rows", len(lines), len(rows))
	}
	records, err := csv.NewReader(bytes.NewReader(joined)).ReadAll()
	if err != nil || len(records) != len(rows) {
		n.t.Fatalf("%d records, %v", len(records), err)
	}
	counts, state := make(map[string]int64), make(map[string]string) // the states of devices, by their EID
	rejected, repeats := 0, 0
	for i, record := range records {
		if !strings.HasSuffix(lines[i], ","+rows[i]) {
			n.t.Fatalf("row %d came back as %s, and was %s", i, lines[i], rows[i])
		}
		if i == 0 {
			continue
		}
		if record[1] == "rejected" {
			rejected++
			continue
		}
		eid := record[len(record)-1]
		if known, repeated := state[eid]; repeated && known != record[1] || repeated != (record[8] != "") {
			n.t.Fatalf("row %d repeats a device that is %s as %v", i, known, record[:9])
		} else if repeated {
			repeats++
			continue
		}
		state[eid] = record[1]
		counts[record[1]]++
	}
	if bad := bytes.Count(text, []byte("bad, row")); rejected != bad || len(state) != joinDevices || len(rows) != 1+bad+repeats+joinDevices {
		n.t.Errorf("%d rows: %d devices, %d repeated, %d rejected of %d", len(rows), len(state), repeats, rejected, bad)
	}
	for name, count := range ended.Counts {
		if counts[name] != count {
			n.t.Errorf("%d devices are %s by the join, %d by the job", counts[name], name, count)
		}
	}
}
