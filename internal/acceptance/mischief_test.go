package acceptance_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// mischief is one kind of harm, by the number of its fault in docs/reliability.md.
type mischief struct {
	fault  int
	name   string
	weight int
	do     func(*storm)
}

var mischiefs = []mischief{
	{1, "SIGKILL of a worker", 40, (*storm).killWorker},
	{1, "SIGKILL of a listener", 18, (*storm).killListener},
	{1, "SIGKILL of every process at once", 3, (*storm).killAll},
	{2, "SIGTERM of a process", 6, (*storm).restart},
	{3, "SIGKILL of Redis", 8, (*storm).killRedis},
	{4, "Redis out of memory", 2, (*storm).fillRedis},
	{5, "Redis read-only", 2, (*storm).freezeRedis},
	{6, "replies of Redis cut after the command took effect", 6, (*storm).cutReplies},
	{6, "connections to Redis cut", 3, func(s *storm) { s.redisLine.Cut() }},
	{7, "connections to the carrier cut", 5, func(s *storm) { s.carrierLine.Cut() }},
	{10, "garbage for the listener", 3, (*storm).postGarbage},
	{11, "slow clients", 2, (*storm).dawdle},
	{15, "the same CSV imported again", 1, func(s *storm) { _, _ = s.tryRun("import", s.folder+"/fleet.csv", "--target", "global") }},
	{16, "tasks and leases deleted", 4, (*storm).loseTasks},
	{17, "a worker stopped and continued", 3, (*storm).freezeWorker},
}

func (s *storm) any(actors []*actor) *actor { return actors[s.random.IntN(len(actors))] }

func (s *storm) killWorker()   { s.kill(s.any(s.workers)) }
func (s *storm) killListener() { s.kill(s.any(s.listeners)) }

func (s *storm) killAll() { s.kill(s.everybody()...) }

func (s *storm) everybody() []*actor { return slices.Concat(s.listeners, s.workers) }

func (s *storm) restart() {
	a := s.any(s.everybody())
	dead := a.process
	dead.stop(syscall.SIGTERM) // which fails the test unless it ends well
	a.process = s.startBinary(a.binary, a.args...)
	s.watch.killed(a, dead, time.Now())
}

func (s *storm) killRedis() {
	s.kills["redis"]++
	s.redis.Kill()
	died := time.Now()
	s.pause(0, 1500*time.Millisecond)
	s.redis.Restart(s.t)
	s.watch.lifeless(died)
}

// config sets something in Redis; it may be away.
func (s *storm) config(name, value string) {
	_ = s.books.ConfigSet(context.Background(), name, value).Err()
}

func (s *storm) fillRedis() {
	s.config("maxmemory", "1mb")
	s.pause(time.Second, 4*time.Second)
	s.config("maxmemory", "0")
}

// freezeRedis makes Redis the replica of a master that is not there, as a fail-over does for some seconds.
func (s *storm) freezeRedis() {
	_ = s.books.Do(context.Background(), "REPLICAOF", "127.0.0.1", "1").Err()
	s.pause(2*time.Second, 5*time.Second)
	_ = s.books.Do(context.Background(), "REPLICAOF", "NO", "ONE").Err()
}

func (s *storm) cutReplies() { s.redisLine.CutReplies(1 + s.random.IntN(20)) }

// loseTasks deletes what the queues know of tasks under way.
func (s *storm) loseTasks() {
	ctx := context.Background()
	for _, queue := range []string{"simshift:submit", "simshift:upkeep"} {
		name := "asynq:{" + queue + "}:"
		for _, part := range []string{"lease", "active", "pending", "scheduled", "retry"} {
			if s.random.IntN(2) == 0 {
				_ = s.books.Del(ctx, name+part).Err()
			}
		}
		tasks, _ := s.books.Keys(ctx, name+"t:*").Result()
		for _, task := range tasks {
			if s.random.IntN(3) == 0 {
				_ = s.books.Del(ctx, task).Err()
			}
		}
	}
}

func (s *storm) freezeWorker() {
	a := s.any(s.workers)
	_ = a.cmd.Process.Signal(syscall.SIGSTOP)
	s.pause(time.Second, 8*time.Second)
	_ = a.cmd.Process.Signal(syscall.SIGCONT)
}

// postGarbage sends what is no callback of the carrier's. None of it may be answered 2xx.
func (s *storm) postGarbage() {
	for _, body := range []string{
		"", "{", "[]", "null", strings.Repeat("[", 60_000), strings.Repeat("x", 1<<20),
		`{"username":"carrier","password":"guess","requestId":"r","status":"SUCCESS"}`,
		`{"requestId":{"a":[1]},"status":7,"deviceResponse":"x"}`,
	} {
		request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.setting("CALLBACK_URL"), strings.NewReader(body))
		s.check(err)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			continue // the listener was killed a moment ago
		}
		_ = response.Body.Close()
		if response.StatusCode/100 == 2 {
			s.t.Errorf("%.60q was answered %d", body, response.StatusCode)
		}
	}
}

// dawdle opens connections that begin a request, and never end it. Who is not thrown out stays until the test ends.
func (s *storm) dawdle() {
	for range 100 {
		conn, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", s.front.Addr)
		if err != nil {
			continue
		}
		s.t.Cleanup(func() { _ = conn.Close() })
		_, _ = conn.Write([]byte("POST /callbacks/thingspace HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(1000) + "\r\n"))
	}
}
