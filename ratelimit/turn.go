package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Tolerance is how long after its start a turn may still be used. Used later it would come too close to the next one.
const Tolerance = 250 * time.Millisecond

// ErrTurnLost is returned by [Turn.Await] when the turn can not be used any more: a hold came between, or the caller
// slept too long. Its Wait and Reason then tell when to ask for another and why.
var ErrTurnLost = errors.New("the turn is lost")

// Turn is the answer to [Limiter.Reserve]. It belongs to one goroutine.
type Turn struct {
	// Wait is the time from the answer until the turn starts, or, if it was not taken, until it is worth asking again.
	// It may be 0 in either case; who asks in a loop must bring a least pause of its own.
	Wait time.Duration
	// Reason says in words why it was not taken; empty when it was.
	Reason string
	// Cause is the reason in one of a few words: hold, in_flight, requests, devices, late, process; empty when it was taken.
	Cause string

	limiter  *Limiter
	account  string
	id       string
	taken    bool
	start    int64     // µs on Redis's clock
	due      time.Time // the same moment on this process's clock
	giveBack func()    // to the process's own limiter
}

// Taken tells whether the caller has the turn: it then must Await it, and Cancel it if it sends nothing.
func (t *Turn) Taken() bool { return t.taken }

// Await returns when the turn starts and still stands, at most [Horizon] later. It fails with [ErrTurnLost] when it
// does not stand any more, and with the context's error when that ends first.
func (t *Turn) Await(ctx context.Context) error {
	if !t.taken {
		return ErrTurnLost
	}
	wait := t.due.Sub(t.limiter.now())
	if wait <= 0 && t.Wait == 0 && -wait <= Tolerance {
		return ctx.Err() // it started when it was given, a moment ago
	}
	if err := sleep(ctx, wait); err != nil {
		return err
	}
	return t.confirm(ctx)
}

// confirm asks whether the turn stands: whoever waited for it has not seen the holds that came meanwhile.
func (t *Turn) confirm(ctx context.Context) error {
	r, err := t.limiter.run(ctx, confirmScript, t.account, t.start+Tolerance.Microseconds())
	if err != nil {
		return fmt.Errorf("no turn without Redis: %w", err)
	}
	stands, wait, why, words := r.number() == 1, r.duration(), r.text(), r.text()
	if r.err != nil || stands {
		return r.err
	}
	t.Wait = wait
	t.explain(why, words, Limits{})
	t.limiter.see(t)
	return fmt.Errorf("%w: %s", ErrTurnLost, t.Reason)
}

// Cancel gives back a turn that is not used, so that the next one can have its time. Of a turn that was not taken, or
// was cancelled before, there is nothing to give back.
func (t *Turn) Cancel(ctx context.Context) error {
	if !t.taken {
		return nil
	}
	t.taken = false
	if t.giveBack != nil {
		t.giveBack()
	}
	if _, err := t.limiter.run(ctx, cancelScript, t.id); err != nil {
		return fmt.Errorf("give a turn back: %w", err)
	}
	return nil
}

// explain turns a script's code into words, and gives the waits that the script leaves open.
func (t *Turn) explain(why, words string, limits Limits) {
	t.Cause = why
	switch why {
	case "hold":
		t.Reason = words
		if t.Wait < 0 {
			t.Wait = releasePoll
		}
	case "in_flight":
		t.Wait = inFlightPoll
		t.Reason = fmt.Sprintf("%s devices are unanswered, and at most %d may be", words, limits.MaxInFlight)
	case "requests":
		t.Reason = fmt.Sprintf("requests are limited to %s", limits.Requests)
	case "devices":
		t.Reason = fmt.Sprintf("devices are limited to %s", limits.Devices)
	case "late":
		t.Reason = "the turn was overslept"
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
