package acceptance_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/cutter"
	"github.com/simshift/simshift/internal/madeup"
)

// accepted waits until the carrier has accepted that many requests.
func (n *night) accepted(requests int) {
	n.t.Helper()
	n.until(func() bool { sum := n.summary(); return sum.Accepted >= requests })
}

// alive fails the test if one of the processes has ended.
func (n *night) alive(processes ...*process) {
	n.t.Helper()
	for _, p := range processes {
		select {
		case <-p.ended:
			n.t.Errorf("%s has ended:\n%s", p.name, strings.Join(p.lines, "\n"))
		default:
		}
	}
}

func TestFault03RedisIsKilledAndRestarted(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "500ms-1500ms", "--offline", "0.1")
	n.set("RATE_REQUESTS", "4/s")
	processes := []*process{n.serve(), n.start("work"), n.start("work")}
	id := n.imported(n.fleet(1000), append(brief, "--batch-size", "50")...)
	for _, requests := range []int{4, 8, 12} {
		n.accepted(requests)
		n.redis.Restart(t)
	}
	n.ends(id, time.Minute)
	n.alive(processes...)
	if said := string(n.run(0, "doctor")); strings.Contains(said, "redis losses") {
		t.Errorf("a restart is taken for a loss: %s", said)
	}
}

func TestFault03RedisLosesItsLastSeconds(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "500ms-1500ms", "--offline", "0.1")
	n.set("RATE_REQUESTS", "4/s")
	processes := []*process{n.serve(), n.start("work"), n.start("work")}
	id := n.imported(n.fleet(1500), append(brief, "--batch-size", "50")...)
	n.accepted(8)
	files, err := filepath.Glob(filepath.Join(n.redis.Dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) != 1 {
		t.Fatalf("append-only files: %v (%v)", files, err)
	}
	whole, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	n.accepted(14) // what is sent and called back meanwhile is lost, as by a power cut
	n.redis.Kill()
	if err := os.Truncate(files[0], whole.Size()); err != nil {
		t.Fatal(err)
	}
	n.redis.Restart(t)
	n.ends(id, 90*time.Second)
	n.alive(processes...)
	if said := string(n.run(1, "doctor")); !strings.Contains(said, "redis losses") {
		t.Errorf("the loss is not reported: %s", said)
	}
}

// trouble makes Redis refuse writes while callbacks arrive, and holds that none of them is answered 2xx unwritten and that
// everything drains afterwards.
func (n *night) trouble(begin, end []any) {
	n.t.Helper()
	n.set("RATE_REQUESTS", "2/s") // so that callbacks are still to come for some seconds, however late the trouble begins
	processes := []*process{n.serve(), n.start("work")}
	id := n.imported(n.fleet(800), append(brief, "--batch-size", "100")...)
	n.accepted(1)
	books := n.redis.Client(n.t)
	if err := books.Do(n.t.Context(), begin...).Err(); err != nil {
		n.t.Fatal(err)
	}
	request := n.results(id)[0]["request_id"]
	good := strings.TrimSpace(exampleCallback(n.t, madeup.Device(0), request))
	if status := n.post(`{"username":"carrier","password":"hush",` + good[1:]); status != http.StatusServiceUnavailable {
		n.t.Errorf("a callback that can not be written is answered %d", status)
	}
	n.until(func() bool { sum := n.summary(); return sum.Callbacks.Failed > 100 })
	if err := books.Do(n.t.Context(), end...).Err(); err != nil {
		n.t.Fatal(err)
	}
	n.ends(id, time.Minute)
	n.alive(processes...)
}

func TestFault04RedisIsOutOfMemory(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "2s-4s")
	n.trouble([]any{"CONFIG", "SET", "maxmemory", "1mb"}, []any{"CONFIG", "SET", "maxmemory", "0"})
}

func TestFault05RedisIsAReadOnlyReplica(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "2s-4s")
	n.trouble([]any{"REPLICAOF", "127.0.0.1", "1"}, []any{"REPLICAOF", "NO", "ONE"})
}

func TestFault06RepliesOfRedisAreCutAfterTheCommandTookEffect(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "100ms-1s", "--offline", "0.2", "--duplicates", "0.2")
	direct := n.setting("REDIS_URL")
	line := cutter.Start(t, n.redis.Addr)
	n.set("REDIS_URL", "redis://"+line.Addr+"/0")
	n.serve()
	n.start("work")
	n.start("work")
	n.set("REDIS_URL", direct)
	id := n.imported(n.fleet(2000), append(brief, "--batch-size", "50")...)
	for range 60 {
		line.CutReplies(3)
		<-time.After(100 * time.Millisecond)
	}
	line.CutReplies(0)
	n.ends(id, time.Minute)
}

func TestFault16TasksAndLeasesAreDeleted(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "100ms-500ms", "--offline", "0.2", "--silent", "0.02")
	n.set("RATE_REQUESTS", "2/s")
	n.serve()
	n.start("work")
	id := n.imported(n.fleet(600), append(brief, "--batch-size", "100", "--attempts", "3", "--answer-within", "5s")...)
	books := n.redis.Client(t)
	for requests := range 5 {
		n.accepted(requests + 1)
		keys, err := books.Keys(t.Context(), "asynq:{simshift:*").Result()
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) > 0 {
			if err := books.Del(t.Context(), keys...).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	n.ends(id, 2*time.Minute)
}
