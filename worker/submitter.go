package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/thingspace"
)

type submitBooks interface {
	Job(ctx context.Context, id string) (jobs.Job, error)
	Batch(ctx context.Context, job string, batch int64) (jobs.Batch, error)
	OpenJobs(ctx context.Context) ([]string, error)
	SentIn(ctx context.Context, job string, window time.Time) (int64, error)
	Note(ctx context.Context, job string, e jobs.Entry) error
	OpenMembers(ctx context.Context, b jobs.Batch) ([]jobs.Member, error)
	Restore(ctx context.Context, b jobs.Batch, places []jobs.Place, run string, graceEnds time.Time) (batch int64, restored int, err error)
	Begin(ctx context.Context, job string, batch int64, run string, graceEnds time.Time, quota jobs.Quota) (bool, error)
	Accept(ctx context.Context, job string, batch int64, run, requestID string, deadline time.Time) (bool, error)
	Release(ctx context.Context, job string, batch int64, run string, until time.Time, note string) (bool, error)
	Suspect(ctx context.Context, job string, batch int64, run, note string) error
	Split(ctx context.Context, job string, batch int64, run, note string) ([]int64, error)
	Close(ctx context.Context, job string, batch int64, ending jobs.Ending) (moved int, wave string, err error)
	Touch(ctx context.Context, job string, batch int64, wait time.Duration) (tasks int64, err error)
}

// Carrier is the call a submitter makes, and what must stand ready for it. Their errors are [*thingspace.Error]s.
type Carrier interface {
	Ready(ctx context.Context) error
	Enable(ctx context.Context, r thingspace.EnableRequest) (requestID string, err error)
}

// submitter sends batches, one a call.
type submitter struct {
	books     submitBooks
	carrier   Carrier
	listeners *listeners
	limiter   *ratelimit.Limiter
	witness   *Witness
	planner   *planner
	tasks     *Tasks
	timeout   time.Duration // of the request
	tracer    Tracer        // nil: nobody is told
	now       func() time.Time
	chance    func() float64
	newRun    func() string
	log       *slog.Logger
}

// sending is one batch on its way: what every step needs to know.
type sending struct {
	job   jobs.Job
	batch jobs.Batch
	group jobs.Group
	run   string // names this sending, so that no other may write its end
	id    jobs.BatchID
	quota jobs.Quota // of its window
	sent  *sent      // once it is about to be
}

// Submit sends a batch if it is still to be sent. It fails with a [*putBack] where the batch must wait.
func (s *submitter) Submit(ctx context.Context, id jobs.BatchID) error {
	sending, err := s.open(ctx, id)
	if err != nil || sending == nil {
		return err
	}
	defer s.log.DebugContext(ctx, "batch put down", "job", id.Job, "batch", id.Batch)
	if err := s.mayGo(ctx, sending); err != nil {
		return s.postpone(ctx, sending, err)
	}
	turn, err := s.turn(ctx, sending)
	if err != nil {
		return s.postpone(ctx, sending, err)
	}
	sent, err := s.send(ctx, sending, turn)
	if !sent {
		return errors.Join(s.postpone(ctx, sending, err), turn.Cancel(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return s.postpone(ctx, sending, err)
	}
	return s.planner.Advance(ctx, id.Job)
}

// mayGo fails with a [*putBack] while the batch must not be sent, whatever the limits say. What takes long is done here, and
// not in the turn that it takes then.
func (s *submitter) mayGo(ctx context.Context, b *sending) (err error) {
	if b.quota, err = opening(b.job, s.now()); err != nil {
		return err
	}
	if err := s.listeners.ready(ctx, b.group.Account); err != nil {
		return err
	}
	if err := s.carrier.Ready(ctx); err != nil {
		return s.unready(ctx, b, err)
	}
	return s.yield(ctx, b)
}

// open reads the batch; nil where there is nothing to send.
func (s *submitter) open(ctx context.Context, id jobs.BatchID) (*sending, error) {
	batch, err := s.books.Batch(ctx, id.Job, id.Batch)
	if errors.Is(err, jobs.ErrNotFound) || err == nil && batch.State != jobs.Queued {
		return nil, nil //nolint:nilnil // nothing to do is no error
	}
	if err != nil {
		return nil, err
	}
	job, err := s.books.Job(ctx, id.Job)
	if err != nil {
		return nil, err
	}
	if job.State != jobs.Running {
		return nil, nil //nolint:nilnil // the sweeper wakes it when the job goes on
	}
	s.log.DebugContext(ctx, "batch taken", "job", id.Job, "batch", id.Batch, "devices", batch.Open)
	return &sending{job: job, batch: batch, group: job.Groups[batch.Group], run: s.newRun(), id: id}, nil
}

// again waits for one more turn, for a request that was turned away at the door and is sent a second time.
func (s *submitter) again(b *sending) func(context.Context) error {
	return func(ctx context.Context) error {
		turn, err := s.turn(ctx, b)
		if err != nil {
			return err
		}
		return turn.Occupy(ctx, occupant(b.id), b.batch.Open, s.now().Add(s.timeout+b.job.Policy.DoubtGrace))
	}
}

// send writes the intent, makes the request, and writes what came of it. sent is false where no request was made.
func (s *submitter) send(ctx context.Context, b *sending, turn *turn) (sent bool, err error) {
	start := s.now()
	if _, err := opening(b.job, start); err != nil {
		return false, err // the window ended while the turn was awaited
	}
	// The grace begins when no answer can come any more. Whatever dies from here on leaves the batch in doubt, not lost.
	graceEnds := start.Add(s.timeout + b.job.Policy.DoubtGrace)
	mine, err := s.books.Begin(ctx, b.id.Job, b.id.Batch, b.run, graceEnds, b.quota)
	if errors.Is(err, jobs.ErrWindowFull) {
		return false, fullWindow(b.job, start)
	}
	if err != nil || !mine {
		return false, err
	}
	// Its devices count as in flight from here on, until its callbacks or its deadline say otherwise.
	if err := turn.Occupy(ctx, occupant(b.id), b.batch.Open, graceEnds); err != nil {
		s.log.WarnContext(ctx, "not counted as in flight yet; the sweeper will", "job", b.id.Job, "batch", b.id.Batch, "error", err)
	}
	members, err := s.books.OpenMembers(ctx, b.batch)
	if err != nil {
		return false, s.takeBack(ctx, b, fmt.Errorf("its devices could not be read: %w", err))
	}
	// Asked once more: the intent may have been written into another Redis than the one that knows what was sent before.
	if steady, why := s.witness.Steady(ctx); !steady {
		return false, s.takeBack(ctx, b, &putBack{steadyAfter, why})
	}
	b.sent = s.remember(b, members, start, graceEnds)
	// A process that was stopped since its intent must not send when it wakes: its batch may be given up by then.
	// A stretch of time and not a moment: our clock is not the one that contexts go by.
	request, cancel := context.WithTimeout(ctx, s.timeout-s.now().Sub(start))
	defer cancel()
	asked := s.now()
	requestID, err := s.carrier.Enable(request, enableRequest(b.group, members, s.again(b)))
	if s.tracer != nil {
		s.tracer.Sent(&b.batch, requestID, mayBeTaken(err), asked, s.now(), err)
	}
	words := []any{"job", b.id.Job, "batch", b.id.Batch, "attempt", b.batch.Attempt, "devices", len(members),
		"account", b.group.Account}
	if err == nil {
		s.log.InfoContext(ctx, "batch sent", append(words, "request", requestID)...)
	} else {
		s.log.WarnContext(ctx, "batch sent without success", append(words, "error", err)...)
	}
	return true, s.answered(context.WithoutCancel(ctx), b, requestID, err)
}

// mayBeTaken tells whether a request can have been executed.
func mayBeTaken(err error) bool {
	answer, ok := errors.AsType[*thingspace.Error](err)
	return err == nil || !ok || answer.Outcome == thingspace.Unknown
}

// takeBack gives up a batch whose intent is written, and for which no request was made.
func (s *submitter) takeBack(ctx context.Context, b *sending, why error) error {
	_, err := s.books.Release(ctx, b.id.Job, b.id.Batch, b.run, s.now(), why.Error())
	return errors.Join(why, err, s.limiter.Vacate(ctx, occupant(b.id)))
}

func enableRequest(group jobs.Group, members []jobs.Member, again func(context.Context) error) thingspace.EnableRequest {
	devices := make([]thingspace.DeviceID, len(members))
	for i, m := range members {
		devices[i] = thingspace.DeviceID{EID: m.EID.String(), ICCID: m.ICCID.String(), IMEI: m.IMEI.String()}
	}
	return thingspace.EnableRequest{Account: group.Account, Plan: group.Plan, Devices: devices, Again: again}
}

// postpone tells the ledger that the batch waits in the queue, so that the sweeper does not take its task for lost.
func (s *submitter) postpone(ctx context.Context, b *sending, err error) error {
	if wait, ok := errors.AsType[*putBack](err); ok {
		if _, terr := s.books.Touch(ctx, b.id.Job, b.id.Batch, wait.delay); terr != nil {
			return fmt.Errorf("%w (%w)", err, terr)
		}
	}
	return err
}
