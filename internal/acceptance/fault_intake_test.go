package acceptance_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/internal/redistest"
)

// resident is how much memory a process holds, in bytes.
func (p *process) resident() int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if err != nil || found == nil {
		p.t.Skipf("the memory of a process is not to be seen here: %v", err)
	}
	kilobytes, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return kilobytes << 10
}

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFault10GarbageForTheListener(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "1h")
	listener := n.serve()
	n.start("work")
	id, request := n.submitted(1)
	before := listener.resident()

	var bomb bytes.Buffer
	packer := gzip.NewWriter(&bomb)
	_, _ = io.CopyN(packer, zeros{}, 100<<20) // a buffer does not fail
	_ = packer.Close()
	example := exampleCallback(t, madeup.Device(0), request)
	refused := func(what string, body io.Reader, header ...string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.setting("CALLBACK_URL"), body)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return // cut off while it still sent: refused, too
		}
		_ = response.Body.Close()
		if response.StatusCode/100 != 4 {
			t.Errorf("%s is answered %d", what, response.StatusCode)
		}
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			refused("100 MB", io.LimitReader(zeros{}, 100<<20))
			refused("a body of unknown length", io.MultiReader(io.LimitReader(zeros{}, 200<<20)))
			refused("a gzip bomb", bytes.NewReader(bomb.Bytes()), "Content-Encoding", "gzip")
			refused("a callback that is cut short", strings.NewReader(example[:len(example)/2]))
			refused("wrong types", strings.NewReader(`{"requestId":{"a":[1]},"status":7,"deviceIds":"x"}`))
			refused("deep nesting", strings.NewReader(strings.Repeat(`{"a":[`, 10_000)))
			refused("no credentials", strings.NewReader(example))
			refused("a wrong password", strings.NewReader(`{"username":"carrier","password":"guess",`+example[1:]))
		})
	}
	all.Wait()
	n.alive(listener)
	if grown := listener.resident() - before; grown > 64<<20 {
		t.Errorf("the listener grew by %d MB", grown>>20)
	}
	if state := n.results(id)[0]["state"]; state != "submitted" {
		t.Errorf("the device is %s", state)
	}
}

// It runs alone: what it measures must not depend on what other tests do.
//
//nolint:paralleltest // see above
func TestFault11SlowClientsDoNotStarveGoodOnes(t *testing.T) {
	n := newBriefNight(t, "--latency", "1h")
	n.set("CALLBACK_CONNECTIONS", "500")
	program := plainBinary
	if *without != "" {
		program = binary
	}
	listener := n.startBinary(program, "serve", "--callback-listen", "127.0.0.1:0")
	n.set("CALLBACK_URL", "http://"+listener.address()+"/callbacks/thingspace")
	n.start("work")
	const devices = 200
	id, request := n.submitted(devices)

	ctx, stop := context.WithCancel(t.Context())
	var slow sync.WaitGroup
	for i := range 2000 {
		slow.Go(func() {
			for ctx.Err() == nil { // whoever is thrown out comes again, in a while: a flood is another thing
				dawdle(ctx, listener.address(), i%2 == 0)
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		})
	}
	var took []time.Duration
	// Without room made for it a good one waits until the listener's deadlines throw the slow ones out.
	const longest = 4 * time.Second
	cut, late := 0, 0
	for i := range devices {
		body := `{"username":"carrier","password":"hush",` + strings.TrimSpace(exampleCallback(t, madeup.Device(i), request))[1:]
		began := time.Now()
		status, err := n.tryPost(body)
		for tries := 0; err != nil && tries < 5; tries++ { // cut off in the rush; a carrier sends it again
			cut++
			status, err = n.tryPost(body)
		}
		if err != nil || status != http.StatusOK {
			t.Errorf("a good callback is answered %d (%v)", status, err)
		}
		took = append(took, time.Since(began))
		if took[i] > longest {
			late++
		}
		if late > devices/100 {
			break // the p99 is lost, and each of the others would wait as long
		}
	}
	stop()
	slow.Wait()
	p99 := quantile(took, 0.99)
	t.Logf("good callbacks among 2,000 slow clients: p50 %v, p99 %v, %d of %d cut off once", quantile(took, 0.5), p99, cut, devices)
	if p99 > longest || late > devices/100 || cut > devices/10 {
		t.Errorf("good callbacks took %v at p99, and %d of %d were cut off", p99, cut, devices)
	}
	for _, row := range n.results(id) {
		if row["state"] != "succeeded" {
			t.Errorf("row %s is %s", row["row"], row["state"])
		}
	}
}

// dawdle opens a connection that never brings a whole request, until it is thrown out.
func dawdle(ctx context.Context, address string, sayHello bool) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	if sayHello {
		_, _ = io.WriteString(conn, "POST /callbacks/thingspace HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
	}
	_, _ = conn.Read(make([]byte, 1))
}

// burst is a second's worth of callbacks, at least.
const burst = 20_000

// Ten thousand callbacks a second on two listeners, and then everything dies at once: what was answered 2xx is in Redis.
func TestFault14ABurstOfCallbacksAndThenSIGKILLOfEverything(t *testing.T) {
	t.Parallel()
	n := newNightOn(t, redistest.Start(t, redistest.Fsync("always")), "--latency", "1h")
	program := plainBinary // race detection would make a burst a trickle
	if *without != "" {
		program = binary
	}
	serve := func() *process { return n.startBinary(program, "serve", "--callback-listen", "127.0.0.1:0") }
	listeners := []*process{serve(), serve()}
	n.set("CALLBACK_URL", "http://"+listeners[0].address()+"/callbacks/thingspace")
	n.set("RATE_REQUESTS", "0")
	worker := n.start("work")
	id := n.imported(n.fleet(burst), "--batch-size", "10000")
	n.accepted(2)
	n.until(func() bool {
		return !slices.ContainsFunc(n.results(id), func(r map[string]string) bool { return r["request_id"] == "" })
	})
	var bodies []string
	for i, row := range n.results(id) {
		example := strings.Join(strings.Fields(exampleCallback(t, madeup.Device(i), row["request_id"])), " ")
		bodies = append(bodies, `{"username":"carrier","password":"hush",`+example[1:])
	}

	thanked, length, slowest := n.fire(bodies, listeners, func() {
		for _, p := range append(listeners, worker) {
			_ = p.cmd.Process.Kill()
		}
		n.redis.Kill()
	})
	n.redis.Restart(t)
	lost := 0
	for i, row := range n.results(id) {
		if thanked[i] && row["state"] != "succeeded" {
			lost++
		}
	}
	count := 0
	for _, ok := range thanked {
		if ok {
			count++
		}
	}
	t.Logf("%d of %d callbacks answered 2xx in %v, %.0f a second, p99 %v; lost %d", count, burst, length.Round(time.Millisecond),
		float64(count)/length.Seconds(), slowest, lost)
	if lost > 0 || count < burst/4 {
		t.Errorf("%d answered 2xx, and %d of them are not in Redis", count, lost)
	}
}

// fire posts the bodies to the listeners over many connections, and ends everything when three quarters are answered. It
// tells which were answered 2xx, how long that took, and the p99 of the answers. It speaks HTTP by hand: on a small machine a
// whole client costs more than the listener that is to be measured.
func (n *night) fire(bodies []string, listeners []*process, end func()) (thanked []bool, length, p99 time.Duration) {
	const connections = 64
	thanked = make([]bool, len(bodies))
	took := make([]time.Duration, len(bodies))
	var firing, ending sync.WaitGroup
	answered := make(chan struct{}, len(bodies))
	began := time.Now()
	ending.Go(func() {
		for range len(bodies) * 3 / 4 {
			<-answered
		}
		length = time.Since(began)
		end()
	})
	for c := range connections {
		address := listeners[c%len(listeners)].address()
		firing.Go(func() {
			conn, err := new(net.Dialer).DialContext(n.t.Context(), "tcp", address)
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			answers := bufio.NewReader(conn)
			for i := c; i < len(bodies); i += connections {
				sent := time.Now()
				_, _ = fmt.Fprintf(conn, "POST /callbacks/thingspace HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
					len(bodies[i]), bodies[i])
				status, err := head(answers)
				if err != nil {
					return // the listener is dead
				}
				if strings.HasPrefix(status, "HTTP/1.1 200 ") {
					thanked[i], took[i] = true, time.Since(sent)
					answered <- struct{}{}
				}
			}
		})
	}
	firing.Wait()
	ending.Wait()
	return thanked, length, quantile(slices.DeleteFunc(took, func(d time.Duration) bool { return d == 0 }), 0.99)
}

// head reads an answer without a body, and gives its first line.
func head(answers *bufio.Reader) (status string, err error) {
	for {
		line, err := answers.ReadString('\n')
		if err != nil || line == "\r\n" {
			return status, err
		}
		if status == "" {
			status = line
		}
	}
}
