package worker

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestTheSlowestMakesRoomAndWhoIsFasterIsAnswered(t *testing.T) {
	t.Parallel()
	address := openGate(t, &Gate{Connections: 2}, nil)
	silent, dripping := dial(t, address), dial(t, address)
	text := request(genuine)
	write(t, dripping, text[:len(text)-10])
	good := dial(t, address)
	write(t, good, text)
	answered(t, good, http.StatusOK)
	closed(t, silent)
	write(t, dripping, text[len(text)-10:])
	answered(t, dripping, http.StatusOK)
}

func TestAConnectionThatIsKeptWaitsAnewAndMakesRoomToo(t *testing.T) {
	t.Parallel()
	address := openGate(t, &Gate{Connections: 2}, nil)
	kept, silent := dial(t, address), dial(t, address)
	write(t, kept, request(genuine))
	answered(t, kept, http.StatusOK)
	write(t, kept, request(genuine)) // its second answer says that it was kept
	answered(t, kept, http.StatusOK)
	for range 2 {
		good := dial(t, address)
		write(t, good, request(genuine))
		answered(t, good, http.StatusOK)
	}
	closed(t, silent)
	closed(t, kept)
}

func TestNobodyWhoIsBeingAnsweredMakesRoom(t *testing.T) {
	t.Parallel()
	begun, end := make(chan struct{}, 3), make(chan struct{})
	intake := NewIntake(nil, nil)
	intake.settle = func(context.Context, []Received) error {
		begun <- struct{}{}
		<-end
		return nil
	}
	address := openGate(t, &Gate{Connections: 2}, intake)
	first, second := dial(t, address), dial(t, address)
	write(t, first, request(genuine))
	<-begun
	write(t, second, request(genuine))
	for len(intake.queue) < 1 { // until it waits for its answer
		runtime.Gosched()
	}
	third := dial(t, address)
	write(t, third, request(genuine))
	close(end)
	for _, conn := range []net.Conn{first, second, third} {
		answered(t, conn, http.StatusOK)
	}
}

// starved is a listener that has run out of file descriptors until somebody gives one back.
type starved struct {
	net.Listener
	socket net.Conn
	freed  chan struct{}
}

func (s *starved) Accept() (net.Conn, error) {
	select {
	case <-s.freed:
		return s.socket, nil
	default:
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
}

type telling struct {
	net.Conn
	closed chan struct{}
}

func (c *telling) Close() error {
	close(c.closed)
	return nil
}

func TestWhereFileDescriptorsRunOutTheSlowestMakesRoomAsWell(t *testing.T) {
	t.Parallel()
	slow := &telling{closed: make(chan struct{})}
	b := newBounded(&starved{freed: slow.closed}, 10)
	if _, err := b.Accept(); !errors.Is(err, syscall.EMFILE) {
		t.Fatalf("with nobody to throw out: %v", err)
	}
	if _, err := b.enter(slow); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Accept(); err != nil {
		t.Errorf("after one has made room: %v", err)
	}
	if b.open != 1 {
		t.Errorf("%d are open", b.open)
	}
}

// slowClients open connections that never send a whole request, and tell when they are thrown out.
func slowClients(t *testing.T, address string, number int) (conns []net.Conn, out <-chan struct{}) {
	t.Helper()
	thrown := make(chan struct{}, number)
	text := request(genuine)
	for i := range number {
		conn := dial(t, address)
		_, _ = io.WriteString(conn, text[:[]int{0, 20, len(text) - 900}[i%3]]) // it may have been thrown out already
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			thrown <- struct{}{}
		}()
		conns = append(conns, conn)
	}
	return conns, thrown
}

// 2,000 clients that never send a header, stop inside one, or drip a body, and good callbacks among them, each on a
// connection of its own. Where nobody makes room, the first good one waits until the slow ones have run out of time, 5 s
// or 10 s. It measures, and so runs beside no other test.
func TestSlowClientsDoNotKeepGoodCallbacksWaiting(t *testing.T) {
	const slow, bound, good = 2000, 500, 200
	address := openGate(t, &Gate{Connections: bound}, nil)
	conns, out := slowClients(t, address, slow)
	for range slow - bound {
		<-out
	}
	waited := make([]time.Duration, good)
	for i := range waited {
		begun := time.Now()
		conn := dial(t, address)
		write(t, conn, request(genuine))
		answered(t, conn, http.StatusOK)
		waited[i] = time.Since(begun)
		for j := 2 + 3*(i%10); j < slow; j += 30 {
			_, _ = io.WriteString(conns[j], "x")
		}
	}
	slices.Sort(waited)
	p99, longest := waited[good*99/100-1], waited[good-1]
	if p99 > time.Second || longest > 3*time.Second {
		t.Errorf("good callbacks took up to %v, and %v at the 99th percentile", longest, p99)
	}
}

func TestAClosedListenerLetsNobodyInAndDoesNotWait(t *testing.T) {
	t.Parallel()
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBounded(inner, 1)
	dial(t, inner.Addr().String())
	conn, err := b.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	connectionOf(conn).answer()
	second := dial(t, inner.Addr().String())
	ended := make(chan error, 1)
	go func() {
		_, err := b.Accept()
		ended <- err
	}()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("an arrival was let in: %v", err)
	}
	closed(t, second)
}
