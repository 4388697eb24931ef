//go:build unix

package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script makes a command of a shell script and a folder for it, and gives what it logs.
func script(t *testing.T, text string) (c *Command, folder string, log *bytes.Buffer) {
	t.Helper()
	folder, log = t.TempDir(), new(bytes.Buffer)
	path := filepath.Join(folder, "command")
	if err := os.WriteFile(path, []byte("#!/bin/sh\ncd "+folder+"\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := NewCommand(path, os.Getenv, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c, folder, log
}

// send runs it; another test's child may still hold the script open for writing for a moment.
func send(ctx context.Context, c *Command, news News) (err error) {
	for err = syscall.ETXTBSY; errors.Is(err, syscall.ETXTBSY); {
		err = c.Send(ctx, news)
	}
	return err
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestACommandGetsTheNewsAndNothingOfOurs(t *testing.T) {
	t.Setenv("SIMSHIFT_THINGSPACE_SECRET", "hush")
	c, folder, log := script(t, "cat > stdin; env > env\n")
	news := News{ID: "job-1", Job: "job", Name: "a\nb\x00c", Act: "finished", Words: strings.Repeat("ü", fieldMost)}
	if err := send(t.Context(), c, news); err != nil || log.Len() > 0 {
		t.Fatal(err, log)
	}
	var got News
	if err := json.Unmarshal([]byte(read(t, folder, "stdin")), &got); err != nil || got.ID != news.ID || got.Name != news.Name {
		t.Errorf("%+v (%v)", got, err)
	}
	env := read(t, folder, "env")
	if strings.Contains(env, "hush") || !strings.Contains(env, "PATH=") || !strings.Contains(env, "SIMSHIFT_NEWS_ACT=finished\n") ||
		!strings.Contains(env, "SIMSHIFT_NEWS_NAME=a b c\n") || !strings.Contains(env, strings.Repeat("ü", fieldMost/2)+"\n") {
		t.Errorf("its environment:\n%s", env)
	}
}

func TestWhatAFailedCommandSaysIsLoggedInBounds(t *testing.T) {
	t.Parallel()
	c, _, log := script(t, "echo no such pager >&2; i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exit 7\n")
	err := send(t.Context(), c, News{Job: "job"})
	if err == nil || !strings.Contains(err.Error(), "exit status 7") || strings.Contains(err.Error(), "pager") {
		t.Error(err)
	}
	if said := log.String(); !strings.Contains(said, "level=WARN") || !strings.Contains(said, "no such pager") || len(said) > 2*outputMost {
		t.Errorf("%d bytes: %.200s", len(said), said)
	}
}

func TestACommandThatHangsIsKilledWithAllThatItStarted(t *testing.T) {
	t.Parallel()
	c, folder, _ := script(t, "sleep 600 & echo $! > child; wait\n")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- send(ctx, c, News{}) }()
	child := 0
	for child == 0 {
		text, _ := os.ReadFile(filepath.Join(folder, "child"))
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	cancel()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "killed") {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
	for late := time.Now().Add(20 * time.Second); alive(child); {
		if time.Now().After(late) {
			t.Fatal("what it started lives on")
		}
	}
}

// alive tells whether a process runs; one that nobody has waited for yet does not.
func alive(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestACommandHasItsTime(t *testing.T) {
	t.Parallel()
	c, _, log := script(t, "sleep 600\n")
	c.timeout = 50 * time.Millisecond
	if err := send(t.Context(), c, News{}); err == nil || !strings.Contains(log.String(), "killed") {
		t.Error(err, log)
	}
}

func TestACommandThatReadsNothingAndLeavesAChildBehindHasDoneWell(t *testing.T) {
	t.Parallel()
	c, folder, log := script(t, "sleep 600 & echo $! > child\n")
	if err := send(t.Context(), c, News{Words: strings.Repeat("x", 1<<20)}); err != nil || log.Len() > 0 {
		t.Error(err, log)
	}
	child, _ := strconv.Atoi(strings.TrimSpace(read(t, folder, "child")))
	_ = syscall.Kill(child, syscall.SIGKILL)
}

func TestACommandIsTheWholePathOfAProgram(t *testing.T) {
	t.Parallel()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"sh", "./sh", plain, filepath.Dir(plain), plain + ".none", "/bin/sh -c true"} {
		if _, err := NewCommand(path, os.Getenv, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrCommand) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
