package redistest

import (
	"testing"

	"github.com/simshift/simshift/internal/required"
)

const missing = "redis-server is not on PATH; `make test` installs it on Debian, elsewhere install " +
	"Redis 6.2 or later (apt-get install redis-server, dnf install redis, brew install redis)"

// need returns the path of redis-server.
func need(t testing.TB) string {
	t.Helper()
	return required.Program(t, missing, "redis-server")
}
