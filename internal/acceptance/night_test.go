package acceptance_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/simshift/simshift/internal/app" // what is built and run below: go test must not keep an old result
	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/thingspace/simulator"
)

// binary is the program under test, built once with the race detector. The carrier is the same program without it: the
// judge has tests of its own, and a slow one would make answers late that are on time.
var binary, carrierBinary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "simshift-acceptance-")
	if err == nil {
		_, err = os.ReadDir("../../cmd/simshift") // the same reason: a main can not be imported
	}
	if err == nil {
		binary, carrierBinary = filepath.Join(folder, "simshift"), filepath.Join(folder, "carrier")
		err = errors.Join(build("-race", "-o", binary), build("-o", carrierBinary))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

func build(args ...string) error {
	args = append(append([]string{"build"}, args...), "github.com/simshift/simshift/cmd/simshift")
	cmd := exec.CommandContext(context.Background(), "go", args...) // our own words
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// night is a whole deployment for one test: Redis, the carrier, and whatever processes the test starts.
type night struct {
	t       *testing.T
	redis   *redistest.Server
	env     []string
	carrier string // its address
	folder  string
}

func newNight(t *testing.T, simulatorArgs ...string) *night {
	t.Helper()
	n := &night{t: t, redis: redistest.Start(t), folder: t.TempDir()}
	n.env = append(os.Environ(), "SIMSHIFT_REDIS_URL="+n.redis.URL(),
		"SIMSHIFT_THINGSPACE_KEY=key", "SIMSHIFT_THINGSPACE_SECRET=secret", "SIMSHIFT_THINGSPACE_USERNAME=user",
		"SIMSHIFT_THINGSPACE_PASSWORD=pass", "SIMSHIFT_CALLBACK_USERNAME=carrier", "SIMSHIFT_CALLBACK_PASSWORD=hush",
		"SIMSHIFT_SWEEP_EVERY=1s", "SIMSHIFT_THINGSPACE_TIMEOUT=15s")
	p := n.startBinary(carrierBinary, append([]string{"simulator", "--listen", "127.0.0.1:0"}, simulatorArgs...)...)
	n.carrier = p.says(`address=(http://\S+)`)
	n.env = append(n.env, "SIMSHIFT_THINGSPACE_URL="+n.carrier+"/api")
	return n
}

// serve starts a listener and makes its address the one that workers register.
func (n *night) serve() *process {
	n.t.Helper()
	p := n.start("serve", "--callback-listen", "127.0.0.1:0")
	n.env = append(n.env, "SIMSHIFT_CALLBACK_URL=http://"+p.says(`address=(127\.0\.0\.1:\d+)`)+"/callbacks/thingspace")
	return p
}

// process is a running simshift.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when all output is read and the process is gone

	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and made anew with each line
}

// start runs a long-lived command. It is ended with SIGTERM when the test ends, and must end well then.
func (n *night) start(args ...string) *process {
	n.t.Helper()
	return n.startBinary(binary, args...)
}

func (n *night) startBinary(binary string, args ...string) *process {
	n.t.Helper()
	p := &process{t: n.t, name: args[0], ended: make(chan struct{}), more: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(n.t.Context()), binary, args...) // our own binary
	p.cmd.Env = n.env
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go p.read(pipe)
	n.t.Cleanup(func() { p.stop(syscall.SIGTERM) })
	return p
}

func (p *process) read(pipe io.Reader) {
	defer close(p.ended)
	scanner := bufio.NewScanner(pipe)
	for scanner.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, scanner.Text())
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // the exit state is asked for where it matters
}

// says waits until the process has written a line that matches, and gives what the first group caught.
func (p *process) says(pattern string) string {
	p.t.Helper()
	wanted := regexp.MustCompile(pattern)
	late := time.After(30 * time.Second)
	for from := 0; ; {
		p.mu.Lock()
		lines, more := p.lines, p.more
		p.mu.Unlock()
		for ; from < len(lines); from++ {
			if found := wanted.FindStringSubmatch(lines[from]); found != nil {
				return found[len(found)-1]
			}
		}
		select {
		case <-more:
		case <-p.ended:
			p.t.Fatalf("%s ended without saying %q:\n%s", p.name, pattern, strings.Join(p.lines, "\n"))
		case <-late:
			p.t.Fatalf("%s does not say %q:\n%s", p.name, pattern, strings.Join(lines, "\n"))
		}
	}
}

// stop ends the process with a signal and waits until it is gone.
func (p *process) stop(signal syscall.Signal) {
	p.t.Helper()
	select {
	case <-p.ended:
		return
	default:
	}
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		p.t.Errorf("%s did not end within 30 s of %v", p.name, signal)
		return
	}
	if signal == syscall.SIGTERM && !p.cmd.ProcessState.Success() {
		p.t.Errorf("%s ended with %v:\n%s", p.name, p.cmd.ProcessState, strings.Join(p.lines, "\n"))
	}
	for _, line := range p.lines {
		if strings.Contains(line, "DATA RACE") {
			p.t.Errorf("%s has a data race:\n%s", p.name, strings.Join(p.lines, "\n"))
			return
		}
	}
}

// run runs a command to its end and gives its standard output.
func (n *night) run(wantCode int, args ...string) []byte {
	n.t.Helper()
	var out, talk bytes.Buffer
	cmd := exec.CommandContext(n.t.Context(), binary, args...) // our own binary
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = n.env, &out, &talk, n.folder
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		n.t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != wantCode {
		n.t.Fatalf("simshift %s ended with %d, not %d\n%s", strings.Join(args, " "), code, wantCode, talk.String())
	}
	return out.Bytes()
}

// job is the part of `jobs show -o json` that the tests look at.
type job struct {
	ID       string           `json:"id"`
	State    string           `json:"state"`
	Devices  int64            `json:"devices"`
	Counts   map[string]int64 `json:"counts"`
	Attempts int64            `json:"attempts"`
	Repeats  int64            `json:"repeats"`
	Requests int64            `json:"requests"`
}

// import imports a file and gives the job's id.
func (n *night) imported(fleet string, args ...string) string {
	n.t.Helper()
	return strings.TrimSpace(string(n.run(0, append([]string{"import", fleet, "--target", "global"}, args...)...)))
}

// watch follows a job to its end.
func (n *night) watch(id string, wantCode int) (j job) {
	n.t.Helper()
	n.decode(n.run(wantCode, "jobs", "watch", id, "--every", "100ms", "-o", "json"), &j)
	return j
}

func (n *night) decode(text []byte, into any) {
	n.t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		n.t.Fatalf("%v in %s", err, text)
	}
}

// page reads a page of the carrier's book.
func (n *night) page(path string) []byte {
	n.t.Helper()
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, n.carrier+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return text
}

// book reads the carrier's figures and its devices, by EID.
func (n *night) book() (sum simulator.Summary, devices map[string]simulator.DeviceEntry) {
	n.t.Helper()
	n.decode(n.page("/_simulator/book"), &sum)
	devices = make(map[string]simulator.DeviceEntry)
	for line := range bytes.Lines(n.page("/_simulator/devices")) {
		var d simulator.DeviceEntry
		n.decode(line, &d)
		devices[d.EID] = d
	}
	return sum, devices
}

// results reads a job's results, as maps by column.
func (n *night) results(id string) []map[string]string {
	n.t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(n.run(0, "results", id))).ReadAll()
	if err != nil {
		n.t.Fatal(err)
	}
	var list []map[string]string
	for _, row := range rows[1:] {
		fields := make(map[string]string, len(row))
		for i, field := range row {
			fields[rows[0][i]] = field
		}
		list = append(list, fields)
	}
	return list
}

// agree holds every device's result against the carrier's book: what the carrier finally said is what we say.
func (n *night) agree(id string) {
	n.t.Helper()
	_, devices := n.book()
	wrong := 0
	complain := func(row map[string]string, entry simulator.DeviceEntry) {
		if wrong++; wrong <= 5 {
			n.t.Errorf("row %s is %s (%s, %s), but the carrier's book says %+v", row["row"], row["state"], row["reason"], row["fault"], entry)
		}
	}
	for _, row := range n.results(id) {
		entry, seen := devices[row["eid"]]
		switch row["state"] {
		case "succeeded":
			if entry.Final != "success" || entry.ICCID != row["iccid"] {
				complain(row, entry)
			}
		case "failed":
			refused := row["reason"] == "refused" && !seen
			if !refused && (entry.Final != "failed" || entry.Fault != row["fault"]) {
				complain(row, entry)
			}
		case "unanswered":
			if entry.Told != "" && entry.Fault != row["fault"] { // said too late is shown, but changes nothing
				complain(row, entry)
			}
		case "mismatched":
			if entry.Final != "contradicted" {
				complain(row, entry)
			}
		default:
			complain(row, entry)
		}
	}
	if wrong > 5 {
		n.t.Errorf("and %d more", wrong-5)
	}
}
