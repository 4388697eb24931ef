package simulator

import "time"

// outcome is what becomes of an accept, or of a device by its latest accept.
type outcome uint8

const (
	pending      outcome = iota // on its way
	success                     // the profile is enabled
	contradicted                // enabled, but reported in the other role than the plan's
	failed                      // a fault
	unreached                   // never carried out, and nobody is told
	outcomes                    // how many there are
)

var outcomeNames = [outcomes]string{"pending", "success", "contradicted", "failed", "unreached"}

func (o outcome) String() string { return outcomeNames[o] }

// marks are yes-or-no properties of an accept.
type marks uint16

const (
	silent   marks = 1 << iota // never calls back
	lost                       // the final callback gets lost
	other                      // the profile that is switched off calls back too
	stray                      // the final callback comes once more under an unknown request id
	tabular                    // callbacks are shaped as the document's table says
	resolved                   // no longer in flight
	lead                       // the plan's role is Lead
	reached                    // the final state was reached, so outcome is final
	doubled                    // accepted while another accept of the device was in flight
	warns                      // a warning has still to go out, and the final state waits for it
	overdue                    // the final state would be due but for the warning
)

// fate is what chance has in store for an accept.
type fate struct {
	outcome   outcome
	fault     uint8 // number of the fault where outcome is failed
	marks     marks
	copies    uint8         // duplicates of the final callback beside the original
	latency   time.Duration // until the final state
	warnAfter time.Duration // until the warning; 0: none
}

// mind is Moods made ready for use. It does not change.
type mind struct {
	Moods
	seed           uint64
	poison, absent map[eid]bool
	faults         []uint8 // numbers of Moods.Faults
}

// fate draws what becomes of the device's attempt-th accept, counted from 1.
func (m *mind) fate(id eid, attempt int, account string) fate {
	subject, turn := id.number(), uint64(attempt) //nolint:gosec // counted up from 1
	device := func(about question) float64 { return chance(m.seed, subject, 0, about) }
	now := func(about question) float64 { return chance(m.seed, subject, turn, about) }

	f := fate{outcome: success, latency: m.Latency.between(now(askLatency))}
	m.afflict(&f, id, attempt, account, device)
	if f.outcome == success && now(askContradict) < m.Contradict {
		f.outcome = contradicted
	}
	f.set(lost, attempt == 1 && device(askLost) < m.Lost)
	f.set(other, now(askOther) < m.OtherProfile)
	f.set(stray, now(askStray) < m.Stray)
	f.set(tabular, now(askTabular) < m.Tabular)
	if now(askWarning) < m.Warning {
		f.warnAfter = max(1, time.Duration(float64(f.latency)*now(askWarningTime)))
	}
	if now(askCopied) < m.Duplicates {
		f.copies = 1 + uint8(now(askCopies)*4)
	}
	return f
}

// afflict gives the accept the device's lasting trouble, if it has one.
func (m *mind) afflict(f *fate, id eid, attempt int, account string, device func(question) float64) {
	if m.absent[id] {
		f.fail(faultNotFoundNumber)
		return
	}
	kind := device(askKind)
	if device(askAccount) < m.FailAccounts[account] || kind < m.Faulty {
		f.fail(m.faults[int(device(askFault)*float64(len(m.faults)))])
		return
	}
	if kind -= m.Faulty; kind < m.Offline {
		if attempt <= 1+int(device(askTurns)*float64(m.OfflineAttempts)) {
			f.fail(faultOfflineNumber)
		}
		return
	}
	if kind -= m.Offline; kind < m.OfflineForever {
		f.fail(faultOfflineNumber)
		return
	}
	if kind -= m.OfflineForever; kind < m.Silent {
		f.set(silent, true)
		if device(askReached) < m.SilentUnreached {
			f.outcome = unreached
		}
	}
}

func (f *fate) fail(fault uint8) { f.outcome, f.fault = failed, fault }

func (f *fate) set(mark marks, on bool) {
	if on {
		f.marks |= mark
	}
}

// act decides what is done to the n-th enable request, and whether its callbacks go out before its answer.
func (m *mind) act(n int) (act Act, early bool) {
	subject := uint64(n) //nolint:gosec // counted up from 1
	early = chance(m.seed, subject, 0, askEarly) < m.Early
	act, ordered := m.At[n]
	if !ordered {
		act = m.drawAct(chance(m.seed, subject, 0, askRequest))
	}
	if act.Deed == SendEarly {
		act.Deed, early = Serve, true
	}
	act.Delay += m.Answer.between(chance(m.seed, subject, 0, askAnswer))
	return act, early
}

func (m *mind) drawAct(fraction float64) Act {
	for _, may := range []struct {
		share float64
		act   Act
	}{
		{m.DropAnswers, Act{Deed: Drop}},
		{m.ResetBefore, Act{Deed: Reset}},
		{m.Throttle, Act{Deed: Reply, Status: 429, RetryAfter: m.RetryAfter}},
		{m.Unavailable, Act{Deed: Reply, Status: 503, RetryAfter: m.RetryAfter}},
	} {
		if fraction < may.share {
			return may.act
		}
		fraction -= may.share
	}
	return Act{}
}
