package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const (
	// groupMost is how many callbacks are written together at most.
	groupMost = 1000
	// groupPatience bounds one write; a callback that waits longer is answered 503, and the carrier sends it again.
	groupPatience = 3 * time.Second
)

// errNotWritten is the answer to a callback that is not, or not surely, in Redis.
var errNotWritten = errors.New("the callback could not be written in time")

// Intake group-commits callbacks: while one group is being written, the next one gathers, so that a burst costs one
// script call for up to a thousand devices, and a lone callback none of the waiting.
type Intake struct {
	settle func(ctx context.Context, group []Received) error
	queue  chan *delivery
	log    *slog.Logger
}

type delivery struct {
	Received
	done chan error // buffered: the writer never waits for a handler that has gone
}

// NewIntake gives an intake that writes through settler.
func NewIntake(settler *Settler, log *slog.Logger) *Intake {
	return &Intake{settle: settler.Settle, queue: make(chan *delivery, groupMost), log: log}
}

// Deliver returns nil when the callback is in Redis.
func (i *Intake) Deliver(ctx context.Context, r Received) error {
	d := &delivery{Received: r, done: make(chan error, 1)}
	select {
	case i.queue <- d:
	case <-ctx.Done():
		return errNotWritten
	}
	select {
	case err := <-d.done:
		return err
	case <-ctx.Done():
		return errNotWritten
	}
}

// Run writes groups until ctx is done, and then what has gathered.
func (i *Intake) Run(ctx context.Context) {
	for {
		select {
		case first := <-i.queue:
			i.write(context.WithoutCancel(ctx), i.gather(first))
		case <-ctx.Done():
			for {
				select {
				case first := <-i.queue:
					i.write(context.WithoutCancel(ctx), i.gather(first))
				default:
					return
				}
			}
		}
	}
}

// gather takes what is there, without waiting for more.
func (i *Intake) gather(first *delivery) []*delivery {
	group := []*delivery{first}
	for len(group) < groupMost {
		select {
		case next := <-i.queue:
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

func (i *Intake) write(ctx context.Context, group []*delivery) {
	ctx, cancel := context.WithTimeout(ctx, groupPatience)
	defer cancel()
	received := make([]Received, len(group))
	for n, d := range group {
		received[n] = d.Received
	}
	err := i.settle(ctx, received)
	if err != nil {
		i.log.ErrorContext(ctx, "callbacks not written; the carrier is told to send them again", "count", len(group), "error", err)
	}
	for _, d := range group {
		d.done <- err
	}
}
