package main

import (
	"compress/gzip"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/simshift/simshift/internal/apicheck"
	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/thingspace/simulator"
)

// stage is a deployment on which commands are tried out: Redis, the carrier, a listener, a worker, and jobs in the states
// that commands are about.
type stage struct {
	env     []string
	folder  string
	carrier *simulator.Simulator
	devices int // how many were made up so far

	ended   troupe   // a job that has ended, and nobody changes
	spent   []troupe // more of them, each for one command that changes it
	parked  string   // a parked callback
	console string   // the listener's private address
}

// troupe is a job on the stage, with one of its devices and its file.
type troupe struct {
	id     string
	device madeup.Identity
	fleet  string
}

// Accounts of the stage's fleets. That of the examples is left for them.
const (
	sound  = "0000123456-00002"
	broken = "0000123456-00003" // every device of it fails
)

// newStage starts everything; spent is how many ended jobs there are for commands that change one. Jobs that are imported
// afterwards never hear of their devices, and so stay in flight.
func newStage(t *testing.T, spent int) *stage {
	t.Helper()
	s := bareStage(t)
	s.env = append(s.env, "SIMSHIFT_REDIS_URL="+redistest.Start(t).URL(), "SIMSHIFT_THINGSPACE_URL="+s.playCarrier(t)+"/api",
		"SIMSHIFT_THINGSPACE_KEY=key", "SIMSHIFT_THINGSPACE_SECRET=secret", "SIMSHIFT_THINGSPACE_USERNAME=user",
		"SIMSHIFT_THINGSPACE_PASSWORD=pass", "SIMSHIFT_CALLBACK_USERNAME=carrier", "SIMSHIFT_CALLBACK_PASSWORD=hush",
		"SIMSHIFT_CALLBACK_LISTEN=127.0.0.1:0", "SIMSHIFT_CONSOLE_LISTEN=127.0.0.1:0", "SIMSHIFT_SWEEP_EVERY=1s", "SIMSHIFT_RATE_REQUESTS=0")
	// Without exec they would outlive a test process that is killed: only the shell dies with it.
	write(t, filepath.Join(s.folder, "token"), s.run(t, s.folder, "simshift tokens add dana --role approver --console-tokens-file people", 0))
	listener := s.start(t, s.folder, "SIMSHIFT_CONSOLE_TOKENS_FILE=people exec simshift serve",
		`(?s)console listens" address=(127\.0\.0\.1:\d+).*listening for callbacks" address=(127\.0\.0\.1:\d+)`)
	t.Cleanup(func() { listener.stop(t, 0) })
	s.console = "http://" + consoleAddress.FindStringSubmatch(listener.talk.String())[1]
	s.env = append(s.env, "SIMSHIFT_CALLBACK_URL=http://"+listener.caught+"/callbacks/thingspace")
	worker := s.start(t, s.folder, "exec simshift work", "msg=working")
	t.Cleanup(func() { worker.stop(t, 0) })

	s.endSome(t, spent)
	s.park(t)
	if err := s.carrier.SetMoods(simulator.Moods{Silent: 1}); err != nil {
		t.Fatal(err)
	}
	return s
}

var consoleAddress = regexp.MustCompile(`console listens" address=(\S+)`)

// goThroughConsole makes commands go through the listener's console from now on, instead of on Redis. Whatever they and it say
// to each other must be as the API's document says.
func (s *stage) goThroughConsole(t *testing.T) {
	t.Helper()
	document, err := os.ReadFile("../../console/rest/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	console, err := url.Parse(s.console)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(console) }}
	server := httptest.NewServer(apicheck.New(t, document, proxy))
	t.Cleanup(server.Close)
	s.console = server.URL
	s.env = append(s.env, "SIMSHIFT_SERVER="+s.console, "SIMSHIFT_TOKEN_FILE="+filepath.Join(s.folder, "token"))
}

// bareStage has no more than files.
func bareStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{folder: t.TempDir()}
	told, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(os.Environ(), "TMPDIR="+s.folder, "SIMSHIFT_NOTIFY_COMMAND="+told,
		"GORACE=atexit_sleep_ms=0") // or each command would take a second longer with the race detector
	s.prepareFiles(t)
	return s
}

// playCarrier starts the carrier: in the sound account a third of the devices never answers, in the broken one all fail.
func (s *stage) playCarrier(t *testing.T) string {
	t.Helper()
	var err error
	s.carrier, err = simulator.New(simulator.Config{Seed: 1, Moods: simulator.Moods{
		Silent: 0.4, FailAccounts: map[string]float64{broken: 1},
		Faults: []simulator.Fault{{Code: "UnifiedWebService.REQUEST_FAILED.UnexpectedError", Text: "It failed."}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.carrier.Start()
	server := httptest.NewServer(s.carrier.Handler())
	t.Cleanup(func() {
		server.Close()
		_ = s.carrier.Close() // what it still had to send is of no interest
	})
	return server.URL
}

// prepareFiles writes what examples name and is the same for all of them.
func (s *stage) prepareFiles(t *testing.T) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.folder, "callback"), "hush\n")
	s.run(t, s.folder, "simshift tokens add dana --role approver --console-tokens-file tokens", 0)
	write(t, filepath.Join(s.folder, "fleet.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	write(t, filepath.Join(s.folder, "fleet.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

// newFolder makes a folder with a fleet that was never imported, plain and packed, and what prepareFiles wrote.
func (s *stage) newFolder(t *testing.T) (folder string, first madeup.Identity) {
	t.Helper()
	folder = t.TempDir()
	for _, name := range []string{"fleet.crt", "fleet.key", "tokens"} {
		if err := os.Link(filepath.Join(s.folder, name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	first = madeup.Device(s.devices)
	var b strings.Builder
	b.WriteString("eid,iccid,imei,account_name,service_plan,previous_iccid\n")
	for i := range 12 {
		d, account := madeup.Device(s.devices), sound
		if i >= 8 {
			account = broken
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,Global IoT 5MB,%s\n", d.EID, d.ICCID, d.IMEI, account, madeup.Device(1_000_000+s.devices).ICCID)
		s.devices++
	}
	write(t, filepath.Join(folder, "fleet.csv"), b.String())
	var packed strings.Builder
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(b.String()))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "fleet.csv.gz"), packed.String())
	return folder, first
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// imported makes a job; how is the rest of the command line, and the names before it are the environment.
func (s *stage) imported(t *testing.T, environment, how string) troupe {
	t.Helper()
	folder, first := s.newFolder(t)
	id := s.run(t, folder, environment+" SIMSHIFT_SERVER= simshift import fleet.csv --target global "+how, 0)
	return troupe{strings.TrimSpace(id), first, filepath.Join(folder, "fleet.csv")}
}

// endSome makes one job and the spent ones, and waits until they have ended, with devices that succeeded, failed and were never answered.
func (s *stage) endSome(t *testing.T, spent int) {
	t.Helper()
	brief := "--attempts 1 --answer-within 3s --backoff 1s --revert-plan 'US 5MB'"
	s.ended = s.imported(t, "", brief+" --name spring-migration")
	for range spent {
		s.spent = append(s.spent, s.imported(t, "", brief))
	}
	for _, job := range append([]troupe{s.ended}, s.spent...) {
		var shown struct {
			Counts map[string]int `json:"counts"`
		}
		text := s.run(t, s.folder, "simshift jobs watch "+job.id+" --every 50ms -o json", 3)
		if err := json.Unmarshal([]byte(text), &shown); err != nil {
			t.Fatal(err)
		}
		if n := shown.Counts; n["succeeded"] == 0 || n["failed"] == 0 || n["unanswered"] == 0 {
			t.Fatalf("job %s ended with %v: some should have succeeded, failed and not been answered", job.id, n)
		}
	}
}

// park sends a callback that fits no request.
func (s *stage) park(t *testing.T) {
	t.Helper()
	body := `{"username":"carrier","password":"hush","requestId":"nobody-knows","status":"SUCCESS","deviceIds":[{"kind":"Eid","id":"` +
		madeup.Device(2_000_000).EID + `"}]}`
	address, _ := strings.CutPrefix(s.env[len(s.env)-1], "SIMSHIFT_CALLBACK_URL=")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var parked []struct {
		ID string `json:"id"`
	}
	text := s.run(t, s.folder, "simshift callbacks parked -o json", 0)
	if err := json.Unmarshal([]byte(text), &parked); err != nil || len(parked) != 1 {
		t.Fatalf("%v, answered %d, parked %s", err, response.StatusCode, text)
	}
	s.parked = parked[0].ID
}
