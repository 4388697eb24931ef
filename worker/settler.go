package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/thingspace"
)

// SettleBooks is what a [Settler] needs of the ledger.
type SettleBooks interface {
	indexBooks
	Routes(ctx context.Context, requestIDs []string) (map[string]jobs.BatchID, error)
	Unknown(ctx context.Context) ([]jobs.UnknownBatch, error)
	Adopt(ctx context.Context, job string, batch int64, requestID string, deadline time.Time) (bool, error)
	Settle(ctx context.Context, job string, attempts int, events []jobs.Event) (jobs.Settlement, error)
	Park(ctx context.Context, callbacks []jobs.Parked) error
	Parked(ctx context.Context, offset, most int64) ([]jobs.Parked, error)
	ParkedByID(ctx context.Context, ids []string) ([]jobs.Parked, error)
	Unpark(ctx context.Context, ids ...string) error
	OldParked(ctx context.Context, beforeMilli int64) ([]string, error)
}

// Settler writes callbacks into the ledger: each becomes an event of its device, or is parked. It is safe for use by
// many goroutines.
type Settler struct {
	books   SettleBooks
	tasks   *Tasks
	limiter *ratelimit.Limiter
	witness *Witness
	indexes *indexes
	fates   *Fates
	tracer  Tracer
	now     func() time.Time
	chance  func() float64
	log     *slog.Logger
}

// SettlerConfig is what a [Settler] is made of.
type SettlerConfig struct {
	Books   SettleBooks
	Tasks   *Tasks
	Limiter *ratelimit.Limiter
	Witness *Witness
	Fates   *Fates // counts what becomes of the callbacks; several settlers may share it
	Tracer  Tracer // nil: nobody is told
	Now     func() time.Time
	Chance  func() float64 // uniform in [0, 1)
	Log     *slog.Logger
}

// NewSettler gives a settler.
func NewSettler(c SettlerConfig) *Settler {
	return &Settler{
		books: c.Books, tasks: c.Tasks, limiter: c.Limiter, witness: c.Witness, indexes: newIndexes(c.Books), fates: c.Fates,
		tracer: c.Tracer, now: c.Now, chance: c.Chance, log: c.Log,
	}
}

// Received is a callback as it came.
type Received struct {
	thingspace.Callback
	Raw []byte    // as it was sent
	At  time.Time // when it came
}

// Settle writes a group of callbacks. When it returns without error, each of them is in Redis: settled, or parked.
func (s *Settler) Settle(ctx context.Context, group []Received) error {
	_, err := s.settle(ctx, group)
	return err
}

// settle is Settle; it also tells whether any device was moved.
func (s *Settler) settle(ctx context.Context, group []Received) (moved bool, err error) {
	verdicts, err := s.weigh(ctx, group)
	if err != nil {
		return false, err
	}
	var parked []jobs.Parked
	for i, v := range verdicts {
		if v.park != "" {
			parked = append(parked, park(&group[i], v.park))
		}
	}
	// The known ones first: a full car park must not keep them out of the books.
	moved, err = s.write(ctx, verdicts)
	if err = errors.Join(err, s.books.Park(ctx, parked)); err == nil {
		s.fates.parked.Add(uint64(len(parked)))
		s.remember(group)
	}
	return moved, err
}

// remember keeps callbacks that were answered: the carrier does not send them again, whatever Redis forgets.
func (s *Settler) remember(group []Received) {
	k := keep(group)
	s.witness.Remember(len(k.bodies), func(ctx context.Context) (bool, error) { return s.settle(ctx, k.received()) })
}

// kept is a group of callbacks as they came: decoded, a minute of them would take several times the memory.
type kept struct {
	bodies []byte
	ends   []int
	at     []time.Time
}

func keep(group []Received) (k kept) {
	for i := range group {
		k.bodies = append(k.bodies, group[i].Raw...)
		k.ends = append(k.ends, len(k.bodies))
		k.at = append(k.at, group[i].At)
	}
	return k
}

func (k *kept) received() []Received {
	group := make([]Received, 0, len(k.ends))
	from := 0
	for i, end := range k.ends {
		raw := k.bodies[from:end]
		from = end
		if c, err := thingspace.DecodeCallback(raw); err == nil { // it was one the first time
			group = append(group, Received{Callback: c, Raw: raw, At: k.at[i]})
		}
	}
	return group
}

// write gives the events to the ledger, those of a job together. It tells whether any of them moved its device.
func (s *Settler) write(ctx context.Context, verdicts []verdict) (moved bool, err error) {
	byJob := make(map[string][]jobs.Event)
	attempts := make(map[string]int)
	for _, v := range verdicts {
		switch {
		case v.batch != nil:
			job := v.batch.id.Job
			byJob[job] = append(byJob[job], v.event)
			attempts[job] = v.batch.policy.Attempts
		case v.ignored:
			s.fates.ignored.Add(1)
		}
	}
	for job, events := range byJob {
		began := s.now()
		settlement, err := s.books.Settle(ctx, job, attempts[job], events)
		if err != nil {
			return moved, err
		}
		s.fates.count(events, settlement.Effects)
		if s.tracer != nil {
			s.tracer.Settled(job, events, began, s.now())
		}
		s.log.DebugContext(ctx, "callbacks written", "job", job, "count", len(events), "batches_closed", len(settlement.Closed))
		moved = moved || slices.Contains(settlement.Effects, jobs.Settled)
		s.wake(ctx, job, settlement)
	}
	return moved, nil
}

// searchMost is how long a group of callbacks may look for batches that do not know their request.
const searchMost = 500 * time.Millisecond

// weigh finds the batch of each callback and what it means there.
func (s *Settler) weigh(ctx context.Context, group []Received) ([]verdict, error) {
	routes, unknown, err := s.routes(ctx, group)
	if err != nil {
		return nil, err
	}
	s.indexes.of(s.witness.c.Ground.Moved()) // asked after an answer of Redis: another one must not be read with the old one's indexes
	verdicts := make([]verdict, len(group))
	until := s.now().Add(searchMost)
	for i := range group {
		x, why, err := s.batchOf(ctx, &group[i], routes, unknown, until)
		if err != nil {
			return nil, err
		}
		if x == nil {
			verdicts[i] = verdict{park: why}
			continue
		}
		verdicts[i] = weigh(x, &group[i].Callback, s.now(), s.chance())
	}
	return verdicts, nil
}

// batchOf finds the batch of one callback: by its request id, or by its device. It is nil, with the reason, where there
// is none.
func (s *Settler) batchOf(ctx context.Context, c *Received, routes map[string]jobs.BatchID,
	unknown []jobs.UnknownBatch, until time.Time,
) (*index, string, error) {
	if route, known := routes[c.RequestID]; known {
		x, err := s.indexes.get(ctx, route)
		if errors.Is(err, jobs.ErrNotFound) {
			return nil, "its job was deleted", nil
		}
		if err == nil && !x.taken.Load() {
			// Whoever wrote the route may have died before the batch took its id over.
			if _, err = s.books.Adopt(ctx, route.Job, route.Batch, c.RequestID, s.now().Add(x.policy.AnswerWithin)); err == nil {
				x.taken.Store(true)
			}
		}
		return x, "", err
	}
	if c.RequestID == "" {
		return nil, "it names no request", nil
	}
	x, adopted, why, err := s.adopt(ctx, c, unknown, until)
	if adopted {
		routes[c.RequestID] = x.id // its companions in this group need not ask again
	}
	return x, why, err
}

// routes finds the batches of the group's request ids. Where an id is not known, it also gives the batches that do not
// know their request yet.
//
// The ids are looked up again after that list was read. A batch that learns its id between the two readings is in
// neither, and its callbacks would be given to an older batch with the same devices; since it is taken off the list
// only after its id can be found, the second look-up finds it.
func (s *Settler) routes(ctx context.Context, group []Received) (map[string]jobs.BatchID, []jobs.UnknownBatch, error) {
	asked := make(map[string]bool, 4)
	var ids []string
	for i := range group {
		if id := group[i].RequestID; !asked[id] {
			asked[id] = true
			ids = append(ids, id)
		}
	}
	routes, err := s.books.Routes(ctx, ids)
	if err != nil || len(routes) == len(ids) {
		return routes, nil, err
	}
	unknown, err := s.books.Unknown(ctx)
	if err != nil {
		return nil, nil, err
	}
	routes, err = s.books.Routes(ctx, ids)
	return routes, unknown, err
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
