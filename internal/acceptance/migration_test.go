package acceptance_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simshift/simshift/internal/madeup"
)

// An ordinary migration on an ordinary bad day, with the whole deployment: one listener, two workers, a real Redis.
func TestAFleetOfTwoAccountsIsMovedAsTheCarriersBookSays(t *testing.T) {
	t.Parallel()
	const devices = 25_000
	// The carrier counts one request a second more than the two workers together may send: those that leave a third of a
	// second apart arrive closer together on a busy machine. Two workers that did not share the limit would send six.
	n := newNight(t, "--latency", "50ms-1s", "--seed", "7", "--limit-requests", "4",
		"--offline", "0.05", "--offline-forever", "0.002", "--faulty", "0.01", "--silent", "0.001", "--lost", "0.002",
		"--warning", "0.01", "--duplicates", "0.03", "--other-profile", "0.03", "--tabular", "0.2",
		"--at", "2=early", "--at", "4=drop", "--at", "6=429:2", "--at", "7=expire")
	n.env = append(n.env, "SIMSHIFT_RATE_REQUESTS=3/s")
	n.servePlain()
	n.start("work")
	n.start("work")

	fleet := filepath.Join(n.folder, "fleet.csv")
	if err := os.WriteFile(fleet, uglyFleet(devices), 0o600); err != nil {
		t.Fatal(err)
	}
	policy := []string{"--attempts", "2", "--answer-within", "40s", "--backoff", "1s", "--backoff-max", "2s", "--doubt-grace", "30s"}
	n.run(3, append([]string{"import", fleet, "--target", "global"}, policy...)...)
	rejects, err := os.ReadFile(filepath.Join(n.folder, "fleet.rejected.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(rejects)).ReadAll()
	if err != nil || len(rows) != 1+3 || strings.Join(rows[0], ",") != "row,line,column,code,raw,hint" {
		t.Fatalf("rejects: %v\n%s", err, rejects)
	}
	if list := n.run(0, "jobs", "list", "-o", "json"); strings.TrimSpace(string(list)) != "[]" {
		t.Fatalf("a refused import left a job: %s", list)
	}

	for i := range devices {
		n.eids = append(n.eids, madeup.Device(i).EID)
	}
	id := n.imported(fleet, append(policy, "--skip-rejects")...)
	n.run(4, "import", fleet, "--target", "global", "--skip-rejects") // the same file again
	ended := n.watch(id, 3)

	var total int64
	for _, count := range ended.Counts {
		total += count
	}
	if ended.State != "finished" || ended.Devices != devices || total != devices {
		t.Errorf("the job ended as %+v", ended)
	}
	for _, open := range []string{"pending", "queued", "submitting", "submitted", "retrying"} {
		if ended.Counts[open] != 0 {
			t.Errorf("%d devices are %s", ended.Counts[open], open)
		}
	}
	n.agree(id)
	sum := n.summary()
	if sum.DoubleInFlight != 0 || sum.Oversize != 0 || sum.LargestRequest > 10_000 || sum.RateViolations != 0 {
		t.Errorf("the carrier's book: %+v", sum)
	}
	t.Logf("counts %v, %d requests, %d attempts, %d repeats; the carrier saw %d requests, at most %d in a second",
		ended.Counts, ended.Requests, ended.Attempts, ended.Repeats, sum.Requests, sum.MaxRequestsInSecond)
}

// uglyFleet is a CSV as it really comes: a byte order mark, shuffled columns, a quoted column nobody asked for, missing
// IMEIs, and three rows that are no devices.
func uglyFleet(devices int) []byte {
	var b bytes.Buffer
	b.WriteString("\uFEFFService Plan,IMEI,Notes,ICCID,Account-Name,eid\r\n")
	for i := range devices {
		d := madeup.Device(i)
		if i%7 == 0 {
			d.IMEI = ""
		}
		if i == 100 || i == 2000 || i == 20_000 {
			fmt.Fprintf(&b, "Global 5MB,,\"bad, row\",%s,0000123456-00001,8.90149E+19\r\n", d.ICCID)
		}
		fmt.Fprintf(&b, "Global 5MB,%s,\"bay %d, \"\"north\"\"\",%s,0000123456-%05d,%s\r\n", d.IMEI, i, d.ICCID, 1+i%2, d.EID)
	}
	return b.Bytes()
}
