package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/thingspace/simulator"
)

// present and former are the profiles of the i-th device of the fleet after its move and before it.
func present(i int) string { return madeup.Device(i).ICCID }
func former(i int) string  { return madeup.Device(100_000 + i).ICCID }

// leaving writes a fleet whose file tells the former profiles of all devices but the first few.
func (n *night) leaving(devices, unknown int) string {
	n.t.Helper()
	var b strings.Builder
	b.WriteString("eid,iccid,imei,account,plan,Old ICCID\n")
	n.eids = nil
	for i := range devices {
		d, previous := madeup.Device(i), former(i)
		if i < unknown {
			previous = ""
		}
		n.eids = append(n.eids, d.EID)
		fmt.Fprintf(&b, "%s,%s,%s,0000123456-%05d,Global 5MB,%s\n", d.EID, d.ICCID, d.IMEI, 1+i%2, previous)
	}
	path := filepath.Join(n.folder, "fleet.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		n.t.Fatal(err)
	}
	return path
}

// reverted reverts a job and gives the new job's id.
func (n *night) reverted(job string, args ...string) string {
	n.t.Helper()
	return strings.TrimSpace(string(n.run(0, append([]string{"jobs", "revert", job}, args...)...)))
}

// back waits for a way back on which every device succeeds. The judge can not be asked: it knows of one job a device.
func (n *night) back(id string, devices int64) {
	n.t.Helper()
	ended := n.watch(id, 0)
	if ended.Devices != devices || ended.Counts["succeeded"] != devices {
		n.t.Errorf("the way back ended as %+v", ended)
	}
	n.conserved(id, ended)
}

// stands fails the test unless the carrier has these profiles enabled on the devices from one to before another.
func (n *night) stands(from, to int, role string, profile func(i int) string) {
	n.t.Helper()
	book := n.devices()
	for i := from; i < to; i++ {
		if d := book[madeup.Device(i).EID]; d.ICCID != profile(i) || d.Role != role {
			n.t.Fatalf("device %d has %s enabled as %s, not %s as %s", i, d.ICCID, d.Role, profile(i), role)
		}
	}
}

func TestRevertMovesAFleetBackAndForth(t *testing.T) {
	t.Parallel()
	const devices = 300
	n := newBriefNight(t, "--latency", "50ms-500ms", "--offline", "0.1")
	temporary := t.TempDir()
	n.env = append(n.env, "TMPDIR="+temporary)
	n.serve()
	id := n.imported(n.leaving(devices, 0), append(brief, "--revert-plan", "US 5MB", "--name", "spring",
		"--window", "00:00-24:00", "--tz", "America/Chicago", "--waves", "100,100%", "--brake", "X=50%")...)
	n.run(4, "jobs", "revert", id)
	n.start("work")
	n.ends(id, 30*time.Second)
	n.stands(0, devices, simulator.Local, present)

	back := n.reverted("spring", "--reason", "no roaming", "--attempts", "7", "--brake", "Y=50%")
	n.run(4, "jobs", "revert", id) // once is enough
	n.back(back, devices)
	n.stands(0, devices, simulator.Lead, former)
	n.remembers(back, id)

	n.back(n.reverted(back), devices) // its former profiles and plan are known, too
	n.stands(0, devices, simulator.Local, present)
	if left, err := os.ReadDir(temporary); len(left) != 0 || err != nil {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// remembers fails the test unless the way back knows which job it has reverted, and how.
func (n *night) remembers(back, id string) {
	n.t.Helper()
	var told struct {
		Name, Target, File, Reason string
		RevertOf                   string `json:"revert_of"`
		Policy                     struct {
			Attempts   int    `json:"attempts"`
			Backoff    string `json:"backoff"`
			RevertPlan string `json:"revert_plan"`
			Waves      []any  `json:"waves"`
			Schedule   struct {
				TZ      string   `json:"tz"`
				Windows []string `json:"windows"`
			} `json:"schedule"`
			Brake struct {
				Faults map[string]string `json:"faults"`
			} `json:"brake"`
		}
	}
	n.decode(n.ask("jobs", "show", back, "-o", "json"), &told)
	if told.Name != "revert of spring" || told.Target != "us" || told.File != "revert of "+id || told.RevertOf != id ||
		told.Reason != "no roaming" || told.Policy.Attempts != 7 || told.Policy.Backoff != "1s" ||
		told.Policy.RevertPlan != "Global 5MB" || len(told.Policy.Waves) != 2 || told.Policy.Schedule.TZ != "America/Chicago" ||
		len(told.Policy.Schedule.Windows) != 1 || len(told.Policy.Brake.Faults) != 2 {
		n.t.Errorf("the way back tells of itself %+v", told)
	}
	if shown := string(n.ask("jobs", "show", back)); !strings.Contains(shown, id+"  no roaming") {
		n.t.Errorf("the way back is shown as\n%s", shown)
	}
	for _, one := range []string{id, back} {
		if log := string(n.run(0, "jobs", "log", one)); !strings.Contains(log, "no roaming") {
			n.t.Errorf("the log of %s lacks the reason:\n%s", one, log)
		}
	}
}

func TestRevertLeavesNoDeviceBehindUnasked(t *testing.T) {
	t.Parallel()
	const devices, unknown, moved = 60, 10, 59 // the last one is refused
	n := newBriefNight(t, "--latency", "1ms-20ms", "--poison", madeup.Device(moved).EID)
	n.serve()
	work := n.start("work")
	id := n.imported(n.leaving(devices, unknown), brief...)
	n.ends(id, 30*time.Second)

	n.run(2, "jobs", "revert", id) // no plan
	n.run(2, "jobs", "revert", id, "--revert-plan", strings.Repeat("p", 101))
	n.run(4, "jobs", "revert", id, "--revert-plan", "US 5MB")
	back := n.reverted(id, "--revert-plan", "US 5MB", "--only-known", "--window", "00:00-24:00", "--tz", "UTC")
	n.back(back, moved-unknown)
	n.stands(0, unknown, simulator.Local, present)
	n.stands(unknown, moved, simulator.Lead, former)

	work.stop(syscall.SIGTERM)
	holder := n.imported(filepath.Join(n.folder, "fleet.csv"), "--again") // and nobody works on it
	n.run(3, "jobs", "revert", id, "--revert-plan", "US 5MB", "--only-known", "--again")
	rejects, err := os.ReadFile(filepath.Join(n.folder, "revert-of-"+id+".rejected.csv"))
	if err != nil || strings.Count(string(rejects), "the unfinished job "+holder) != moved-unknown {
		t.Errorf("%v\n%s", err, rejects)
	}
}

func TestRevertOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "1ms-20ms", "--poison", madeup.Device(0).EID)
	n.serve()
	n.start("work")
	failed := n.imported(n.leaving(1, 0), brief...)
	n.ends(failed, 30*time.Second)
	n.run(1, "jobs", "revert", failed, "--revert-plan", "US 5MB") // nothing has moved

	plain, d := filepath.Join(n.folder, "plain.csv"), madeup.Device(1) // without a column for it
	if err := os.WriteFile(plain, []byte("eid,iccid,account,plan\n"+d.EID+","+d.ICCID+",0000123456-00001,Global 5MB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.eids = []string{d.EID}
	moved := n.imported(plain, brief...)
	n.ends(moved, 30*time.Second)
	n.run(4, "jobs", "revert", moved, "--revert-plan", "US 5MB", "--only-known")

	var list []job
	n.decode(n.run(0, "jobs", "list", "-o", "json"), &list)
	if len(list) != 2 || list[0].ID != moved || list[1].ID != failed {
		t.Errorf("a refused revert left a job: %+v", list)
	}
}
