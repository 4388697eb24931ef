package worker

import (
	"container/list"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// bounded is a listener with at most so many connections open. When another one arrives, the connection that has waited
// longest for its request to come whole is closed to make room: a slow client is thrown out by the next arrival, and one
// that sends its kilobyte at once is not. One that has brought a good callback before, and rests, goes only when there is
// no stranger to throw out: a carrier's connection must not end just as its next callback goes out.
//
//	arrives ─► waiting ─ body is read ─► being answered
//	              ▲                           │
//	              └──── answer is sent ───────┘
//
// http.StateActive does not tell the two apart, so the handler says when it has read the body ([answering]), and the
// server when the answer is sent ([bounded.watch]).
type bounded struct {
	net.Listener
	most int

	mu      sync.Mutex
	room    sync.Cond // something changed for an arrival that finds every connection being answered
	open    int
	waiting list.List // of *connection that have brought nothing yet, the longest first
	resting list.List // of those that have, the longest first
	closed  bool
}

// leastChance is how long a connection has for its request before it can be thrown out: in a flood of arrivals, those that
// are not accepted yet wait, and not those that are.
const leastChance = 100 * time.Millisecond

// connection is an open one. Its fields but the first are under the mutex of bounded.
type connection struct {
	net.Conn
	bounded *bounded
	since   time.Time     // when it took its place
	place   *list.Element // in waiting or resting; nil while it is being answered
	thanked bool          // a callback of it was answered 2xx
	proven  bool          // and it was known when it took its place: it stands in resting
	gone    bool
}

func newBounded(inner net.Listener, most int) *bounded {
	b := &bounded{Listener: inner, most: most}
	b.room.L = &b.mu
	return b
}

// Accept makes room where there is none. Too few file descriptors are too little room as well: left to the server, it
// would wait for slow clients to go.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		socket, err := b.Listener.Accept()
		if (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)) && b.throwOut() {
			continue
		}
		if err != nil {
			return nil, err
		}
		return b.enter(socket)
	}
}

// enter gives an arrival its place. It waits where every connection is being answered, which takes no longer than
// groupPatience.
func (b *bounded) enter(socket net.Conn) (net.Conn, error) {
	b.mu.Lock()
	for b.open >= b.most && !b.closed {
		front := b.slowest()
		if front == nil {
			b.room.Wait()
			continue
		}
		c, _ := front.Value.(*connection)
		early := leastChance - time.Since(c.since)
		if early <= 0 {
			break
		}
		b.mu.Unlock()
		<-time.After(early)
		b.mu.Lock()
	}
	if b.closed {
		b.mu.Unlock()
		return nil, errors.Join(net.ErrClosed, socket.Close())
	}
	var slowest *connection
	if b.open >= b.most {
		slowest = b.takeSlowest()
	}
	c := &connection{Conn: socket, bounded: b, since: time.Now()}
	c.place = b.waiting.PushBack(c)
	b.open++
	b.mu.Unlock()
	if slowest != nil {
		_ = slowest.Conn.Close()
	}
	return c, nil
}

// throwOut closes the connection that has waited longest, if one waits.
func (b *bounded) throwOut() bool {
	b.mu.Lock()
	var slowest *connection
	if b.slowest() != nil {
		slowest = b.takeSlowest()
	}
	b.mu.Unlock()
	if slowest == nil {
		return false
	}
	_ = slowest.Conn.Close()
	return true
}

// slowest is the one that goes next, nil where every connection is being answered. It is called under the lock.
func (b *bounded) slowest() *list.Element {
	if b.waiting.Len() > 0 {
		return b.waiting.Front()
	}
	return b.resting.Front()
}

// takeSlowest is called under the lock; its caller closes the connection after it, since that waits for its reader.
func (b *bounded) takeSlowest() *connection {
	c, _ := b.slowest().Value.(*connection)
	b.forget(c)
	return c
}

// leave takes a connection out of its queue, if it stands in one. It is called under the lock.
func (b *bounded) leave(c *connection) {
	if c.place == nil {
		return
	}
	if c.proven {
		b.resting.Remove(c.place)
	} else {
		b.waiting.Remove(c.place)
	}
	c.place = nil
}

// forget is called under the lock.
func (b *bounded) forget(c *connection) {
	if c.gone {
		return
	}
	c.gone = true
	b.open--
	b.leave(c)
	b.room.Signal()
}

// Close takes no more connections, and leaves the open ones to the server.
func (b *bounded) Close() error {
	b.mu.Lock()
	b.closed = true
	b.room.Signal()
	b.mu.Unlock()
	return b.Listener.Close()
}

// Close gives its place back.
func (c *connection) Close() error {
	c.bounded.mu.Lock()
	c.bounded.forget(c)
	c.bounded.mu.Unlock()
	return c.Conn.Close()
}

// answer says that the request has come whole.
func (c *connection) answer() {
	c.bounded.mu.Lock()
	defer c.bounded.mu.Unlock()
	c.bounded.leave(c)
}

// wait says that the answer is sent, and that the next request is waited for.
func (c *connection) wait() {
	c.bounded.mu.Lock()
	defer c.bounded.mu.Unlock()
	if c.gone {
		return
	}
	c.bounded.leave(c)
	c.since = time.Now()
	if c.proven = c.thanked; c.proven {
		c.place = c.bounded.resting.PushBack(c)
	} else {
		c.place = c.bounded.waiting.PushBack(c)
	}
	c.bounded.room.Signal()
}

type connectionKey struct{}

// watch lets the server's handlers and the server itself say how far a connection is.
func (b *bounded) watch(server *http.Server) {
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, connectionOf(conn))
	}
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		if c := connectionOf(conn); c != nil && state == http.StateIdle {
			c.wait()
		}
	}
}

// answering tells the request's connection that the body is read.
func answering(ctx context.Context) {
	if c, _ := ctx.Value(connectionKey{}).(*connection); c != nil {
		c.answer()
	}
}

// thanking tells the request's connection that it has brought a good callback.
func thanking(ctx context.Context) {
	if c, _ := ctx.Value(connectionKey{}).(*connection); c != nil {
		c.bounded.mu.Lock()
		defer c.bounded.mu.Unlock()
		c.thanked = true
	}
}

// connectionOf finds it below TLS.
func connectionOf(conn net.Conn) *connection {
	if outer, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = outer.NetConn()
	}
	c, _ := conn.(*connection)
	return c
}
