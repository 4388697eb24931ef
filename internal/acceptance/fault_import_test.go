package acceptance_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestFault15AWorkersClockIs90SecondsAhead(t *testing.T) {
	t.Parallel()
	edits := []edit{clockAhead}
	if *without != "" {
		edits = append(edits, safeguards[*without].edits...)
	}
	n := newBriefNight(t, "--latency", "1s-2s", "--drop-answers", "0.3", "--offline", "0.1")
	n.serve()
	n.start("work")
	n.startBinary(variant(t, "ahead"+*without, edits...), "work")
	n.ends(n.imported(n.fleet(600), append(brief, "--batch-size", "50")...), time.Minute)
}

func TestFault15OneCSVImportedTwiceAtOnceIsOneJob(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	fleet := n.fleet(20_000)
	var both sync.WaitGroup
	codes := make([]int, 4)
	for i := range codes {
		both.Go(func() {
			cmd := exec.CommandContext(t.Context(), binary, "import", fleet, "--target", "global") // our own binary
			cmd.Env, cmd.Dir = n.env, t.TempDir()
			_ = cmd.Run() // the code says how it ended
			codes[i] = cmd.ProcessState.ExitCode()
		})
	}
	both.Wait()
	created := 0
	for _, code := range codes {
		switch code {
		case 0:
			created++
		case 3, 4: // its devices are held, or the file was imported before
		default:
			t.Errorf("an import ended with %d", code)
		}
	}
	var list []job
	n.decode(n.run(0, "jobs", "list", "-o", "json"), &list)
	if created != 1 || len(list) != 1 || list[0].Devices != 20_000 {
		t.Errorf("imports ended with %v, and there are %d jobs: %+v", codes, len(list), list)
	}
}

func TestFault15AnImportThatIsKilledLeavesNothing(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	fleet := n.fleet(200_000)
	books := n.redis.Client(t)
	p := n.start("import", fleet, "--target", "global")
	n.until(func() bool {
		keys, _ := books.Keys(t.Context(), "simshift:{*}:roster:*").Result()
		return len(keys) > 0
	})
	p.stop(syscall.SIGKILL)
	if list := strings.TrimSpace(string(n.run(0, "jobs", "list", "-o", "json"))); list != "[]" {
		if strings.Contains(list, `"running"`) {
			t.Skip("the import was faster than its murderer")
		}
	}
	id := n.imported(fleet) // waits until the claim of the dead one has run out
	var j job
	n.decode(n.ask("jobs", "show", id, "-o", "json"), &j)
	if j.Devices != 200_000 || j.State != "running" {
		t.Errorf("imported again: %+v", j)
	}
}

func TestFault15AFullDiskIsAClearError(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	fleet := n.fleet(20_000)
	small := filepath.Join(n.folder, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small disk can not be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(small, 0) })
	var talk bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, "import", fleet, "--target", "global") // our own binary
	cmd.Env, cmd.Dir, cmd.Stderr = append(n.env, "TMPDIR="+small), n.folder, &talk
	_ = cmd.Run() // the code says how it ended
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(talk.String(), "no space left on device") ||
		!strings.Contains(talk.String(), "TMPDIR") {
		t.Errorf("ended with %d:\n%s", code, talk.String())
	}
	if list := strings.TrimSpace(string(n.run(0, "jobs", "list", "-o", "json"))); list != "[]" {
		t.Errorf("it left %s", list)
	}
	n.imported(fleet)
}
