package redistest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Server is a running redis-server. Its methods belong to the test's own goroutine; they are not safe for concurrent
// use, clients of it are.
type Server struct {
	Addr   string // host:port on the loopback interface; the same after Restart
	Dir    string // its working directory, where the append-only file is; the same after Restart
	Socket string // path of its unix socket; empty without [UnixSocket]

	binary  string
	options []Option
	child   *child
}

// Start runs a redis-server that persists every write to an append-only file (appendfsync everysec) and never evicts,
// unless the options say otherwise. It answers commands when Start returns, and is gone after the test.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	s, err := launch(need(t), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

// Client returns a client of database 0, closed at the end of the test. It does not retry: a test sees the first error.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	return s.client(t, 0)
}

// URL is where other processes find database 0, in the form that SIMSHIFT_REDIS_URL takes.
func (s *Server) URL() string { return "redis://" + s.Addr + "/0" }

// Pid is the process id of the present child; 0 after Kill.
func (s *Server) Pid() int {
	if s.child == nil {
		return 0
	}
	return s.child.pid
}

// Kill ends the server by SIGKILL and returns when it is gone. What it had written to its append-only file stays in
// Dir, synced or not: the page cache outlives the process, so this is a crash and not a power cut.
func (s *Server) Kill() {
	if s.child != nil {
		s.child.kill()
		s.child = nil
	}
}

// Restart kills the server if it still runs, starts it again on the same port and directory, and returns when it has
// read its append-only file and answers. Clients made before go on working.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) client(t testing.TB, db int) *redis.Client {
	rdb := redis.NewClient(&redis.Options{Addr: s.Addr, DB: db, MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() }) // only "already closed" is possible, and that is a test's right
	return rdb
}

// launch starts a server on a port that was free a moment ago. Another process may take it between, so it tries again.
func launch(binary string, options []Option) (*Server, error) {
	dir, err := os.MkdirTemp("", "redistest-") // not t.TempDir: a unix socket's path may have only 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, binary: binary, options: options}
	for range 5 {
		if s.Addr, err = freeAddr(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	s.close()
	return nil, err
}

// start runs the child on the server's address and waits until it answers.
func (s *Server) start() error {
	args, err := s.args()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.Dir, "redis.log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child has its own descriptor
	s.child, err = spawn(s.binary, args, log)
	if err != nil {
		return err
	}
	if err := s.child.await(s.Addr); err != nil {
		s.Kill()
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("redis-server on %s: %w; it said:\n%s", s.Addr, err, said)
	}
	return nil
}

// args is the whole configuration, as redis-server takes it on its command line. A later setting of a name wins.
func (s *Server) args() ([]string, error) {
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, err
	}
	settings := []setting{
		{"bind", host},
		{"port", port},
		{"dir", s.Dir},
		{"databases", strconv.Itoa(databases)},
		{"save", ""},
		{"appendonly", "yes"},
		{"appendfsync", "everysec"},
		{"maxmemory-policy", "noeviction"},
	}
	for _, option := range s.options {
		settings = append(settings, option(s))
	}
	var args []string
	for _, set := range settings {
		args = append(args, "--"+set.name, set.value)
	}
	return args, nil
}

func (s *Server) close() {
	s.Kill()
	_ = os.RemoveAll(s.Dir) // a left-over directory of temporary files fails no test
}
