package acceptance_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	_ "github.com/simshift/simshift/internal/app" // what is built and run below: go test must not keep an old result
	"github.com/simshift/simshift/internal/checker"
	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/thingspace/simulator"
)

// binary is the program under test, built once with the race detector. The carrier is the same program without it, as is
// whatever is to be fast: the judge has tests of its own, and a slow one would make answers late that are on time.
var binary, plainBinary string

// without names a safeguard that the program under test is to lack; its test must fail then.
var without = flag.String("without", "", "the safeguard that the program is built without, by its name in safeguards_test.go")

// plain takes the race detector off the program under test, where it is to be as fast as it is.
var plain = flag.Bool("plain", false, "test the program without the race detector")

// testsPerProcessor is how many tests run at a time for each processor, unless -parallel says otherwise: they wait for
// deadlines and answers most of the time.
const testsPerProcessor = 2

// binaries is the folder that they are built in.
var binaries string

func TestMain(m *testing.M) {
	// testing has defined the flag, and the command line, which is read after this, may say otherwise.
	_ = flag.Set("test.parallel", strconv.Itoa(testsPerProcessor*runtime.GOMAXPROCS(0)))
	flag.Parse()
	folder, err := os.MkdirTemp("", "simshift-acceptance-")
	if err == nil {
		_, err = os.ReadDir("../../cmd/simshift") // the same reason: a main can not be imported
	}
	if err == nil {
		redis.SetLogger(silent{})
		binaries, binary, plainBinary = folder, filepath.Join(folder, "simshift"), filepath.Join(folder, "plain")
		err = errors.Join(buildTested(), build("-o", plainBinary))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// buildTested builds the program under test, without a safeguard if one is named.
func buildTested() error {
	if *without == "" {
		return build(tested("-o", binary)...)
	}
	path, err := buildVariant(*without, safeguards[*without].edits)
	binary = path
	return err
}

// tested gives the arguments that the program under test is built with.
func tested(args ...string) []string {
	if *plain {
		return args
	}
	return append([]string{"-race"}, args...)
}

// silent drops what the tests' own Redis client says while its server is away.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

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
	journal string // the file that it writes its book to
	folder  string
	eids    []string // of the fleet, in the order of its rows
}

func newNight(t *testing.T, simulatorArgs ...string) *night {
	t.Helper()
	return newNightOn(t, redistest.Start(t), simulatorArgs...)
}

func newNightOn(t *testing.T, redis *redistest.Server, simulatorArgs ...string) *night {
	t.Helper()
	n := &night{t: t, redis: redis, folder: t.TempDir()}
	n.journal = filepath.Join(n.folder, "carrier.jsonl")
	n.env = append(os.Environ(), "SIMSHIFT_REDIS_URL="+n.redis.URL(),
		"SIMSHIFT_THINGSPACE_KEY=key", "SIMSHIFT_THINGSPACE_SECRET=secret", "SIMSHIFT_THINGSPACE_USERNAME=user",
		"SIMSHIFT_THINGSPACE_PASSWORD=pass", "SIMSHIFT_CALLBACK_USERNAME=carrier", "SIMSHIFT_CALLBACK_PASSWORD=hush",
		"SIMSHIFT_SWEEP_EVERY=1s", "SIMSHIFT_THINGSPACE_TIMEOUT=15s", "SIMSHIFT_CONSOLE_LISTEN=off")
	p := n.startBinary(plainBinary, append([]string{"simulator", "--listen", "127.0.0.1:0", "--book", n.journal}, simulatorArgs...)...)
	n.carrier = p.says(`address=(http://\S+)`)
	n.set("THINGSPACE_URL", n.carrier+"/api")
	return n
}

// set changes a setting for whatever is started from now on.
func (n *night) set(name, value string) { n.env = append(n.env, "SIMSHIFT_"+name+"="+value) }

// setting is what a setting was set to last.
func (n *night) setting(name string) (value string) {
	for _, variable := range n.env {
		if text, found := strings.CutPrefix(variable, "SIMSHIFT_"+name+"="); found {
			value = text
		}
	}
	return value
}

// serve starts a listener and makes its address the one that workers register.
func (n *night) serve() *process {
	n.t.Helper()
	return n.serveBinary(binary)
}

// servePlain is serve without the race detector: on a busy machine that one takes longer over ten thousands of callbacks than a
// policy of seconds waits for them, and then the carrier sees devices again whose callbacks it still has in hand.
func (n *night) servePlain() *process {
	n.t.Helper()
	return n.serveBinary(plainBinary)
}

func (n *night) serveBinary(binary string) *process {
	n.t.Helper()
	p := n.startBinary(binary, "serve", "--callback-listen", "127.0.0.1:0")
	n.set("CALLBACK_URL", "http://"+p.says(listens)+"/callbacks/thingspace")
	return p
}

// What a process says when it is ready; the group is its address.
const (
	listens = `msg="listening for callbacks" address=(127\.0\.0\.1:\d+)`
	works   = `msg=(working)`
)

// run runs a command to its end and gives its standard output.
func (n *night) run(wantCode int, args ...string) []byte {
	n.t.Helper()
	return n.runBinary(binary, wantCode, args...)
}

// ask runs a command that only looks, without the race detector: tests that wait ask again and again, and what a busy machine
// spends on their questions it lacks for what they wait for.
func (n *night) ask(args ...string) []byte {
	n.t.Helper()
	return n.runBinary(plainBinary, 0, args...)
}

func (n *night) runBinary(binary string, wantCode int, args ...string) []byte {
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
	Drift    string           `json:"drift"`
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

// summary reads the carrier's figures.
func (n *night) summary() (sum simulator.Summary) {
	n.t.Helper()
	n.decode(n.page("/_simulator/book"), &sum)
	return sum
}

// devices reads the carrier's book of devices, by EID.
func (n *night) devices() map[string]simulator.DeviceEntry {
	n.t.Helper()
	devices := make(map[string]simulator.DeviceEntry)
	for line := range bytes.Lines(n.page("/_simulator/devices")) {
		var d simulator.DeviceEntry
		n.decode(line, &d)
		devices[d.EID] = d
	}
	return devices
}

// results reads a job's results, as maps by column.
func (n *night) results(id string) []map[string]string {
	n.t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(n.ask("results", id))).ReadAll()
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

// carriersBook reads the carrier's book.
func (n *night) carriersBook() *checker.Book {
	n.t.Helper()
	journal, err := os.Open(n.journal)
	if err != nil {
		n.t.Fatal(err)
	}
	defer journal.Close()
	page := func(path string) io.Reader { return bytes.NewReader(n.page("/_simulator/" + path)) }
	book, err := checker.ReadBook(page("book"), page("devices"), page("requests?eids=1"), journal)
	if err != nil {
		n.t.Fatal(err)
	}
	return book
}

// verdict holds the results of a job that has ended against the carrier's book.
func (n *night) verdict(id string, judge *checker.Checker) checker.Findings {
	n.t.Helper()
	findings, err := judge.Finish(bytes.NewReader(n.ask("results", id)), n.carriersBook())
	if err != nil {
		n.t.Fatal(err)
	}
	return findings
}

// agree fails the test unless every device ended as the carrier's book says.
func (n *night) agree(id string) checker.Findings {
	n.t.Helper()
	findings := n.verdict(id, checker.New(n.eids))
	if err := findings.Wrong(); err != nil {
		n.t.Error(err)
	}
	return findings
}
