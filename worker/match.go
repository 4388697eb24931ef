package worker

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/thingspace"
)

// verdict is what becomes of one callback.
type verdict struct {
	batch *index
	event jobs.Event
	park  string // a reason: it fits nothing that is known
	// ignored callbacks are about the profile that was switched off: true, and without meaning for the device's state.
	ignored bool
}

// weigh turns a callback of a known batch into an event.
func weigh(x *index, c *thingspace.Callback, now time.Time, chance float64) verdict {
	member, found := x.find(c.EID, c.ICCID, c.IMEI)
	if !found {
		return verdict{park: "its request is known, but its device was not in it"}
	}
	if c.ICCID != "" && !sameICCID(member.ICCID, c.ICCID) {
		return verdict{ignored: true}
	}
	event := jobs.Event{Batch: x.id.Batch, Place: member.Place}
	switch c.Status {
	case thingspace.Success:
		if c.ProfileStatus != "" && !c.Enabled() {
			return verdict{ignored: true}
		}
		event.Kind = jobs.Confirmed
		if !fits(c, x) {
			event.Kind = jobs.Contradictory
		}
	case thingspace.Failure:
		event.Fault = jobs.Fault{Code: c.FaultCode, Text: c.FaultText}
		if event.Fault == (jobs.Fault{}) {
			event.Fault.Text = "the carrier gave no reason"
		}
		event.Kind = kinds[event.Fault.Verdict()]
		event.Due = x.policy.RetryAt(now, x.attempt, chance)
	case thingspace.Warning:
		event.Kind = jobs.Warned
	default:
		return verdict{park: "its status is not understood"}
	}
	return verdict{batch: x, event: event}
}

// fits tells whether the role that a success reports is the one that a batch was sent for.
func fits(c *thingspace.Callback, x *index) bool {
	return c.ProfileRole == "" || strings.EqualFold(c.ProfileRole, x.target.Role())
}

var kinds = map[jobs.Verdict]jobs.EventKind{
	jobs.Transient: jobs.Faltered, jobs.Permanent: jobs.Rejected, jobs.AlreadyActive: jobs.Reaffirmed,
}

// either finds the batch for word of a device that was sent again after a first request of unknown outcome. A success is
// true whichever request it answers, and so is a permanent fault, or that the profile is active already; any other failure
// of the first must not end the second.
func either(c *thingspace.Callback, holders []*index) (x *index, why string) {
	fault := jobs.Fault{Code: c.FaultCode, Text: c.FaultText}
	switch {
	case c.Status == thingspace.Failure && fault.Verdict() != jobs.Transient:
		return holders[0], "" // the latest
	case c.Status != thingspace.Success:
		return nil, "two requests of unknown outcome hold its device"
	}
	for _, x := range holders {
		if fits(c, x) {
			return x, ""
		}
	}
	return nil, "two requests of unknown outcome hold its device, and neither asked for its role"
}

// clocksApart is how far the clocks of two processes may be apart: each is Redis's to a tenth of a second, and half the way there.
const clocksApart = 500 * time.Millisecond

// adopt finds the batch that a callback with an unknown request id belongs to: one that was sent, holds the device, and
// does not know its own request id yet. The callback was then faster than the answer, or the answer was lost. adopted
// tells whether the batch has taken the request id over; why tells why there is none.
//
// What came before a batch was sent is not about it, however well its device fits: a parked word of the device's attempt before
// would end this one, and the device would be sent again while it is in flight.
//
// The search ends at until, since callbacks wait behind it; the sweeper goes on with what is parked then.
func (s *Settler) adopt(ctx context.Context, c *Received, unknown []jobs.UnknownBatch, until time.Time) (
	x *index, adopted bool, why string, err error,
) {
	var holders []*index
	for _, batch := range unknown {
		if c.At.Add(clocksApart).Before(batch.Since) {
			continue
		}
		if s.now().After(until) {
			return nil, false, "its request is not known, and there was no time to look for it yet", nil
		}
		x, err := s.indexes.get(ctx, batch.BatchID)
		if errors.Is(err, jobs.ErrNotFound) {
			continue // its job was deleted
		}
		if err != nil {
			return nil, false, "", err
		}
		if _, holds := x.find(c.EID, c.ICCID, c.IMEI); holds {
			holders = append(holders, x)
		}
	}
	switch {
	case len(holders) == 0:
		return nil, false, "its request is not known", nil
	case len(holders) > 1:
		x, why = either(&c.Callback, holders)
		return x, false, why, nil
	}
	x = holders[0]
	deadline := s.now().Add(x.policy.AnswerWithin)
	adopted, err = s.books.Adopt(ctx, x.id.Job, x.id.Batch, c.RequestID, deadline)
	if err != nil {
		return nil, false, "", err
	}
	if !adopted {
		return nil, false, "its request is not known", nil
	}
	if err := s.tasks.Deadline(ctx, x.id, deadline); err != nil {
		s.log.WarnContext(ctx, "deadline task not queued; the sweeper keeps the deadline", "job", x.id.Job, "batch", x.id.Batch,
			"request", c.RequestID, "error", err)
	}
	return x, true, "", nil
}
