// Package required finds the programs that tests start. Without one such tests are skipped with a word on how to install
// it; where a skipped test would be a lie they fail.
package required

import (
	"os"
	"os/exec"
	"testing"
)

// Program returns the path of the first of the names that is a program, on PATH or by its whole path. Where there is none
// it skips the test, or fails it under CI (CI is set) and when SIMSHIFT_TEST_REQUIRE_PROGRAMS=1 asks for it, as `make
// test` does. The word on how to install the program stands in missing.
func Program(t testing.TB, missing string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if demanded(os.Getenv) {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

func demanded(getenv func(string) string) bool {
	return getenv("CI") != "" || getenv("SIMSHIFT_TEST_REQUIRE_PROGRAMS") == "1"
}
