package thingspace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// The times of a renewal. The lock outlives the renewal it covers, which [mostOpen] builds on, and whoever waits outlives
// the lock of a process that was killed.
const (
	renewWithin = 20 * time.Second
	tidyWithin  = 2 * time.Second // to note its failure, and again to give the lock back
	lockLife    = 25 * time.Second
	waitWithin  = 30 * time.Second
	lookEvery   = 50 * time.Millisecond
)

// shared is a credential that the whole deployment uses, and the way to a new one.
type shared struct {
	client *Client
	slot   slot
	source source
	turn   chan struct{} // held by the one goroutine of this process that renews or waits for a renewal
}

// source is where a credential comes from.
type source struct {
	kind string // "token" or "login", as [LoginHold] and errors name it

	// fetch gets a new credential and how long it may be used. It calls begin right before a request whose mere sending
	// may count against us.
	fetch func(ctx context.Context, begin func() error) (value string, life time.Duration, fault *Error)

	// weigh tells what a failure says of the attempt.
	weigh func(*Error) verdict
}

// verdict is what is known of an attempt that brought no credential.
type verdict uint8

const (
	doubtful verdict = iota // it may have been judged, either way: nobody knows
	refused                 // it was judged, and the answer was no
	harmless                // it was not judged
)

func newShared(c *Client, store *SessionStore, from source) *shared {
	return &shared{client: c, slot: store.slot(c.cfg.scope(), from.kind), source: from, turn: make(chan struct{}, 1)}
}

// current is the token in force; if there is none, a new one.
func (s *shared) current(ctx context.Context) (token, error) {
	held, err := s.slot.current(ctx)
	if err != nil || held.issue != "" {
		return held, err
	}
	return s.renew(ctx, token{})
}

// renew gives a token other than the one that the caller saw failing: the one that stands in its place already, or a new
// one. At most one process renews at a time; the others wait for what it gets.
func (s *shared) renew(ctx context.Context, seen token) (token, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, waitWithin,
		fmt.Errorf("somebody else has been renewing the %s for %v", s.source.kind, waitWithin))
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return token{}, context.Cause(ctx)
	}
	owner := rand.Text()
	for {
		locked, err := s.slot.lock(ctx, owner, lockLife)
		if err != nil {
			return token{}, orCause(ctx, err)
		}
		held, err := s.slot.current(ctx)
		stale := held.issue == "" || held.issue == seen.issue
		if locked && stale && err == nil {
			return s.renewLocked(ctx, owner)
		}
		if locked {
			s.unlock(ctx, owner)
		}
		if err != nil || !stale {
			return held, orCause(ctx, err)
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return token{}, context.Cause(ctx)
		}
	}
}

// orCause is err or, if it came of the end of ctx, why that ended: Redis's client only says that it did.
func orCause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// renewLocked gets and stores a new token, and gives the lock back. It does not end with the caller: a login that was
// broken off would be of unknown outcome.
func (s *shared) renewLocked(ctx context.Context, owner string) (token, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewWithin)
	defer cancel()
	leave := s.unlock
	defer func() { leave(ctx, owner) }()
	made, err := s.slot.attempts(ctx)
	if err != nil {
		return token{}, err
	}
	if countOf(made).spent(0) {
		return token{}, s.held(made)
	}
	value, life, fault := s.source.fetch(ctx, func() error { return s.begin(ctx, owner) })
	if fault != nil {
		if s.source.weigh(fault) == doubtful {
			leave = s.rest
		}
		return token{}, s.fail(ctx, owner, fault)
	}
	s.client.log.InfoContext(ctx, "thingspace credential renewed", "kind", s.source.kind, "life", life)
	return s.keep(ctx, owner, token{issue: rand.Text(), value: value, life: life})
}

// errLockLost ends a renewal that took too long before it had sent anything.
var errLockLost = errors.New("another process took over the renewal before it was sent")

// begin notes an attempt that is about to be sent. What is on record is counted again after it: since it was first
// counted, an attempt of unknown outcome may have turned out to be refused.
func (s *shared) begin(ctx context.Context, owner string) error {
	begun, err := s.slot.begin(ctx, owner, s.attempt(nil, doubtful), lockLife)
	if err != nil {
		return err
	}
	if !begun {
		return errLockLost
	}
	made, err := s.slot.attempts(ctx)
	if err == nil && countOf(made).spent(1) {
		return s.held(made)
	}
	return err
}

// keep stores the token, and does not give up soon: until it is stored, its attempt is one of unknown outcome.
func (s *shared) keep(ctx context.Context, owner string, fresh token) (token, error) {
	for {
		kept, err := s.slot.keep(ctx, owner, fresh)
		switch {
		case err == nil && kept:
			return fresh, nil
		case err == nil:
			return s.slot.current(ctx)
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return token{}, err
		}
	}
}

// fail weighs a failed attempt: it is taken back, or it stays on record and may be the one too many. It has a time of its
// own, since the attempt may have used up the renewal's.
func (s *shared) fail(ctx context.Context, owner string, fault *Error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyWithin)
	defer cancel()
	log, found := s.client.log.With("kind", s.source.kind, "error", fault), s.source.weigh(fault)
	if found == harmless {
		log.WarnContext(ctx, "thingspace credential not renewed")
		fault.Err = errors.Join(fault.Err, s.slot.forgive(ctx, owner))
		return fault
	}
	noteErr := s.slot.note(ctx, owner, s.attempt(fault, found))
	made, err := s.slot.attempts(ctx)
	sum := countOf(made)
	log.ErrorContext(ctx, "thingspace credential not given", "refused", sum.refused, "unknown", sum.unknown)
	if sum.spent(0) {
		fault.Err = errors.Join(fault.Err, s.held(made))
	}
	fault.Err = errors.Join(fault.Err, noteErr, err)
	return fault
}

// attempt is the record of one, before its outcome is known (nil) or after it failed.
func (s *shared) attempt(fault *Error, found verdict) attempt {
	a := attempt{Who: s.client.name, At: s.client.now().UTC(), Note: "sent; what became of it was never recorded"}
	if fault != nil {
		a.Refused, a.Status, a.Code, a.Note = found == refused, fault.Status, fault.Code, fault.Message
	}
	return a
}

// used notes that the carrier has accepted the token just now, at most once a minute: its idle time starts again.
func (s *shared) used(ctx context.Context, t token, whole time.Duration) {
	if t.life > whole-time.Minute {
		return
	}
	if err := s.slot.touch(ctx, t, whole); err != nil {
		s.client.log.DebugContext(ctx, "thingspace credential's use not noted", "kind", s.source.kind, "error", err)
	}
}

func (s *shared) unlock(ctx context.Context, owner string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyWithin)
	defer cancel()
	if err := s.slot.unlock(ctx, owner); err != nil {
		s.client.log.WarnContext(ctx, "thingspace lock not given back; it ends by itself", "kind", s.source.kind, "error", err)
	}
}

// rest leaves the lock to lapse by itself. After an attempt of unknown outcome the next one then comes no sooner than after
// a process that was killed: not before the carrier can have judged it, and not all at once into an outage.
func (s *shared) rest(ctx context.Context, owner string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyWithin)
	defer cancel()
	if err := s.slot.prolong(ctx, owner, lockLife); err != nil {
		s.client.log.WarnContext(ctx, "thingspace lock not prolonged", "kind", s.source.kind, "error", err)
	}
}
