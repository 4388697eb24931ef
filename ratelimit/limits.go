package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limits is what all workers together keep. Its zero value limits nothing.
type Limits struct {
	Requests    Rate  `json:"requests"`
	Devices     Rate  `json:"devices"`
	MaxInFlight int64 `json:"max_in_flight"` // devices with the carrier and unanswered; 0 is no limit
}

// Validate tells what is wrong with limits that were not parsed.
func (l Limits) Validate() error {
	err := errors.Join(l.Requests.validate(), l.Devices.validate())
	if l.MaxInFlight < 0 {
		err = errors.Join(err, fmt.Errorf("the most devices in flight can not be %d: use 0 for no limit", l.MaxInFlight))
	}
	return err
}

// Gap is the least time that the limits leave between the starts of a request with so many devices and of the next one.
func (l Limits) Gap(devices int64) time.Duration {
	return max(l.Requests.Cost(1), l.Devices.Cost(devices))
}

// BatchSize is the size, at most that given, which fills the devices' limit without a remainder: at 25000/min, batches
// of 10,000 could go twice a minute, three of 8,333 use it whole. It is the size given where there is no such limit,
// and where a batch of that size is over the limit by itself, so that it must be paid off anyway.
func (l Limits) BatchSize(most int) int {
	limit, size := l.Devices.Count, int64(most)
	if size < 1 || limit <= size {
		return most
	}
	batches := (limit + size - 1) / size
	return int(limit / batches)
}

// SetLimits changes the limits of all workers from their next turn on; they then no longer heed their own defaults. It
// also ends a slow-down: whoever sets a rate means it. The reason is for those who ask later.
func (l *Limiter) SetLimits(ctx context.Context, limits Limits, reason string) error {
	if err := limits.Validate(); err != nil {
		return err
	}
	if l.part != "" { // first: what stands in Redis is found there, whoever dies
		if err := l.rdb.SAdd(ctx, partsKey, l.part).Err(); err != nil {
			return fmt.Errorf("set the limits: %w", err)
		}
	}
	if _, err := l.run(ctx, limitScript, append(limits.args(), short(reason))...); err != nil {
		return fmt.Errorf("set the limits: %w", err)
	}
	return nil
}

// ResetLimits takes back what SetLimits set: each worker keeps its own defaults again. Of a part nothing is left.
func (l *Limiter) ResetLimits(ctx context.Context) error {
	gone := []string{l.keys.limits}
	if l.part != "" {
		gone = append(gone, l.keys.pace, l.keys.holds, l.keys.inFlight)
	}
	err := l.rdb.Del(ctx, gone...).Err()
	if err == nil && l.part != "" {
		err = l.rdb.SRem(ctx, partsKey, l.part).Err()
	}
	if err != nil {
		return fmt.Errorf("reset the limits: %w", err)
	}
	return nil
}

// args are the limits in the order in which scripts take and return them; times in µs.
func (l Limits) args() []any {
	return []any{
		l.Requests.Count, l.Requests.Per.Microseconds(), l.Devices.Count, l.Devices.Per.Microseconds(), l.MaxInFlight,
	}
}
