package filewatch_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/filewatch"
)

func TestAChangeIsToldOnceAndNoSoonerThanASecond(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first, second := filepath.Join(folder, "first"), filepath.Join(folder, "second")
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(first, "a")
	files := filewatch.Over(now, first, second)
	expect := func(what string, later time.Duration, want bool) {
		t.Helper()
		now = now.Add(later)
		if got := files.Changed(now); got != want {
			t.Errorf("%s: changed is %v", what, got)
		}
	}
	expect("nothing happened", filewatch.Every, false)
	write(second, "b")
	expect("too soon", filewatch.Every-1, false)
	expect("a file came", 1, true)
	expect("it was told", filewatch.Every, false)
	write(second, "longer")
	expect("the clock went back", -time.Hour, true)
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	expect("a file went", filewatch.Every, true)
}
