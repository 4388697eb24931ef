package ratelimit

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// LongestHold is the longest that a hold with an end lasts; a later end is brought forward. No carrier means more, and
// a garbled Retry-After must not stop a fleet for a century.
const LongestHold = 24 * time.Hour

const (
	// slowDownWindow is the time in which the rate is halved at most once, however many workers were pushed back.
	slowDownWindow = time.Minute
	// leastShare is what is left of the full rate after any number of slow-downs.
	leastShare = 0.05
	// longestReason is in bytes.
	longestReason = 500
)

// Hold is a reason why nothing is sent for an account, or at all.
type Hold struct {
	Scope  string    `json:"scope"` // an account; empty: everything
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until somebody releases it
	Reason string    `json:"reason"`
}

// String says until when and why, in local time.
func (h Hold) String() string {
	if h.Until.IsZero() {
		return "until released: " + h.Reason
	}
	return "until " + h.Until.Local().Format(time.DateTime) + ": " + h.Reason
}

// Hold stops every worker from sending for an account, or at all where the scope is empty, until that time on this
// process's clock; a zero time means until [Limiter.Release]. Of several holds on one scope the later end wins.
func (l *Limiter) Hold(ctx context.Context, scope string, until time.Time, reason string) error {
	return l.hold(ctx, scope, until, reason, false)
}

// SlowDown is what a carrier's "too many requests" asks for: a hold on everything, and half the rate from then on,
// which rises again by a tenth of the full one each minute. The rate is halved at most once a minute.
func (l *Limiter) SlowDown(ctx context.Context, until time.Time, reason string) error {
	return l.hold(ctx, "", until, reason, true)
}

// Release ends the hold on an account, or the one on everything where the scope is empty. It tells whether there was
// one; holds on other scopes stand.
func (l *Limiter) Release(ctx context.Context, scope string) (bool, error) {
	n, err := l.rdb.HDel(ctx, l.keys.holds, scope).Result()
	if err != nil {
		return false, fmt.Errorf("release %s: %w", scopeName(scope), err)
	}
	return n > 0, nil
}

func (l *Limiter) hold(ctx context.Context, scope string, until time.Time, reason string, slower bool) error {
	// What crosses to Redis is a stretch of time, so that a process whose clock is wrong holds as long as any other.
	var wait time.Duration
	if !until.IsZero() {
		wait = min(max(until.Sub(l.now()), time.Microsecond), LongestHold)
	}
	flag := 0
	if slower {
		flag = 1
	}
	_, err := l.run(ctx, holdScript, scope, wait.Microseconds(), short(reason),
		flag, slowDownWindow.Microseconds(), leastShare)
	if err != nil {
		return fmt.Errorf("hold %s (%s): %w", scopeName(scope), reason, err)
	}
	return nil
}

// short bounds what may be somebody else's words.
func short(reason string) string {
	if len(reason) > longestReason {
		reason = reason[:longestReason] + "..."
	}
	return strings.ToValidUTF8(reason, "")
}

func scopeName(scope string) string {
	if scope == "" {
		return "everything"
	}
	return "account " + scope
}
