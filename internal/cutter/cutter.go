// Package cutter is a TCP proxy for tests that breaks connections as networks and dying hosts do: it resets them, lets a
// command through and drops its reply, refuses everybody, or hands a connection to the next of several targets.
package cutter

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and one or several targets. It is safe for concurrent use.
type Proxy struct {
	Addr string // where clients connect, host:port on the loopback interface

	listener net.Listener
	life     context.Context
	running  sync.WaitGroup

	mu      sync.Mutex
	targets []string
	turn    int // which target is next
	closed  bool
	links   map[*link]bool
	replies int // how many replies are still to be dropped
}

// link is one client's connection and the one to its target.
type link struct{ client, server net.Conn }

// Start gives a proxy to the targets, which are tried in turn. It ends with the test.
func Start(t testing.TB, targets ...string) *Proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	life, end := context.WithCancel(context.Background())
	p := &Proxy{Addr: listener.Addr().String(), listener: listener, life: life, targets: targets, links: make(map[*link]bool)}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		end()
		_ = listener.Close() // a second close is the only error there is
		p.Close()
		p.running.Wait()
	})
	return p
}

// Cut resets every connection there is. New ones are taken.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// CutReplies lets commands through and drops the next n replies, each with its connection: the command took effect, and
// its sender can not know.
func (p *Proxy) CutReplies(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replies = n
}

// Close cuts everybody off, and refuses whoever comes, until Open.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut()
}

// Open takes connections again.
func (p *Proxy) Open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = false
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed: the test has ended
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	server := p.dial()
	if server == nil {
		(&link{client: client}).reset()
		return
	}
	l := &link{client, server}
	p.mu.Lock()
	refused := p.closed
	p.links[l] = true
	p.mu.Unlock()
	if refused {
		l.reset()
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(server, client) // how it ended is seen by whoever is cut off
		l.close()
	})
	p.copyReplies(l)
	l.close()
	both.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// dial connects to the next target that answers; nil where none does.
func (p *Proxy) dial() net.Conn {
	p.mu.Lock()
	targets, first := p.targets, p.turn
	p.turn++
	p.mu.Unlock()
	for i := range targets {
		server, err := new(net.Dialer).DialContext(p.life, "tcp", targets[(first+i)%len(targets)])
		if err == nil {
			return server
		}
	}
	return nil
}

func (p *Proxy) copyReplies(l *link) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(buffer)
		if n > 0 && p.drops() {
			l.reset()
			return
		}
		if _, werr := l.client.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
	}
}

// drops tells whether the reply that just came is one to be dropped.
func (p *Proxy) drops() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.replies == 0 {
		return false
	}
	p.replies--
	return true
}

// reset ends the client's connection without the ceremony of a close.
func (l *link) reset() {
	if tcp, ok := l.client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the cut is merely less abrupt
	}
	l.close()
}

func (l *link) close() {
	_ = l.client.Close()
	if l.server != nil {
		_ = l.server.Close()
	}
}
