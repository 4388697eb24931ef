package simulator_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/thingspace/simulator"
)

// page reads one of the book's pages.
func (c *carrier) page(path string) string {
	c.t.Helper()
	c.base = strings.TrimSuffix(c.base, "/api")
	got := c.mustSend(http.MethodGet, "/_simulator/"+path, "")
	if got.status != http.StatusOK {
		c.t.Fatalf("%s: %+v", path, got)
	}
	return got.body
}

func lines[T any](t *testing.T, text string) (all []T) {
	t.Helper()
	for line := range strings.Lines(text) {
		var one T
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&one); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, one)
	}
	return all
}

func TestShowsTheBookToOtherProcesses(t *testing.T) {
	c, _ := moody(t, simulator.Moods{Faulty: 0.5})
	second, first := devices(50, 60), devices(0, 10)
	c.enable(second...)
	c.enable(first...)
	c.mustSend(http.MethodPost, enablePath, enableBody(account, plan))
	c.settle()
	book := c.sim.Book()

	if diff := cmp.Diff([]simulator.Summary{book.Summary()}, lines[simulator.Summary](t, c.page("book"))); diff != "" {
		t.Errorf("book (-in process +page):\n%s", diff)
	}

	shown := lines[simulator.DeviceEntry](t, c.page("devices"))
	if diff := cmp.Diff(slices.Collect(book.Devices()), shown); diff != "" {
		t.Errorf("devices (-in process +page):\n%s", diff)
	}
	if !slices.IsSortedFunc(shown, func(a, b simulator.DeviceEntry) int { return strings.Compare(a.EID, b.EID) }) ||
		len(shown) != 20 {
		t.Error("devices are not in the order of their EIDs")
	}

	rows, err := csv.NewReader(strings.NewReader(c.page("devices?format=csv"))).ReadAll()
	if err != nil || len(rows) != 21 ||
		strings.Join(rows[0][:7], ",") != "eid,iccid,final,fault,accepts,request_ids,last_change" {
		t.Fatalf("CSV: %v, %v", rows, err)
	}
	if rows[1][0] != shown[0].EID || rows[1][2] != shown[0].Final || rows[1][5] != shown[0].RequestIDs[0] {
		t.Errorf("CSV row %v, line %+v", rows[1], shown[0])
	}

	if diff := cmp.Diff(book.Requests(), lines[simulator.RequestEntry](t, c.page("requests")),
		cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("requests (-in process +page):\n%s", diff)
	}
	whole := lines[simulator.RequestEntry](t, c.page("requests?eids=1"))
	if len(whole) != 3 || whole[0].EIDs[0] != eid(50) || len(whole[1].EIDs) != 10 || whole[2].EIDs != nil ||
		whole[2].Outcome != simulator.Refused {
		t.Errorf("requests with EIDs: %+v", whole)
	}
	if diff := cmp.Diff(whole[1].EIDs, book.EIDs(whole[1].RequestID)); diff != "" || book.EIDs("unknown") != nil {
		t.Errorf("EIDs (-page +in process):\n%s", diff)
	}
	if got := lines[simulator.Incident](t, c.page("incidents")); len(got) != 0 {
		t.Errorf("incidents %+v", got)
	}
}

func TestTheBookKnowsNoDevicesThatItNeverSaw(t *testing.T) {
	c := open(t, simulator.Config{})
	for _, id := range []string{eid(1), "", "x"} {
		if _, known := c.sim.Book().Device(id); known {
			t.Errorf("%q is known", id)
		}
	}
}

func TestWritesTheBookAsJSONLines(t *testing.T) {
	var out syncBuffer
	c := open(t, simulator.Config{Book: &out, Moods: simulator.Moods{Faulty: 0.5, Warning: 0.5}})
	in := listen(t, nil)
	c.registerAt(account, in.url)
	id := c.enable(devices(0, 20)...)
	c.tryLogin("user", "wrong")
	c.settle()
	if err := c.sim.Close(); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, event := range lines[map[string]any](t, out.String()) {
		name, _ := event["event"].(string)
		count[name]++
		if at, _ := event["at"].(string); at == "" {
			t.Errorf("event without time: %v", event)
		}
		if name == "final" && (event["request_id"] != id || event["eid"] == nil || event["outcome"] == nil ||
			event["fault"] == "") {
			t.Errorf("final: %v", event)
		}
	}
	callbacks := count["callback"]
	delete(count, "callback")
	want := map[string]int{"token_given": 1, "login_ok": 1, "login_failed": 1, "listener_registered": 1, "request": 1,
		"accepted": 1, "answered": 1, "final": 20}
	if diff := cmp.Diff(want, count); diff != "" || callbacks < 20 || callbacks != len(in.raw()) {
		t.Errorf("%d callbacks; events (-want +got):\n%s", callbacks, diff)
	}
	for _, secret := range []string{"secret", "s3cr", `"pass"`, c.bearer, c.session} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the book tells %q", secret)
		}
	}
}

func TestCloseTellsThatTheBookCouldNotBeWritten(t *testing.T) {
	full := errors.New("disk full")
	sim, err := simulator.New(simulator.Config{Book: brokenWriter{full}})
	if err != nil {
		t.Fatal(err)
	}
	sim.Start()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/ts/v1/oauth2/token", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	sim.Handler().ServeHTTP(discard{}, r)
	if err := sim.Close(); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func TestStartsAndClosesInAnyOrderAndAmongWork(t *testing.T) {
	idle, err := simulator.New(simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := idle.Close(); err != nil {
			t.Error(err)
		}
	}
	idle.Start()

	for range 20 {
		c, _ := moody(t, simulator.Moods{Duplicates: 1, Latency: simulator.Span{Max: 5 * time.Millisecond}})
		c.enable(devices(0, 200)...)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := c.sim.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
}

func TestMoodsChangeWhileCallbacksAreUnderWay(t *testing.T) {
	c, in := moody(t, simulator.Moods{})
	var work sync.WaitGroup
	for part := range 4 {
		work.Go(func() {
			for n := range 10 {
				c.mustSend(http.MethodPost, enablePath, enableBody(account, plan, devices(part*1000+n*10, part*1000+n*10+10)...))
				if err := c.sim.SetMoods(simulator.Moods{Faulty: float64(n) / 10, Poison: []string{eid(999_999)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	c.settle()
	sum := c.sim.Book().Summary()
	if sum.Devices["success"]+sum.Devices["failed"] != 400 || len(in.raw()) != 400 {
		t.Errorf("book: %+v", sum)
	}
	if err := c.sim.SetMoods(simulator.Moods{Lost: 2}); err == nil {
		t.Error("moods that can not be were taken")
	}
}

// syncBuffer is a buffer that a test reads while a simulator may write.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

// discard is an answer that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
