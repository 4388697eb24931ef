//go:build unix && !race

package csvimport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/simshift/simshift/jobs"
)

// rowsVariable makes the test's own child read that many rows.
const rowsVariable = "CSVIMPORT_TEST_ROWS"

// TestPeakMemoryOfTheProcessStaysWithinTheBudget reads from a pipe in a child process and asks the system for its peak.
// The child's own runtime and test code are in the figure. CSVIMPORT_TEST_ROWS sets another number of rows.
func TestPeakMemoryOfTheProcessStaysWithinTheBudget(t *testing.T) {
	rows := 1_000_000
	if set := os.Getenv(rowsVariable); set != "" {
		rows, _ = strconv.Atoi(set)
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryChild$", "-test.v") // itself
	command.Env = append(os.Environ(), rowsVariable+"="+strconv.Itoa(rows), "CSVIMPORT_TEST_CHILD=1")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Skip("this system does not tell a child's peak memory")
	}
	peak := usage.Maxrss
	if runtime.GOOS != "darwin" {
		peak *= 1024
	}
	budget := int64(64<<20 + 24*rows)
	t.Logf("%d rows: peak %.1f MB of %.1f", rows, float64(peak)/(1<<20), float64(budget)/(1<<20))
	if peak > budget {
		t.Errorf("peak memory %d is over the budget of %d\n%s", peak, budget, out)
	}
}

func TestMemoryChild(t *testing.T) {
	if os.Getenv("CSVIMPORT_TEST_CHILD") == "" {
		t.Skip("runs as a child of the memory test only")
	}
	rows, err := strconv.Atoi(os.Getenv(rowsVariable))
	if err != nil {
		t.Fatal(err)
	}
	fleet, err := Read(t.Context(), &generated{rows: rows}, "", Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	handed := 0
	err = fleet.Chunks(t.Context(), func(_ jobs.Chunk, devices []jobs.Device) error {
		handed += len(devices)
		return nil
	})
	if err = errors.Join(err, fleet.WriteRejects(t.Context(), io.Discard), fleet.Close()); err != nil {
		t.Fatal(err)
	}
	summary := fleet.Summary()
	if int64(handed) != summary.Devices || summary.Rows != int64(rows) || summary.Rejected == 0 || summary.Duplicates == 0 {
		t.Errorf("%d devices handed out of %+v", handed, summary)
	}
}

// generated is a file of a thousand interleaved accounts, made while it is read: one row in fifty is bad, one a
// duplicate, and one contradicts another.
type generated struct {
	rows, next int
	buffer     bytes.Buffer
}

func (g *generated) Read(p []byte) (int, error) {
	if g.next == 0 {
		g.buffer.WriteString(standard)
	}
	for g.buffer.Len() < len(p) && g.next < g.rows {
		switch g.next++; {
		case g.next%50 == 1 && g.next > 1:
			appendRow(&g.buffer, g.next-1000, 1000)
		case g.next%50 == 2:
			fmt.Fprintf(&g.buffer, "%s,\"%s\",,,\n", strings.Repeat("9", 31), "bad")
		case g.next%50 == 3 && g.next > 1000:
			row := fmt.Sprintf("%032d,%019d,,A,P\n", g.next/100, g.next)
			g.buffer.WriteString(row)
		default:
			appendRow(&g.buffer, g.next, 1000)
		}
	}
	return g.buffer.Read(p)
}
