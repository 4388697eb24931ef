package required

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFindsTheFirstThatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "second")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(path))
	for _, name := range []string{"second", path} {
		if got := Program(t, "install it", "first", name); got != path {
			t.Errorf("%s was found as %q", name, got)
		}
	}
}

func TestSkipsOnlyWhereThatIsNoLie(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{}, false},
		{map[string]string{"CI": "true"}, true},
		{map[string]string{"SIMSHIFT_TEST_REQUIRE_PROGRAMS": "1"}, true},
		{map[string]string{"SIMSHIFT_TEST_REQUIRE_PROGRAMS": "0"}, false},
	} {
		if got := demanded(func(name string) string { return test.env[name] }); got != test.want {
			t.Errorf("with %v it is demanded: %t", test.env, got)
		}
	}
}
