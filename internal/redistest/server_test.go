package redistest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

var shared Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.Main(m)) }

func TestKeepsWhatWasWrittenThroughKillAndRestart(t *testing.T) {
	t.Parallel()
	s := Start(t, Fsync("always"))
	rdb := s.Client(t)
	if err := rdb.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	before := s.Pid()
	s.Kill()
	if err := rdb.Ping(t.Context()).Err(); err == nil {
		t.Fatal("a killed server answered")
	}
	s.Restart(t)
	got, err := rdb.Get(t.Context(), "k").Result()
	if err != nil || got != "v" {
		t.Errorf("after the restart: %q, %v; want v", got, err)
	}
	if s.Pid() == before {
		t.Error("the process is still the old one")
	}
}

func TestIsSetUpForDurabilityUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	want := map[string]string{"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "save": ""}
	got := settings(t, Start(t).Client(t), want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("default settings (-want +got):\n%s", diff)
	}
	want = map[string]string{"appendfsync": "always", "maxmemory": "8388608", "hz": "50"}
	got = settings(t, Start(t, Fsync("always"), MaxMemory("8mb"), Set("hz", "50")).Client(t), want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chosen settings (-want +got):\n%s", diff)
	}
}

func settings(t *testing.T, rdb *redis.Client, names map[string]string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	for name := range names {
		value, err := rdb.ConfigGet(t.Context(), name).Result()
		if err != nil {
			t.Fatal(err)
		}
		got[name] = value[name]
	}
	return got
}

func TestListensOnAUnixSocketWhenAsked(t *testing.T) {
	t.Parallel()
	s := Start(t, UnixSocket())
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: s.Socket})
	defer rdb.Close()
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestLeavesNeitherProcessNorFilesBehind(t *testing.T) {
	t.Parallel()
	var s *Server
	t.Run("inner", func(t *testing.T) { s = Start(t) })
	if _, err := os.Stat(s.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is still there: %v", err)
	}
	if pid := s.Pid(); pid != 0 {
		t.Errorf("process %d still runs", pid)
	}
}

func TestTellsWhatAServerSaidThatDidNotStart(t *testing.T) {
	t.Parallel()
	_, err := launch(need(t), []Option{Set("no-such-directive", "1")})
	if err == nil || !strings.Contains(err.Error(), "no-such-directive") {
		t.Errorf("error %v does not name the bad directive", err)
	}
}

func TestGivesEveryTestAnEmptyDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	a, b := shared.Client(t), shared.Client(t)
	if err := a.Set(t.Context(), "k", "a", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := b.Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("another client's key is seen: %v", err)
	}
	for range 2 {
		t.Run("again", func(t *testing.T) {
			rdb := shared.Client(t)
			if n := rdb.DBSize(t.Context()).Val(); n != 0 {
				t.Errorf("%d keys of an earlier test are left", n)
			}
			rdb.Set(t.Context(), "left", "over", 0)
		})
	}
}

func TestDiesWithTheTestProcess(t *testing.T) {
	if os.Getenv("REDISTEST_VICTIM") == "1" {
		s := Start(t)
		os.Stdout.WriteString("addr " + s.Addr + "\n") //nolint:errcheck // the parent notices
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		<-t.Context().Done()
	}
	need(t)
	if dieWithParent() == nil {
		t.Skip("only Linux can do that")
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "REDISTEST_VICTIM=1", "TMPDIR="+t.TempDir())
	out, err := cmd.Output()
	_, addr, found := strings.Cut(strings.TrimSpace(string(out)), "addr ")
	if err == nil || !found {
		t.Fatalf("the victim was to be killed with a server: %v\n%s", err, out)
	}
	for ping(addr) == nil {
		if t.Context().Err() != nil {
			t.Fatal("it outlived its test process")
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s, err := launch(need(b), nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Client(b).Ping(context.Background()).Err(); err != nil {
			b.Fatal(err)
		}
		s.close()
	}
}
