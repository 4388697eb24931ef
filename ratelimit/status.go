package ratelimit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Status is what the limiter goes by at a moment.
type Status struct {
	Limits   Limits  `json:"limits"`
	Stored   bool    `json:"stored"`    // the limits were set for all workers; else they are this process's defaults
	Share    float64 `json:"share"`     // of the full rate, 0.05 to 1: less than 1 after a slow-down
	InFlight int64   `json:"in_flight"` // devices
	Holds    []Hold  `json:"holds"`     // by scope

	SetAt  time.Time `json:"set_at,omitzero"` // where the limits are stored: since when, and why
	Reason string    `json:"reason,omitempty"`
}

// Status reads everything at one moment. Times are on this process's clock.
func (l *Limiter) Status(ctx context.Context) (Status, error) {
	r, err := l.run(ctx, statusScript, l.defaults.args()...)
	if err != nil {
		return Status{}, fmt.Errorf("read the limits: %w", err)
	}
	now := l.now()
	s := Status{Limits: r.limits(), Stored: r.number() == 1, Share: float64(r.number()) / 1000, InFlight: r.number()}
	if passed := r.duration(); passed >= 0 {
		s.SetAt = now.Add(-passed).Truncate(time.Millisecond)
	}
	s.Reason, s.Holds = r.text(), []Hold{}
	for r.err == nil && len(r.list) > 0 {
		hold := Hold{Scope: r.text()}
		rest, passed := r.duration(), r.duration()
		hold.Reason = r.text()
		hold.Since = now.Add(-passed).Truncate(time.Millisecond)
		if rest >= 0 {
			hold.Until = now.Add(rest).Truncate(time.Millisecond)
		}
		s.Holds = append(s.Holds, hold)
	}
	slices.SortFunc(s.Holds, func(a, b Hold) int { return cmp.Compare(a.Scope, b.Scope) })
	return s, r.err
}

// Limits tells the limits in force, and whether they are stored for all workers.
func (l *Limiter) Limits(ctx context.Context) (limits Limits, stored bool, err error) {
	s, err := l.Status(ctx)
	return s.Limits, s.Stored, err
}

// Holds lists the holds in force, by scope.
func (l *Limiter) Holds(ctx context.Context) ([]Hold, error) {
	s, err := l.Status(ctx)
	return s.Holds, err
}

// Held tells whether an account stands still, by a hold of its own or by one on everything.
func (l *Limiter) Held(ctx context.Context, account string) (bool, error) {
	holds, err := l.Holds(ctx)
	return slices.ContainsFunc(holds, func(h Hold) bool { return h.Scope == "" || h.Scope == account }), err
}
