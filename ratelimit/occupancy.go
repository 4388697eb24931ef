package ratelimit

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Occupy says that the batch of this id has that many devices with the carrier, until some time at the latest. It
// replaces what was said of the id before, so it may be repeated and never drifts; 0 devices is [Limiter.Vacate].
func (l *Limiter) Occupy(ctx context.Context, id string, devices int, until time.Time) error {
	return l.occupy(ctx, id, devices, until, "")
}

// Occupy is [Limiter.Occupy] for the batch that is sent in this turn. A turn's devices count as in flight from when it
// is taken, so that two workers can not both take the last place; this hands the place over to the batch. A turn of
// which it is never said loses it after a minute.
func (t *Turn) Occupy(ctx context.Context, id string, devices int, until time.Time) error {
	return t.limiter.occupy(ctx, id, devices, until, t.id)
}

// Vacate says that nothing of the batch is with the carrier any more.
func (l *Limiter) Vacate(ctx context.Context, id string) error {
	return l.occupy(ctx, id, 0, time.Time{}, "")
}

// Occupants tells what is in flight, by id: for whoever knows better to compare.
func (l *Limiter) Occupants(ctx context.Context) (map[string]int, error) {
	all, err := l.rdb.HGetAll(ctx, inFlightKey).Result() // of a part, too: see [Limiter.Part]
	if err != nil {
		return nil, fmt.Errorf("read what is in flight: %w", err)
	}
	occupants := make(map[string]int, len(all))
	for id, value := range all {
		if !strings.HasPrefix(id, l.beginning()) {
			continue
		}
		devices, _, _ := strings.Cut(value, " ")
		if occupants[id], err = strconv.Atoi(devices); err != nil {
			return nil, fmt.Errorf("read what is in flight: %s has %q: %w", id, value, err)
		}
	}
	return occupants, nil
}

func (l *Limiter) occupy(ctx context.Context, id string, devices int, until time.Time, turn string) error {
	lasts := max(until.Sub(l.now()), 0)
	if lasts == 0 {
		devices = 0
	}
	if _, err := l.run(ctx, occupyScript, id, max(devices, 0), lasts.Microseconds(), turn); err != nil {
		return fmt.Errorf("say what is in flight: %w", err)
	}
	return nil
}
