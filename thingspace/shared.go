package thingspace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// The times of a renewal. The lock outlives the renewal it covers, and whoever waits outlives the lock of a process that
// was killed.
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

	// counts tells whether the failure counts as a failed attempt.
	counts func(*Error) bool
}

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
			return token{}, err
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
			return held, err
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return token{}, context.Cause(ctx)
		}
	}
}

// renewLocked gets and stores a new token, and gives the lock back. It does not end with the caller: a login that was
// broken off would count as failed.
func (s *shared) renewLocked(ctx context.Context, owner string) (token, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewWithin)
	defer cancel()
	defer s.unlock(ctx, owner)
	failed, err := s.slot.attempts(ctx)
	if err != nil {
		return token{}, err
	}
	if len(failed) >= mostFailures {
		return token{}, s.held(failed)
	}
	value, life, fault := s.source.fetch(ctx, func() error { return s.begin(ctx, owner) })
	if fault != nil {
		return token{}, s.fail(ctx, owner, fault)
	}
	s.client.log.InfoContext(ctx, "thingspace credential renewed", "kind", s.source.kind, "life", life)
	return s.keep(ctx, owner, token{issue: rand.Text(), value: value, life: life})
}

// begin notes an attempt that is about to be sent. The count is read again after it: a process that had lost its lock
// unawares may be trying at the same time.
func (s *shared) begin(ctx context.Context, owner string) error {
	if err := s.slot.note(ctx, owner, s.attempt(nil)); err != nil {
		return err
	}
	failed, err := s.slot.attempts(ctx)
	if err == nil && len(failed) > mostFailures {
		return s.held(failed)
	}
	return err
}

// keep stores the token, and does not give up soon: until it is stored, its attempt counts as failed.
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

// fail weighs a failed attempt: it is taken back, or it stays and may be the one too many. It has a time of its own,
// since the attempt may have used up the renewal's.
func (s *shared) fail(ctx context.Context, owner string, fault *Error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyWithin)
	defer cancel()
	log := s.client.log.With("kind", s.source.kind, "error", fault)
	if !s.source.counts(fault) {
		log.WarnContext(ctx, "thingspace credential not renewed")
		fault.Err = errors.Join(fault.Err, s.slot.forgive(ctx, owner))
		return fault
	}
	noteErr := s.slot.note(ctx, owner, s.attempt(fault))
	failed, err := s.slot.attempts(ctx)
	log.ErrorContext(ctx, "thingspace credential refused", "failed_attempts", len(failed))
	if len(failed) >= mostFailures {
		fault.Err = errors.Join(fault.Err, s.held(failed))
	}
	fault.Err = errors.Join(fault.Err, noteErr, err)
	return fault
}

// attempt is the record of one, before its outcome is known (nil) or after it failed.
func (s *shared) attempt(fault *Error) attempt {
	a := attempt{Who: s.client.name, At: s.client.now().UTC(), Note: "sent; what became of it was never recorded"}
	if fault != nil {
		a.Status, a.Code, a.Note = fault.Status, fault.Code, fault.Message
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
