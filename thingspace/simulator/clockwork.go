package simulator

import "time"

const (
	longestSleep = time.Second // the journal is flushed as often
	firedAtOnce  = 1000        // events between two releases of the lock
)

// keepTime moves what is due from the agenda on, until life ends.
func (s *Simulator) keepTime() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	lastFlush := time.Now()
	for {
		select {
		case <-s.life.Done():
			return
		case <-timer.C:
		case <-s.wake:
		}
		for s.fire() {
			if s.life.Err() != nil {
				return
			}
		}
		if time.Since(lastFlush) >= longestSleep {
			lastFlush = time.Now()
			if err := s.journal.flush(); err != nil {
				s.log.Error("the simulator's book can not be written", "error", err)
			}
		}
		timer.Reset(s.nap())
	}
}

// nap is how long nothing is due.
func (s *Simulator) nap() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.agenda) == 0 {
		return longestSleep
	}
	return min(longestSleep, time.Duration(s.agenda[0].due-s.cfg.Now().UnixNano()))
}

// fire handles the next events that are due and tells whether there may be more.
func (s *Simulator) fire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UnixNano()
	for range firedAtOnce {
		if len(s.agenda) == 0 || s.agenda[0].due > now {
			s.tellIdle()
			return false
		}
		if e := s.agenda.take(); e.kind == finish {
			s.finish(e.accept, now)
		} else {
			s.post(e)
		}
	}
	return true
}

// post hands a callback to the couriers. It needs the lock.
func (s *Simulator) post(e event) {
	s.outbox.add(e)
	s.due.Signal()
}

// finish brings a device to the final state of an accept, and sends or forgets its callbacks. It needs the lock.
func (s *Simulator) finish(number uint32, now int64) {
	a := s.fleet.accepts.at(number)
	if a.has(warns) {
		a.marks |= overdue
		return
	}
	s.carryOut(number, a, now)
	r := s.fleet.requests.at(a.request)
	_, listening := s.listeners.of(r.Account)
	switch {
	case a.has(silent):
		s.tally.Callbacks.Silent++
	case a.has(lost):
		s.tally.Callbacks.Lost++
	case !listening:
		s.loseUnheard(a, r)
	default:
		s.post(event{accept: number, kind: final, try: 1})
		s.postExtras(number, a, now)
		return
	}
	s.fleet.resolve(a)
	s.fleet.conclude(a)
}

// warned lets a device that waited for its warning go on. It needs the lock.
func (s *Simulator) warned(number uint32, a *accept) {
	a.marks &^= warns
	if a.has(overdue) {
		s.finish(number, s.cfg.Now().UnixNano())
	}
}

// loseUnheard books a callback for which no listener is registered.
func (s *Simulator) loseUnheard(a *accept, r *request) {
	s.tally.Callbacks.Lost++
	s.tally.Callbacks.Unheard++
	if !r.unheard {
		r.unheard = true
		s.incident(Unheard, s.fleet.devices.at(a.device).id, r.RequestID, "no listener is registered for the account")
	}
}

// carryOut applies an accept to its device, unless a later accept of the device has taken its place.
func (s *Simulator) carryOut(number uint32, a *accept, now int64) {
	d := s.fleet.devices.at(a.device)
	a.former = d.enabled
	if a.outcome == success && d.enabled == a.target && s.mind.Load().AlreadyActive {
		a.outcome, a.fault = failed, faultActiveNumber
	}
	a.marks |= reached
	s.journal.final(now, d.id, a, s.fleet.requests.at(a.request).RequestID, s.faults[a.fault].Code)
	if d.last != number {
		return
	}
	if a.outcome == success || a.outcome == contradicted {
		d.enabled = a.target
		d.lead = a.reportsLead()
	}
	s.fleet.settle(d, a.outcome, a.fault, now)
}

// reportsLead tells the role that the accept's success is reported with.
func (a *accept) reportsLead() bool { return a.has(lead) != (a.outcome == contradicted) }

// postExtras sends what goes beside the final callback.
func (s *Simulator) postExtras(number uint32, a *accept, now int64) {
	if a.has(other) {
		s.post(event{accept: number, kind: switched, try: 1})
	}
	if a.has(stray) {
		s.post(event{accept: number, kind: strayed, try: 1})
	}
	m, id := s.mind.Load(), s.fleet.devices.at(a.device).id
	for i := range uint64(a.copies) {
		wait := m.DuplicateDelay.between(chance(m.seed, id.number(), uint64(a.attempt)<<8|i, askCopyTime))
		s.agenda.add(event{due: now + int64(wait), accept: number, kind: copied, try: 1})
	}
}
