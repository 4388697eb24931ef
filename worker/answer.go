package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/thingspace"
)

const (
	// writePatience is how long a submitter goes on trying to write the carrier's answer into a ledger that is away.
	// After it the batch stays in doubt, which its callbacks or its grace end.
	writePatience = 20 * time.Second
	// refusalPause is the wait after an answer that says "not now" without saying until when.
	refusalPause = 15 * time.Second
)

// answered writes what came of a request.
func (s *submitter) answered(ctx context.Context, b *sending, requestID string, err error) error {
	b.id.Batch = b.sent.number() // it may have been written again while the carrier thought
	if err == nil {
		return s.accepted(ctx, b, requestID)
	}
	answer := new(thingspace.Error)
	if !errors.As(err, &answer) {
		answer = &thingspace.Error{Outcome: thingspace.Unknown, Err: err}
	}
	switch answer.Outcome {
	case thingspace.NotExecuted, thingspace.Misdirected:
		b.sent.notTaken()
		return s.notTaken(ctx, b, answer)
	case thingspace.Refused:
		b.sent.notTaken()
		return s.refused(ctx, b, answer)
	default:
		s.log.WarnContext(ctx, "request in doubt: nobody knows whether the carrier took it", "job", b.id.Job,
			"batch", b.id.Batch, "until", s.now().Add(b.job.Policy.DoubtGrace), "error", err)
		if answer.Code != "" {
			err = s.books.Suspect(ctx, b.id.Job, b.id.Batch, b.run, "in doubt: "+answer.Error())
			if err != nil {
				return err
			}
		}
		return s.tasks.Deadline(ctx, b.id, s.now().Add(s.timeout+b.job.Policy.DoubtGrace))
	}
}

// accepted writes the request id and the deadline of the callbacks.
func (s *submitter) accepted(ctx context.Context, b *sending, requestID string) error {
	deadline := s.now().Add(b.job.Policy.AnswerWithin)
	b.sent.accepted(requestID, deadline)
	err := s.patiently(ctx, func() error {
		b.id.Batch = b.sent.number()
		ok, err := s.books.Accept(ctx, b.id.Job, b.id.Batch, b.run, requestID, deadline)
		if err == nil && !ok {
			s.log.WarnContext(ctx, "request id not taken over: the batch has ended meanwhile", "job", b.id.Job,
				"batch", b.id.Batch, "request", requestID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("request %s was accepted, but could not be written; its batch is in doubt: %w", requestID, err)
	}
	s.witness.Remember(4*len(b.sent.places), b.sent.again)
	if err := s.limiter.Occupy(ctx, occupant(b.id), b.batch.Open, deadline); err != nil {
		return err
	}
	return s.tasks.Deadline(ctx, b.id, deadline)
}

// notTaken puts the batch back: the carrier certainly did not execute the request.
func (s *submitter) notTaken(ctx context.Context, b *sending, answer *thingspace.Error) error {
	pause := pauseAfter(answer)
	// Every worker must hear of it before the next request goes out, so before anything else.
	if err := s.standStill(ctx, b, answer, pause); err != nil {
		return err
	}
	if err := s.limiter.Vacate(ctx, occupant(b.id)); err != nil {
		return err
	}
	ok, err := s.books.Release(ctx, b.id.Job, b.id.Batch, b.run, s.now().Add(pause), answer.Error())
	if err != nil {
		return err
	}
	if !ok {
		return nil // a callback adopted it: it was taken after all
	}
	return &putBack{min(pause, patience), answer.Error()}
}

// unready is what a batch waits for whose request could not even be begun, for want of credentials.
func (s *submitter) unready(ctx context.Context, b *sending, err error) error {
	answer, ok := errors.AsType[*thingspace.Error](err)
	if !ok {
		return err
	}
	pause := pauseAfter(answer)
	if err := s.standStill(ctx, b, answer, pause); err != nil {
		return err
	}
	return &putBack{min(pause, patience), answer.Error()}
}

// pauseAfter is how long to wait after an answer that says "not now".
func pauseAfter(answer *thingspace.Error) time.Duration {
	if wait, ok := errors.AsType[*putBack](answer); ok {
		return wait.delay // its own turn had not come
	}
	return cmp.Or(answer.RetryAfter, refusalPause)
}

// standStill holds everything where the carrier asked to wait, or where nothing can be sent until a person acts.
func (s *submitter) standStill(ctx context.Context, b *sending, answer *thingspace.Error, pause time.Duration) error {
	until := s.now().Add(pause)
	var why string
	var err error
	switch {
	case answer.Status == http.StatusTooManyRequests:
		why = "the carrier asked to slow down: " + answer.Error()
		err = s.limiter.SlowDown(ctx, until, why)
	case answer.Status == http.StatusServiceUnavailable:
		why = "the carrier asked to wait: " + answer.Error()
		err = s.limiter.Hold(ctx, "", until, why)
	case answer.Outcome == thingspace.Misdirected, errors.Is(answer, thingspace.ErrLoginHeld):
		why = answer.Error()
		err = s.limiter.Hold(ctx, "", until, why)
	default:
		return nil
	}
	return errors.Join(err, s.books.Note(ctx, b.id.Job, jobs.Entry{Who: "simshift", Act: jobs.ActHeld, Words: why}))
}

// refused handles a request that the carrier refused for its content: it looks for the bad devices by halving, unless
// the refusal holds for all of them alike.
func (s *submitter) refused(ctx context.Context, b *sending, answer *thingspace.Error) error {
	fault := jobs.Fault{Code: answer.Code, Text: answer.Message}
	if fault.Code == "" {
		fault.Code = fmt.Sprintf("HTTP.%d", answer.Status)
	}
	if b.batch.Size > 1 && !fault.WholeRequest() && !fault.Passing() {
		if err := s.limiter.Vacate(ctx, occupant(b.id)); err != nil {
			return err
		}
		halves, err := s.books.Split(ctx, b.id.Job, b.id.Batch, b.run, "refused and halved: "+fault.Code)
		for _, half := range halves {
			err = errors.Join(err, s.tasks.Submit(ctx, jobs.BatchID{Job: b.id.Job, Batch: half}, 0))
		}
		return err
	}
	ending := jobs.Ending{
		From: jobs.Submitting, Run: b.run, To: jobs.Failed, Reason: jobs.Refused, Fault: fault,
		Attempts: b.job.Policy.Attempts, RetryAt: b.job.Policy.RetryAt(s.now(), b.batch.Attempt, s.chance()),
		Note: "refused: " + fault.Code,
	}
	switch fault.Verdict() {
	case jobs.Transient:
		ending.Retry = true
	case jobs.AlreadyActive:
		if b.batch.Repeat {
			ending.To, ending.Reason = jobs.Succeeded, jobs.AlreadyDone
		}
	case jobs.Permanent:
	}
	_, wave, err := s.books.Close(ctx, b.id.Job, b.id.Batch, ending)
	if err == nil && wave != "" {
		err = s.tasks.Retry(ctx, b.id.Job, wave, ending.RetryAt)
	}
	return errors.Join(err, s.limiter.Vacate(ctx, occupant(b.id)))
}

// patiently tries to write until it works or patience is over.
func (s *submitter) patiently(ctx context.Context, write func() error) error {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := write()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
