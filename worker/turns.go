package worker

import (
	"context"
	"errors"
	"time"

	"github.com/simshift/simshift/ratelimit"
)

const (
	// patience is the longest that a task sleeps in the queue: a limit may be raised, or a hold released, meanwhile.
	patience = time.Minute
	// keen is how long a batch that has its job's own turn asks for one of the deployment's. It asks seldom, and would
	// lose its turns to the jobs that ask often.
	keen = ratelimit.Horizon
	// keenPause is the least pause between two of these questions.
	keenPause = 100 * time.Millisecond
)

// turn is a batch's leave to be sent: the turn of its job, where the job has limits of its own, and the deployment's.
type turn struct {
	own *ratelimit.Turn // nil: none is needed
	all *ratelimit.Turn // nil: not taken yet
}

// each does something with the turns there are, and goes on after an error.
func (t *turn) each(do func(*ratelimit.Turn) error) (err error) {
	for _, one := range []*ratelimit.Turn{t.own, t.all} {
		if one != nil {
			err = errors.Join(err, do(one))
		}
	}
	return err
}

// Occupy hands both places over to the batch: see [ratelimit.Turn.Occupy].
func (t *turn) Occupy(ctx context.Context, id string, devices int, until time.Time) error {
	return t.each(func(one *ratelimit.Turn) error { return one.Occupy(ctx, id, devices, until) })
}

// Cancel gives both back.
func (t *turn) Cancel(ctx context.Context) error {
	return t.each(func(one *ratelimit.Turn) error { return one.Cancel(ctx) })
}

// turn waits until the limits let the batch go, if that is within [ratelimit.Horizon] of each: asynq gives tasks back on
// whole seconds at best, so a short wait can only be kept exactly by waiting. Any longer one goes back to the queue.
//
// The job's own turn has come before the deployment is asked for one: a turn of the deployment that is taken for later
// would keep every other job waiting until then. So the deployment's limits hold to the moment, and a job's own turns may
// be used up to four seconds late, and so come closer to each other, never more often.
func (s *submitter) turn(ctx context.Context, b *sending) (*turn, error) {
	own, err := s.ownTurn(ctx, b)
	if err != nil {
		return nil, err
	}
	mine := &turn{own: own}
	patient := time.Duration(0)
	if own != nil {
		patient = keen
	}
	if mine.all, err = s.take(ctx, s.limiter, b, patient, ""); err != nil {
		return nil, errors.Join(err, mine.Cancel(context.WithoutCancel(ctx)))
	}
	return mine, nil
}

// ownTurn takes a turn of the batch's job; nil where the job has no limits of its own.
func (s *submitter) ownTurn(ctx context.Context, b *sending) (*ratelimit.Turn, error) {
	part := s.limiter.Part(b.id.Job)
	limited, err := part.Limited(ctx)
	if err != nil || !limited {
		return nil, err
	}
	return s.take(ctx, part, b, 0, "the job's own limit: ")
}

// take takes a limiter's turn and waits for it. whose stands before the reason where there is none.
func (s *submitter) take(ctx context.Context, limiter *ratelimit.Limiter, b *sending, patient time.Duration, whose string,
) (*ratelimit.Turn, error) {
	taken, err := s.reserve(ctx, limiter, b, patient)
	if err != nil {
		return nil, err
	}
	if !taken.Taken() {
		return nil, notYet(taken, whose)
	}
	err = taken.Await(ctx)
	if err == nil {
		return taken, nil
	}
	cerr := taken.Cancel(context.WithoutCancel(ctx))
	if errors.Is(err, ratelimit.ErrTurnLost) {
		return nil, errors.Join(notYet(taken, whose), cerr)
	}
	return nil, errors.Join(err, cerr)
}

// reserve asks for a turn, and asks again for as long as it is to be patient.
func (s *submitter) reserve(ctx context.Context, limiter *ratelimit.Limiter, b *sending, patient time.Duration,
) (*ratelimit.Turn, error) {
	for until := s.now().Add(patient); ; {
		asked, err := limiter.Reserve(ctx, b.group.Account, b.batch.Open)
		if err != nil || asked.Taken() {
			return asked, err
		}
		pause := max(asked.Wait, keenPause)
		if s.now().Add(pause).After(until) {
			return asked, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// notYet puts a batch back whose turn has not come.
func notYet(refused *ratelimit.Turn, whose string) *putBack {
	return &putBack{min(max(refused.Wait, time.Second), patience), whose + refused.Reason}
}
