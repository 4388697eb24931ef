package redistest

import (
	"os"
	"os/exec"
	"testing"
)

const missing = "redis-server is not on PATH; `make test` installs it on Debian, elsewhere install " +
	"Redis 6.2 or later (apt-get install redis-server, dnf install redis, brew install redis)"

// need returns the path of redis-server. Without one it skips the test, or fails it where a skipped test would be a
// lie: under CI (CI is set), or when SIMSHIFT_TEST_REQUIRE_REDIS=1 asks for it.
func need(t testing.TB) string {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	switch {
	case err == nil:
		return binary
	case required(os.Getenv):
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
	return ""
}

func required(getenv func(string) string) bool {
	return getenv("CI") != "" || getenv("SIMSHIFT_TEST_REQUIRE_REDIS") == "1"
}
