package redistest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// patience is how long a server may take to answer: reading a large append-only file on a busy machine included.
const patience = 30 * time.Second

// child is a redis-server process.
type child struct {
	pid  int
	kill func()          // SIGKILL, and wait; harmless when it is gone
	gone <-chan struct{} // closed when the process has been reaped
}

// spawn starts the process and reaps it when it ends, from one thread: Linux sends the signal that makes a child die
// with its parent when the *thread* that started it ends, so that thread must last as long as the child.
func spawn(binary string, args []string, log *os.File) (*child, error) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // redis-server from PATH
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithParent()

	started, gone := make(chan error), make(chan struct{})
	go func() {
		defer close(gone)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
	}()
	if err := <-started; err != nil {
		cancel()
		return nil, err
	}
	kill := func() {
		cancel()
		<-gone
	}
	return &child{pid: cmd.Process.Pid, kill: kill, gone: gone}, nil
}

// await returns when the server answers PING. Between two processes nothing better than asking is to be had.
func (c *child) await(addr string) error {
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ping(addr)
		if err == nil {
			return nil
		}
		select {
		case <-c.gone:
			return errors.New("it ended at once")
		case <-deadline:
			return fmt.Errorf("no answer in %s: %w", patience, err)
		case <-tick.C:
		}
	}
}

// ping asks without go-redis, which logs every refused connection. A server that still reads its files says -LOADING.
func ping(addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // a connection of one question
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && answer != "+PONG\r\n" {
		return fmt.Errorf("it answered %q", answer)
	}
	return err
}

// freeAddr is a loopback address on which nothing listened a moment ago.
func freeAddr() (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
