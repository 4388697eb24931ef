package simulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// delivery is one callback on its way to a listener.
type delivery struct {
	event
	listener *listener
	body     []byte
	status   int   // of the answer; 0 when there was none
	err      error // why there was none
}

// deliver is one courier: it sends callbacks, one after the other, until life ends.
func (s *Simulator) deliver() {
	var d delivery
	for s.next(&d) {
		d.status, d.err = s.send(d.listener, d.body)
	}
}

// next books the courier's last delivery and waits for another one. It tells whether there is one.
func (s *Simulator) next(d *delivery) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.listener != nil {
		s.busy--
		s.returned(d)
		d.listener = nil
		s.tellIdle()
	}
	for {
		for s.outbox.len() == 0 && s.life.Err() == nil {
			s.due.Wait()
		}
		if s.life.Err() != nil {
			return false
		}
		if s.prepare(d, s.outbox.take()) {
			s.busy++
			return true
		}
		s.tellIdle()
	}
}

// prepare writes the callback of an event, and tells whether there is a listener to send it to. It needs the lock.
func (s *Simulator) prepare(d *delivery, e event) bool {
	a := s.fleet.accepts.at(e.accept)
	first := e.kind == final && e.try == 1
	if first {
		s.fleet.resolve(a)
	}
	r := s.fleet.requests.at(a.request)
	to, listening := s.listeners.of(r.Account)
	if !listening {
		switch e.kind {
		case final:
			s.loseUnheard(a, r)
		case warning:
			s.warned(e.accept, a)
		default:
		}
		if first {
			s.fleet.conclude(a)
		}
		return false
	}
	d.event, d.listener = e, to
	// Each delivery has its own buffer: a transport may read on in it for a while after an early answer.
	d.body = appendEnvelope(make([]byte, 0, 1024), &envelope{
		kind: e.kind, try: int(e.try), most: len(s.mind.Load().Resends) + 1,
		accept: a, device: s.fleet.devices.at(a.device).id, request: s.idFor(e.kind, r), fault: &s.faults[a.fault], to: to,
	})
	return true
}

func (s *Simulator) idFor(k kind, r *request) string {
	if k == strayed {
		return s.cfg.NewID()
	}
	return r.RequestID
}

// returned books how a delivery went. It needs the lock.
func (s *Simulator) returned(d *delivery) {
	a := s.fleet.accepts.at(d.accept)
	s.tally.Callbacks.count(d)
	s.journal.callback(s.cfg.Now().UnixNano(), s.fleet.devices.at(a.device).id,
		s.fleet.requests.at(a.request).RequestID, d)
	acknowledged := d.status/100 == 2
	if acknowledged && (d.kind == final || d.kind == copied) {
		s.fleet.tell(a)
	}
	if d.kind == warning {
		s.warned(d.accept, a)
	}
	if d.kind != final {
		return
	}
	if !acknowledged {
		s.sendAgain(d)
	}
	if d.try == 1 {
		s.fleet.conclude(a)
	}
}

// sendAgain puts a callback that was not acknowledged back on the agenda, or gives it up. A listener that was too slow
// gets it again at once, any other after the delay that Resends has for it.
func (s *Simulator) sendAgain(d *delivery) {
	resends := s.mind.Load().Resends
	if int(d.try) > len(resends) {
		s.tally.Callbacks.Lost++
		return
	}
	wait := resends[d.try-1]
	if errors.Is(d.err, context.DeadlineExceeded) {
		wait = 0
	}
	again := d.event
	again.try++
	again.due = s.cfg.Now().Add(wait).UnixNano()
	s.schedule(again)
}

// schedule puts an event on the agenda, and wakes the clockwork if it is now the first. It needs the lock.
func (s *Simulator) schedule(e event) {
	s.agenda.add(e)
	if s.agenda[0] == e {
		s.Wake()
	}
}

// send makes one delivery and gives the status of its answer.
func (s *Simulator) send(to *listener, body []byte) (int, error) {
	ctx, cancel := context.WithTimeout(s.life, s.mind.Load().DeliveryTimeout)
	defer cancel()
	r := to.template.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	// The transport is asked itself: a carrier follows no redirect and keeps no cookie.
	answer, err := s.courier.RoundTrip(r)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return 0, err
	}
	// A connection is only used again when its answer was read to the end; a long one is not worth that.
	_, err = io.CopyN(io.Discard, answer.Body, 4096)
	if closeErr := answer.Body.Close(); err == nil || errors.Is(err, io.EOF) {
		err = closeErr
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return 0, err
	}
	return answer.StatusCode, nil
}

// template is the part of a delivery that does not change. Its header is shared by all of them and never written to.
func template(url string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {"ThingSpace-Simulator"}}
	r.GetBody = nil
	return r, nil
}
