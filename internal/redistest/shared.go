package redistest

import (
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// databases is how many databases a server has. All but the first are for tests that share it at the same time.
const databases = 512

// Shared is one server for all tests of a package, started by the first that asks. Its zero value is ready; keep it in
// a variable of the test package and hand its Main to TestMain. Safe for parallel tests.
type Shared struct {
	mu     sync.Mutex
	owned  bool // Main will stop it
	server *Server
	free   []int // databases to hand out; the last is next
}

// Main wraps m, so that the server is stopped after the last test and before anything looks for leaks. The result fits
// goleak.VerifyTestMain; without goleak, call its Run.
func (s *Shared) Main(m *testing.M) *Main {
	s.owned = true
	return &Main{m, s}
}

// Main is a testing.M that stops a shared server at its end.
type Main struct {
	m      *testing.M
	shared *Shared
}

// Run runs the package's tests and returns their exit code.
func (m *Main) Run() int {
	defer m.shared.stop()
	return m.m.Run()
}

// Client returns a client of an empty database that no other test has until this one ends. Scripts are cached for all
// databases together, and FLUSHALL, CONFIG and SHUTDOWN reach all of them: for those, [Start] a server of one's own.
func (s *Shared) Client(t testing.TB) *redis.Client {
	t.Helper()
	server, db := s.take(t)
	t.Cleanup(func() { s.giveBack(db) }) // before the client's own, so that it runs when the client is closed
	rdb := server.client(t, db)
	if err := rdb.FlushDB(t.Context()).Err(); err != nil {
		t.Fatalf("emptying database %d of the shared Redis: %v", db, err)
	}
	return rdb
}

// Server is the shared server itself, for its address. Database 0 is never given out by Client. Do not kill it.
func (s *Shared) Server(t testing.TB) *Server {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running(t)
}

func (s *Shared) take(t testing.TB) (*Server, int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	server := s.running(t)
	if len(s.free) == 0 {
		t.Fatalf("more than %d clients share one Redis at the same time", databases-1)
	}
	db := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	return server, db
}

// running starts the server once. The caller holds the lock, so that two parallel tests do not start one each.
func (s *Shared) running(t testing.TB) *Server {
	t.Helper()
	if s.server != nil {
		return s.server
	}
	if !s.owned {
		t.Fatal("the shared Redis would outlive the tests: use redistest.Shared.Main in TestMain")
	}
	server, err := launch(need(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	for db := databases - 1; db > 0; db-- {
		s.free = append(s.free, db)
	}
	return server
}

func (s *Shared) giveBack(db int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, db)
}

func (s *Shared) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.close()
		s.server = nil
	}
}
