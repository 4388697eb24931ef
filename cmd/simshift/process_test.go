package main

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a command may take to end, or to say that it is ready.
const patience = time.Minute

// process is a command line that runs in a shell.
type process struct {
	line   string
	cmd    *exec.Cmd
	talk   *ear
	caught string        // what the words said that were waited for
	gone   chan struct{} // closed when it has ended
}

// ear keeps what a program says, and tells when it has said certain words.
type ear struct {
	wanted *regexp.Regexp // nil: none
	heard  chan string    // has room for one; the last group of the words

	mu   sync.Mutex
	text bytes.Buffer
	told bool
}

func (e *ear) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n, err := e.text.Write(p)
	if e.wanted == nil || e.told {
		return n, err
	}
	if found := e.wanted.FindSubmatch(e.text.Bytes()); found != nil {
		e.told = true
		e.heard <- string(found[len(found)-1])
	}
	return n, err
}

func (e *ear) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.text.String()
}

// begin runs a line in a shell of its own process group, so that a signal reaches whatever the shell has started. The shell
// itself outlives SIGTERM, to give the exit code of what it ran.
func (s *stage) begin(t *testing.T, folder, line string, wanted *regexp.Regexp, out io.Writer) *process {
	t.Helper()
	p := &process{line: line, talk: &ear{wanted: wanted, heard: make(chan string, 1)}, gone: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", "trap : TERM\n"+line)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = folder, s.env, out, p.talk
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.gone)
		_ = p.cmd.Wait() // ends looks at how it ended
	}()
	return p
}

// start runs a line that goes on until a signal comes, and waits until it has said what is wanted.
func (s *stage) start(t *testing.T, folder, line, wanted string) *process {
	t.Helper()
	p := s.begin(t, folder, line, regexp.MustCompile(wanted), io.Discard)
	select {
	case p.caught = <-p.talk.heard:
	case <-p.gone:
		t.Fatalf("%s\nended without saying %q:\n%s", line, wanted, p.talk)
	case <-time.After(patience):
		p.signal(syscall.SIGKILL)
		t.Fatalf("%s\ndoes not say %q:\n%s", line, wanted, p.talk)
	}
	return p
}

// stop ends a line with SIGTERM; its exit code must be the given one.
func (p *process) stop(t *testing.T, code int) {
	t.Helper()
	p.signal(syscall.SIGTERM)
	p.ends(t, code)
}

// run runs a line to its end, which must be with the code, and gives its standard output.
func (s *stage) run(t *testing.T, folder, line string, code int) string {
	t.Helper()
	var out strings.Builder
	s.begin(t, folder, line, nil, &out).ends(t, code)
	return out.String()
}

// ends waits until a line has ended, and checks its exit code.
func (p *process) ends(t *testing.T, code int) {
	t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		p.signal(syscall.SIGKILL)
		<-p.gone
		t.Fatalf("%s\ndoes not end:\n%s", p.line, p.talk)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%s\nended with %d, not %d:\n%s", p.line, got, code, p.talk)
	}
}

func (p *process) signal(signal syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, signal) } // it may be gone
