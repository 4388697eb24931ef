package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// load is callbacks as whole HTTP requests, made beforehand: the generator shares the cores with what it measures, so while
// it sends it does as little as can be, and the same whoever receives.
type load struct{ requests [][]byte }

func (l *load) add(body []byte) {
	l.requests = append(l.requests, fmt.Appendf(nil, "POST /callbacks/thingspace HTTP/1.1\r\nHost: x\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
}

// cut takes the first n away from l, and gives them.
func (l *load) cut(n int) *load {
	first := &load{l.requests[:n]}
	l.requests = l.requests[n:]
	return first
}

// connections are more than a group of callbacks needs to be worth a write, and far fewer than the carrier may open.
const connections = 64

// shot is what came of sending a load.
type shot struct {
	rate     float64 // answered a second
	p50, p99 time.Duration
	cost     time.Duration // processor time of the generator for each
	least    float64       // the smallest part that one of the addresses answered; an even one is 1
}

// fire sends a load over keep-alive connections, one request at a time on each. At a pace of so many a second each is sent
// when its time has come, and its answer is timed from then on, also where no connection was free: what waits is late, too.
// At pace 0 they are sent as fast as they are answered.
func fire(t *testing.T, l *load, pace int, addresses ...string) shot {
	t.Helper()
	n := len(l.requests)
	took, failures := make([]time.Duration, n), make([]error, connections)
	answered := make([]atomic.Int64, len(addresses))
	var next atomic.Int64
	var firing sync.WaitGroup
	cpu, began := spent(t), time.Now()
	for c := range connections {
		at := c % len(addresses)
		firing.Go(func() {
			failures[c] = exchange(t.Context(), addresses[at], func(send func([]byte) error) error {
				for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
					due := time.Now()
					if pace > 0 {
						due = began.Add(time.Duration(i) * time.Second / time.Duration(pace))
						time.Sleep(time.Until(due))
					}
					if err := send(l.requests[i]); err != nil {
						return err
					}
					took[i] = time.Since(due)
					answered[at].Add(1)
				}
				return nil
			})
		})
	}
	firing.Wait()
	length := time.Since(began)
	cost := (spent(t) - cpu) / time.Duration(n)
	check(t, errors.Join(failures...))
	slices.Sort(took)
	least := int64(n)
	for i := range answered {
		least = min(least, answered[i].Load())
	}
	return shot{
		rate: float64(n) / length.Seconds(), p50: took[n/2], p99: took[n*99/100], cost: cost,
		least: float64(least) * float64(len(addresses)) / float64(n),
	}
}

// exchange opens a connection for a talk, in which send sends a request and reads its answer, which must be 200.
func exchange(ctx context.Context, address string, talk func(send func([]byte) error) error) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	return talk(func(request []byte) error {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		return thanks(answers)
	})
}

// thanks reads an answer without a body.
func thanks(answers *bufio.Reader) error {
	status, err := answers.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("a callback was not answered: %w", err)
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		rest, _ := io.ReadAll(io.LimitReader(answers, 200))
		return fmt.Errorf("a callback was answered %s%s", status, rest)
	}
	for line := status; len(line) > 2; {
		if line, err = answers.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}

// spent is the processor time that this process has used.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	check(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
