package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/simshift/simshift/internal/app" // what is built and run below: go test must not keep an old result
)

// The flags that `make bench` sets. Without them a small fleet shows that the harness works, and nothing is written down.
var (
	rows  = flag.Int("rows", 2000, "devices of a fleet; part scale takes a tenth and ten times as many")
	runs  = flag.Int("runs", 1, "how often everything is measured")
	only  = flag.String("only", "", "the parts to measure, as import,callbacks; empty: all")
	write = flag.String("write", "", "the folder of performance.md and performance.json, whose figures are to be replaced")
)

// The programs under test, and the folder they and the fleets are in.
var simshift, yardstick, workshop string

func TestMain(m *testing.M) {
	flag.Parse()
	folder, err := os.MkdirTemp("", "simshift-bench-")
	if err == nil {
		_, err = os.ReadDir("../../cmd/simshift") // the same reason: a main can not be imported
	}
	if err == nil {
		workshop, simshift, yardstick = folder, filepath.Join(folder, "simshift"), filepath.Join(folder, "yardstick")
		err = errors.Join(build(simshift, "cmd/simshift"), build(yardstick, "internal/bench/yardstick"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

func build(path, program string) error {
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", path, "github.com/simshift/simshift/"+program)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// part measures a few things that belong together. It is run several times; within a run what is compared takes turns.
type part struct {
	name    string
	measure func(t *testing.T, f figures)
}

var parts = []part{
	{"import", measureImport},
	{"callbacks", measureCallbacks},
	{"job", measureJob},
	{"limit", measureLimit},
	{"scale", measureScale},
	{"spread", measureSpread},
	{"console", measureConsole},
}

func TestPerformance(t *testing.T) {
	if *rows < 1000 {
		t.Fatalf("-rows is %d; a thousand are the least of which something can be said", *rows)
	}
	wanted := chosen(t)
	measured := make(records)
	for _, p := range wanted {
		measured[p.name] = newRecord(t)
	}
	for run := range *runs {
		for _, p := range wanted {
			m := measured[p.name]
			if m == nil {
				continue // a figure of something that went wrong is none
			}
			if !t.Run(fmt.Sprintf("%s/%d", p.name, run+1), func(t *testing.T) { p.measure(t, m.Figures) }) {
				delete(measured, p.name)
			}
		}
	}
	text := measured.table()
	t.Logf("%d devices, %d runs\n%s", *rows, *runs, text)
	if *only == "" && strings.Contains(text, unmeasured) {
		t.Error("some lines have no figure")
	}
	if *write != "" {
		writeDown(t, *write, measured)
	}
}

// chosen is the parts to measure.
func chosen(t *testing.T) []part {
	t.Helper()
	if *only == "" {
		return parts
	}
	var list []part
	for name := range strings.SplitSeq(*only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			t.Fatalf("there is no part %q", name)
		}
		list = append(list, parts[i])
	}
	return list
}
