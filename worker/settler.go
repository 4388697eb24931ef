package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/thingspace"
)

// SettleBooks is what a [Settler] needs of the ledger.
type SettleBooks interface {
	indexBooks
	Routes(ctx context.Context, requestIDs []string) (map[string]jobs.BatchID, error)
	Unknown(ctx context.Context) ([]jobs.BatchID, error)
	Accept(ctx context.Context, job string, batch int64, requestID string, deadline time.Time, answered bool) (bool, error)
	Settle(ctx context.Context, job string, attempts int, events []jobs.Event) (jobs.Settlement, error)
	Park(ctx context.Context, callbacks []jobs.Parked) error
	Parked(ctx context.Context, offset, most int64) ([]jobs.Parked, error)
	Unpark(ctx context.Context, ids ...string) error
	OldParked(ctx context.Context, beforeMilli int64) ([]string, error)
}

// Settler writes callbacks into the ledger: each becomes an event of its device, or is parked. It is safe for use by
// many goroutines.
type Settler struct {
	books   SettleBooks
	tasks   *Tasks
	limiter *ratelimit.Limiter
	indexes *indexes
	now     func() time.Time
	chance  func() float64
	log     *slog.Logger
}

// NewSettler gives a settler. chance is uniform in [0, 1).
func NewSettler(books SettleBooks, tasks *Tasks, limiter *ratelimit.Limiter, now func() time.Time, chance func() float64, log *slog.Logger) *Settler {
	return &Settler{books: books, tasks: tasks, limiter: limiter, indexes: newIndexes(books), now: now, chance: chance, log: log}
}

// Received is a callback as it came.
type Received struct {
	thingspace.Callback
	Raw []byte    // for parking; without credentials
	At  time.Time // when it came
}

// Settle writes a group of callbacks. When it returns without error, each of them is in Redis: settled, or parked.
func (s *Settler) Settle(ctx context.Context, group []Received) error {
	verdicts, err := s.weigh(ctx, group)
	if err != nil {
		return err
	}
	var parked []jobs.Parked
	for i, v := range verdicts {
		if v.park != "" {
			parked = append(parked, park(&group[i], v.park))
		}
	}
	if err := s.books.Park(ctx, parked); err != nil {
		return err
	}
	return s.write(ctx, verdicts)
}

// write gives the events to the ledger, those of a job together.
func (s *Settler) write(ctx context.Context, verdicts []verdict) error {
	byJob := make(map[string][]jobs.Event)
	attempts := make(map[string]int)
	for _, v := range verdicts {
		if v.batch != nil {
			job := v.batch.id.Job
			byJob[job] = append(byJob[job], v.event)
			attempts[job] = v.batch.policy.Attempts
		}
	}
	for job, events := range byJob {
		settlement, err := s.books.Settle(ctx, job, attempts[job], events)
		if err != nil {
			return err
		}
		s.wake(ctx, job, settlement)
	}
	return nil
}

// weigh finds the batch of each callback and what it means there.
func (s *Settler) weigh(ctx context.Context, group []Received) ([]verdict, error) {
	routes, err := s.routes(ctx, group)
	if err != nil {
		return nil, err
	}
	verdicts := make([]verdict, len(group))
	var unknown []jobs.BatchID
	for i := range group {
		c := &group[i].Callback
		if route, known := routes[c.RequestID]; known {
			x, err := s.indexes.get(ctx, route)
			if err != nil {
				return nil, err
			}
			verdicts[i] = weigh(x, c, s.now(), s.chance())
			continue
		}
		if unknown == nil {
			if unknown, err = s.books.Unknown(ctx); err != nil {
				return nil, err
			}
		}
		x, why, err := s.adopt(ctx, c, unknown)
		if err != nil {
			return nil, err
		}
		if x == nil {
			verdicts[i] = verdict{park: why}
			continue
		}
		if _, mine := routes[c.RequestID]; !mine {
			routes[c.RequestID] = x.id // its companions in this group need not ask again
		}
		verdicts[i] = weigh(x, c, s.now(), s.chance())
	}
	return verdicts, nil
}

func (s *Settler) routes(ctx context.Context, group []Received) (map[string]jobs.BatchID, error) {
	asked := make(map[string]bool, 4)
	var ids []string
	for i := range group {
		if id := group[i].RequestID; !asked[id] {
			asked[id] = true
			ids = append(ids, id)
		}
	}
	return s.books.Routes(ctx, ids)
}

// wake makes the tasks that a settlement asks for. The sweeper finds what is lost here.
func (s *Settler) wake(ctx context.Context, job string, settlement jobs.Settlement) {
	var err error
	for _, wave := range settlement.Waves {
		var parsed jobs.RetryWave
		if parsed, err = jobs.ParseWave(wave); err == nil {
			err = s.tasks.Retry(ctx, job, wave, parsed.Due)
		}
		if err != nil {
			break
		}
	}
	for _, batch := range settlement.Closed {
		err = errors.Join(err, s.limiter.Vacate(ctx, occupant(jobs.BatchID{Job: job, Batch: batch})))
	}
	if len(settlement.Closed) > 0 && err == nil {
		err = s.tasks.Advance(ctx, job)
	}
	if err != nil {
		s.log.WarnContext(ctx, "task not queued; the sweeper will", "job", job, "error", err)
	}
}

func park(r *Received, why string) jobs.Parked {
	sum := sha256.Sum256(r.Raw)
	return jobs.Parked{
		ID: hex.EncodeToString(sum[:8]), At: r.At, Reason: why, RequestID: r.RequestID, EID: r.EID, Raw: string(r.Raw),
	}
}
