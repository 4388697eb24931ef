package simulator

import (
	"bytes"
	"iter"
	"slices"
	"time"
)

// Book reads what the simulator wrote down. Its methods may be called at any time and give a copy.
type Book struct{ s *Simulator }

// Book gives access to the book.
func (s *Simulator) Book() Book { return Book{s} }

// RequestOutcome is what became of an enable request.
type RequestOutcome string

// Outcomes of requests.
const (
	Open     RequestOutcome = "open"     // still being looked at
	Accepted RequestOutcome = "accepted" // carried out, whether or not anybody was told
	Refused  RequestOutcome = "refused"  // not carried out, and answered so
	WasReset RequestOutcome = "reset"    // not carried out, and the connection was reset
	Broken   RequestOutcome = "broken"   // not carried out: the body did not come whole
)

// RequestEntry is one enable request that was received.
type RequestEntry struct {
	Seq        int            `json:"seq"` // from 1, in the order of arrival
	ReceivedAt time.Time      `json:"received_at"`
	RequestID  string         `json:"request_id,omitempty"` // of an accepted one
	Account    string         `json:"account,omitempty"`    // of one whose body was sound
	Plan       string         `json:"plan,omitempty"`
	Devices    int            `json:"devices"`
	Outcome    RequestOutcome `json:"outcome"`
	Answered   bool           `json:"answered"` // an answer was written
	Status     int            `json:"status,omitempty"`
	Code       string         `json:"code,omitempty"`        // of a refusal
	RetryAfter string         `json:"retry_after,omitempty"` // as it was answered
	EIDs       []string       `json:"eids,omitempty"`        // of an accepted one, in its order; only when asked for
}

// DeviceEntry is one eUICC that was ever part of an accepted request.
type DeviceEntry struct {
	EID        string    `json:"eid"`
	ICCID      string    `json:"iccid"`       // enabled now; empty: whatever it was before
	Final      string    `json:"final"`       // of its latest accept: pending, success, contradicted, failed, unreached
	Fault      string    `json:"fault"`       // code, where final is failed
	Accepts    int       `json:"accepts"`     // how often it was accepted
	RequestIDs []string  `json:"request_ids"` // of these, the oldest first
	LastChange time.Time `json:"last_change"`
	Role       string    `json:"role"`    // as reported with iccid; empty without
	Told       string    `json:"told"`    // best outcome that a listener answered 2xx, or empty
	Doubles    int       `json:"doubles"` // accepts while another was in flight
}

// Summary is the book in figures.
type Summary struct {
	Seed                uint64         `json:"seed"`
	Requests            int            `json:"requests"` // enable requests received
	Accepted            int            `json:"accepted"`
	Refused             int            `json:"refused"`
	Cut                 int            `json:"cut"` // left without an answer, carried out or not
	Devices             map[string]int `json:"devices"`
	Accepts             int            `json:"accepts"`     // devices of all accepted requests
	InFlight            int            `json:"in_flight"`   // accepts that are not resolved
	Undelivered         int            `json:"undelivered"` // things that are due or under way
	Callbacks           CallbackCounts `json:"callbacks"`
	Duplicates          int            `json:"duplicates"` // as in callbacks
	DoubleInFlight      int            `json:"double_in_flight"`
	RateViolations      int            `json:"rate_violations"`
	Oversize            int            `json:"oversize"`
	TokensIssued        int            `json:"tokens_issued"`
	TokensRefused       int            `json:"tokens_refused"`
	LoginsOK            int            `json:"logins_ok"`
	LoginsFailed        int            `json:"logins_failed"`
	Locked              bool           `json:"locked"`
	LargestRequest      int            `json:"largest_request"`
	MaxRequestsInSecond int            `json:"max_requests_in_second"`
	MaxDevicesInMinute  int            `json:"max_devices_in_minute"`
}

// Summary gives the figures of now.
func (b Book) Summary() Summary {
	s := b.s
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.tally
	devices := make(map[string]int, outcomes)
	for final, count := range s.fleet.finals {
		devices[outcomeNames[final]] = count
	}
	return Summary{
		Seed: s.cfg.Seed, Requests: s.fleet.requests.length, Accepted: t.Accepted, Refused: t.Refused, Cut: t.Cut,
		Devices: devices, Accepts: s.fleet.accepts.length, InFlight: s.fleet.open,
		Undelivered: len(s.agenda) + s.outbox.len() + s.busy,
		Callbacks:   t.Callbacks, Duplicates: t.Callbacks.Duplicates,
		DoubleInFlight: t.incidentCounts[DoubleInFlight],
		RateViolations: t.incidentCounts[TooManyRequests] + t.incidentCounts[TooManyDevices],
		Oversize:       t.incidentCounts[Oversize],
		TokensIssued:   t.TokensIssued, TokensRefused: t.TokensRefused,
		LoginsOK: t.LoginsOK, LoginsFailed: t.LoginsFailed, Locked: t.Locked,
		LargestRequest: t.LargestRequest, MaxRequestsInSecond: t.second.peak, MaxDevicesInMinute: t.minute.peak,
	}
}

// Requests gives the enable requests in the order of arrival, without their EIDs.
func (b Book) Requests() []RequestEntry { return slices.Collect(b.requests(false)) }

// EIDs gives the devices of an accepted request, by its id.
func (b Book) EIDs(requestID string) []string {
	for entry := range b.requests(false) {
		if entry.RequestID == requestID {
			return b.eids(entry.Seq)
		}
	}
	return nil
}

func (b Book) requests(withEIDs bool) iter.Seq[RequestEntry] {
	return func(yield func(RequestEntry) bool) {
		for number := 0; ; number++ {
			b.s.mu.Lock()
			if number >= b.s.fleet.requests.length {
				b.s.mu.Unlock()
				return
			}
			entry := b.s.fleet.requests.at(uint32(number)).RequestEntry
			b.s.mu.Unlock()
			if withEIDs {
				entry.EIDs = b.eids(entry.Seq)
			}
			if !yield(entry) {
				return
			}
		}
	}
}

func (b Book) eids(seq int) []string {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	f := &b.s.fleet
	r := f.requests.at(uint32(seq - 1)) //nolint:gosec // as in table.add
	ids := make([]string, r.accepts)
	for i := range ids {
		ids[i] = f.devices.at(f.accepts.at(r.accept + uint32(i)).device).id.String()
	}
	return ids
}

// Device gives one eUICC by its EID.
func (b Book) Device(id string) (DeviceEntry, bool) {
	var packed eid
	if !pack(packed[:], id, 32, 32) {
		return DeviceEntry{}, false
	}
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	number, known := b.s.fleet.index[packed]
	if !known {
		return DeviceEntry{}, false
	}
	return b.s.deviceEntry(number), true
}

// Devices gives every eUICC, by rising EID. Each entry is true of the moment when it is given.
func (b Book) Devices() iter.Seq[DeviceEntry] {
	return func(yield func(DeviceEntry) bool) {
		for part := range slices.Chunk(b.byEID(), 256) {
			b.s.mu.Lock()
			entries := make([]DeviceEntry, 0, len(part))
			for _, d := range part {
				entries = append(entries, b.s.deviceEntry(d.number))
			}
			b.s.mu.Unlock()
			for _, entry := range entries {
				if !yield(entry) {
					return
				}
			}
		}
	}
}

type numbered struct {
	id     eid
	number uint32
}

func (b Book) byEID() []numbered {
	b.s.mu.Lock()
	all := make([]numbered, 0, len(b.s.fleet.index))
	for id, number := range b.s.fleet.index {
		all = append(all, numbered{id, number})
	}
	b.s.mu.Unlock()
	slices.SortFunc(all, func(x, y numbered) int { return bytes.Compare(x.id[:], y.id[:]) })
	return all
}

// deviceEntry needs the lock.
func (s *Simulator) deviceEntry(number uint32) DeviceEntry {
	d := s.fleet.devices.at(number)
	entry := DeviceEntry{
		EID: d.id.String(), ICCID: d.enabled.String(), Final: d.final.String(), Fault: s.faults[d.fault].Code,
		Accepts: int(d.accepts), LastChange: time.Unix(0, d.changed).UTC(),
	}
	if d.told != pending {
		entry.Told = d.told.String()
	}
	if entry.ICCID != "" {
		entry.Role = Local
		if d.lead {
			entry.Role = Lead
		}
	}
	for at := d.last; ; {
		a := s.fleet.accepts.at(at)
		entry.RequestIDs = append(entry.RequestIDs, s.fleet.requestOf(at).RequestID)
		if a.has(doubled) {
			entry.Doubles++
		}
		if a.first {
			break
		}
		at = a.previous
	}
	slices.Reverse(entry.RequestIDs)
	return entry
}

// Incidents gives the incidents in the order they were booked: all of the first 10,000. Summary counts the others.
func (b Book) Incidents() []Incident {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	return slices.Clone(b.s.tally.incidents)
}
