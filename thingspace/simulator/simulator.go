package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed says that the simulator was closed while it was waited for.
var ErrClosed = errors.New("the simulator is closed")

// Simulator is the carrier. It is safe for use by many goroutines.
type Simulator struct {
	cfg     Config
	log     *slog.Logger
	mind    atomic.Pointer[mind]
	gate    *gate
	journal *journal
	courier http.RoundTripper
	handler http.Handler

	started, closed sync.Once
	wake            chan struct{}   // holds one wish to look at the clock
	life            context.Context // ends with Close
	end             context.CancelFunc
	running         sync.WaitGroup

	mu        sync.Mutex // guards everything below; nothing waits while holding it
	due       sync.Cond  // signalled when the outbox grows and when life ends
	faults    faultTable
	fleet     fleet
	agenda    agenda
	outbox    outbox
	listeners directory
	tally     tally
	busy      int             // deliveries under way
	waiting   []chan struct{} // closed when nothing is on its way
}

// New makes a simulator. It takes requests at once, but calls nobody back before [Simulator.Start].
func New(cfg Config) (*Simulator, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	s := &Simulator{
		cfg:       cfg,
		log:       cfg.Logger,
		gate:      newGate(cfg),
		journal:   newJournal(cfg.Book),
		courier:   cfg.Transport,
		wake:      make(chan struct{}, 1),
		faults:    newFaultTable(),
		fleet:     newFleet(),
		listeners: make(directory),
		tally:     newTally(cfg.RateLimit),
	}
	s.due.L = &s.mu
	s.life, s.end = context.WithCancel(context.Background())
	if s.courier == nil {
		s.courier = keepAlive(cfg.Connections)
	}
	s.handler = s.routes()
	if err := s.SetMoods(cfg.Moods); err != nil {
		s.end()
		return nil, fmt.Errorf("simulator: %w", err)
	}
	return s, nil
}

// keepAlive is a transport that holds on to as many connections as there are couriers. Proxies are not asked: the
// listeners are here.
func keepAlive(connections int) *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 4 * time.Second}).DialContext,
		TLSHandshakeTimeout: 4 * time.Second,
		MaxIdleConns:        2 * connections,
		MaxIdleConnsPerHost: connections,
		MaxConnsPerHost:     connections,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
}

// SetMoods changes the carrier's moods. What was accepted before keeps its fate.
func (s *Simulator) SetMoods(m Moods) error {
	if err := m.Validate(); err != nil {
		return err
	}
	next := &mind{Moods: m.withDefaults(), seed: s.cfg.Seed, poison: eids(m.Poison), absent: eids(m.Absent)}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range next.Faults {
		number, err := s.faults.number(fault)
		if err != nil {
			return err
		}
		next.faults = append(next.faults, number)
	}
	s.mind.Store(next)
	return nil
}

func eids(list []string) map[eid]bool {
	set := make(map[eid]bool, len(list))
	for _, text := range list {
		var id eid
		pack(id[:], text, 32, 32)
		set[id] = true
	}
	return set
}

// Handler serves the carrier's paths, with and without the /api prefix, and the book under /_simulator/. The book is
// not protected: serve it to the local machine only.
func (s *Simulator) Handler() http.Handler { return s.handler }

// Start begins to call back. Again, or after Close, it does nothing.
func (s *Simulator) Start() {
	s.started.Do(func() {
		s.running.Go(s.keepTime)
		for range s.cfg.Connections {
			s.running.Go(s.deliver)
		}
	})
}

// Close ends the callbacks, waits for the simulator's goroutines and writes the rest of the book. Requests that wait
// for their answer are cut off. Again, it does nothing. Its error is the first failure to write the book.
func (s *Simulator) Close() error {
	s.closed.Do(func() {
		s.started.Do(func() {})
		s.mu.Lock()
		s.end()
		s.due.Broadcast()
		s.mu.Unlock()
		s.running.Wait()
		if transport, own := s.courier.(*http.Transport); own && s.cfg.Transport == nil {
			transport.CloseIdleConnections()
		}
	})
	return s.journal.flush()
}

// Wake makes the simulator look at its clock now. It is for injected clocks, after a jump.
func (s *Simulator) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Settled waits until no accept is in flight and no callback is due or under way, however far ahead, and tells why it
// could not.
func (s *Simulator) Settled(ctx context.Context) error {
	s.mu.Lock()
	if s.idle() {
		s.mu.Unlock()
		return nil
	}
	settled := make(chan struct{})
	s.waiting = append(s.waiting, settled)
	s.mu.Unlock()
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.life.Done():
		return ErrClosed
	}
}

// idle needs the lock.
func (s *Simulator) idle() bool { return len(s.agenda) == 0 && s.outbox.len() == 0 && s.busy == 0 }

// tellIdle needs the lock.
func (s *Simulator) tellIdle() {
	if len(s.waiting) == 0 || !s.idle() {
		return
	}
	for _, waiter := range s.waiting {
		close(waiter)
	}
	s.waiting = nil
}
