package simulator_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/thingspace/simulator"
)

// BenchmarkCallbacks is whole callbacks, over TCP to a listener that only finds their end and answers 204: nearly all
// of the time is the carrier's. Run it with -cpu 1 for the callbacks a second of one core.
func BenchmarkCallbacks(b *testing.B) {
	address := bareListener(b)
	sim := started(b)
	register(b, sim, account, "http://"+address+"/")
	bodies := fleetBodies(b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for _, body := range bodies {
		post(b, sim, enablePath, body)
	}
	if err := sim.Settled(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if got := sim.Book().Summary().Callbacks.Acknowledged; got != b.N {
		b.Fatalf("%d of %d callbacks were acknowledged", got, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "callbacks/s")
}

// BenchmarkAccepts is requests of 10,000 devices, from their JSON to the agenda. It tells the memory of a device that
// is pending.
func BenchmarkAccepts(b *testing.B) {
	sim := started(b, simulator.Moods{Latency: simulator.Span{Min: time.Hour, Max: 2 * time.Hour}})
	before := heap()
	b.ResetTimer()
	for n := 0; n < b.N; n += simulator.MaxDevices {
		b.StopTimer()
		body := fleetBody(n, min(n+simulator.MaxDevices, b.N))
		b.StartTimer()
		post(b, sim, enablePath, body)
	}
	b.StopTimer()
	if got := sim.Book().Summary().InFlight; got != b.N {
		b.Fatalf("%d of %d devices are in flight", got, b.N)
	}
	b.ReportMetric(float64(heap()-before)/float64(b.N), "B/device")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "devices/s")
}

func started(b *testing.B, moods ...simulator.Moods) *simulator.Simulator {
	b.Helper()
	cfg := simulator.Config{NewID: func() string { return "d1f08526-5443-4054-9a29-4456490ea9f8" }}
	for _, m := range moods {
		cfg.Moods = m
	}
	sim, err := simulator.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	sim.Start()
	b.Cleanup(func() {
		if err := sim.Close(); err != nil {
			b.Error(err)
		}
	})
	post(b, sim, "/ts/v1/oauth2/token?", "grant_type=client_credentials&client_id=key&client_secret=secret")
	post(b, sim, "/m2m/v1/session/login", `{"username":"user","password":"pass"}`)
	return sim
}

func register(b *testing.B, sim *simulator.Simulator, account, address string) {
	b.Helper()
	body := fmt.Sprintf(`{"name":"DeviceProfileService","url":%q,"username":"u","password":"p"}`, address)
	post(b, sim, "/m2m/v1/callbacks/"+account, body)
}

// post hands a request to the handler, without a network between.
func post(b *testing.B, sim *simulator.Simulator, path, body string) {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(path, "token?") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Authorization", "Bearer d1f08526-5443-4054-9a29-4456490ea9f8")
	r.Header.Set("VZ-M2M-Token", "d1f08526-5443-4054-9a29-4456490ea9f8")
	w := httptest.NewRecorder()
	sim.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
}

func fleetBody(from, to int) string { return enableBody(account, plan, devices(from, to)...) }

func fleetBodies(count int) (bodies []string) {
	for n := 0; n < count; n += simulator.MaxDevices {
		bodies = append(bodies, fleetBody(n, min(n+simulator.MaxDevices, count)))
	}
	return bodies
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// bareListener answers every POST as cheaply as can be.
func bareListener(b *testing.B) string {
	b.Helper()
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerAll(conn)
		}
	}()
	return listener.Addr().String()
}

func answerAll(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 8<<10)
	for {
		length := 0
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) <= 2 {
				break
			}
			if rest, found := strings.CutPrefix(string(line), "Content-Length: "); found {
				if _, err := fmt.Sscanf(rest, "%d", &length); err != nil {
					return
				}
			}
		}
		if _, err := io.CopyN(io.Discard, in, int64(length)); err != nil {
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
			return
		}
	}
}
