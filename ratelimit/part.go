package ratelimit

import (
	"context"
	"fmt"
	"slices"
)

// Part gives the limiter of a part of all that is sent, such as one job, by its name, which has no space in it. It limits
// nothing until [Limiter.SetLimits] is called of it, has holds of its own, and knows nothing of the whole: whoever sends
// for the part takes its turn first, awaits it, and then takes one of the whole.
//
// What is in flight is told once for both. Of what [Limiter.Occupy] and [Limiter.Vacate] say to either, the part counts the
// ids that begin with its name and a space: from its first limit on, and also what was sent before.
//
// The process's own limiter does not stand behind it: a Redis that forgets what was sent has forgotten the limit, too.
func (l *Limiter) Part(name string) *Limiter {
	return &Limiter{rdb: l.rdb, now: l.now, watch: l.watch, part: name, keys: keysOf(name), asking: make(chan struct{}, 1)}
}

// Limited tells whether limits are stored: of a part that has none, nobody needs a turn. It asks Redis one cheap question.
func (l *Limiter) Limited(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	n, err := l.rdb.Exists(ctx, l.keys.limits).Result()
	if err != nil {
		return false, fmt.Errorf("no turn without Redis: %w", err)
	}
	return n > 0, nil
}

// Parts lists the parts that have limits, by name.
func (l *Limiter) Parts(ctx context.Context) ([]string, error) {
	names, err := l.rdb.SMembers(ctx, partsKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list who has limits: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// beginning is that of the ids which are counted as in flight.
func (l *Limiter) beginning() string {
	if l.part == "" {
		return ""
	}
	return l.part + " "
}
