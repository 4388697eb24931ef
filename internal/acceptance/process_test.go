package acceptance_test

import (
	"bufio"
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

// process is a running simshift.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when all output is read and the process is gone

	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and made anew with each line
}

// patience is how long a process may take to start or to end, on a busy machine too: what hangs is told, not what is slow.
const patience = 90 * time.Second

// start runs a long-lived command. It is ended with SIGTERM when the test ends, and must end well then.
func (n *night) start(args ...string) *process {
	n.t.Helper()
	return n.startBinary(binary, args...)
}

func (n *night) startBinary(binary string, args ...string) *process {
	n.t.Helper()
	p := &process{t: n.t, name: args[0], ended: make(chan struct{}), more: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(n.t.Context()), binary, args...) // our own binary
	p.cmd.Env = n.env
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go p.read(pipe)
	n.t.Cleanup(func() { p.stop(syscall.SIGTERM) })
	return p
}

func (p *process) read(pipe io.Reader) {
	defer close(p.ended)
	scanner := bufio.NewScanner(pipe)
	for scanner.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, scanner.Text())
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // the exit state is asked for where it matters
}

// says waits until the process has written a line that matches, and gives what the first group caught.
func (p *process) says(pattern string) string {
	p.t.Helper()
	wanted := regexp.MustCompile(pattern)
	late := time.After(patience)
	for from := 0; ; {
		p.mu.Lock()
		lines, more := p.lines, p.more
		p.mu.Unlock()
		for ; from < len(lines); from++ {
			if found := wanted.FindStringSubmatch(lines[from]); found != nil {
				return found[len(found)-1]
			}
		}
		select {
		case <-more:
		case <-p.ended:
			p.t.Fatalf("%s ended without saying %q:\n%s", p.name, pattern, strings.Join(p.lines, "\n"))
		case <-late:
			p.t.Fatalf("%s does not say %q:\n%s", p.name, pattern, strings.Join(lines, "\n"))
		}
	}
}

// address is where a listener listens.
func (p *process) address() string {
	p.t.Helper()
	return p.says(listens)
}

// stop ends the process with a signal and waits until it is gone.
func (p *process) stop(signal syscall.Signal) {
	p.t.Helper()
	select {
	case <-p.ended:
		return
	default:
	}
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		p.t.Errorf("%s did not end within %v of %v", p.name, patience, signal)
		return
	}
	if signal == syscall.SIGTERM && !p.cmd.ProcessState.Success() {
		p.t.Errorf("%s ended with %v:\n%s", p.name, p.cmd.ProcessState, strings.Join(p.lines, "\n"))
	}
	for _, line := range p.lines {
		if strings.Contains(line, "DATA RACE") {
			p.t.Errorf("%s has a data race:\n%s", p.name, strings.Join(p.lines, "\n"))
			return
		}
	}
}
