package simulator

import "time"

// tally is the book's counters. It has no lock of its own.
type tally struct {
	TokensIssued, TokensRefused int
	LoginsOK, LoginsFailed      int
	Locked                      bool
	Accepted, Refused, Cut      int // requests; of the accepted some are cut
	LargestRequest              int
	Callbacks                   CallbackCounts
	incidents                   []Incident
	incidentCounts              map[IncidentKind]int

	second, minute            window // requests received; devices accepted
	requestLimit, deviceLimit limit
}

func newTally(r RateLimit) tally {
	return tally{
		incidentCounts: make(map[IncidentKind]int),
		second:         window{span: time.Second},
		minute:         window{span: time.Minute},
		requestLimit:   requestLimit(r.RequestsPerSecond),
		deviceLimit:    newLimit(time.Minute, r.DevicesPerMinute),
	}
}

// CallbackCounts tells what became of the callbacks.
type CallbackCounts struct {
	Sent         int `json:"sent"`         // deliveries of any kind, resends included
	Acknowledged int `json:"acknowledged"` // answered 2xx
	Failed       int `json:"failed"`       // not answered, or not 2xx
	Lost         int `json:"lost"`         // final callbacks that will never arrive: lost by mood, unheard, or given up
	Unheard      int `json:"unheard"`      // of these: no listener was registered
	Silent       int `json:"silent"`       // accepts that never had a callback to send
	Resent       int `json:"resent"`       // deliveries of the same callback after the first
	Warnings     int `json:"warnings"`     // warnings sent
	Duplicates   int `json:"duplicates"`   // duplicates sent
	Others       int `json:"others"`       // callbacks of switched-off profiles sent
	Strays       int `json:"strays"`       // callbacks under unknown request ids sent
}

func (c *CallbackCounts) count(d *delivery) {
	c.Sent++
	if d.status/100 == 2 {
		c.Acknowledged++
	} else {
		c.Failed++
	}
	if d.try > 1 {
		c.Resent++
	}
	switch d.kind {
	case warning:
		c.Warnings++
	case copied:
		c.Duplicates++
	case switched:
		c.Others++
	case strayed:
		c.Strays++
	default:
	}
}

// IncidentKind is what a sound client never makes the carrier write down, except by the carrier's own moods.
type IncidentKind string

// Kinds of incidents.
const (
	DoubleInFlight  IncidentKind = "double_in_flight"  // an EID was accepted while an earlier accept was in flight
	Oversize        IncidentKind = "oversize"          // a request over MaxDevices, or over the limit of a body
	TooManyRequests IncidentKind = "too_many_requests" // RateLimit.RequestsPerSecond was exceeded
	TooManyDevices  IncidentKind = "too_many_devices"  // RateLimit.DevicesPerMinute was exceeded
	Locked          IncidentKind = "locked"            // five logins in a row failed
	Unheard         IncidentKind = "unheard"           // callbacks of a request had no listener; once a request
)

// Incident is one of them.
type Incident struct {
	At        time.Time    `json:"at"`
	Kind      IncidentKind `json:"kind"`
	EID       string       `json:"eid,omitempty"`
	RequestID string       `json:"request_id,omitempty"`
	Detail    string       `json:"detail"`
}

// keptIncidents bounds the list; the counts go on.
const keptIncidents = 10_000

// incident books one. It needs the lock.
func (s *Simulator) incident(kind IncidentKind, id eid, requestID, detail string) {
	s.tally.incidentCounts[kind]++
	if s.tally.incidentCounts[kind] == 1 {
		s.log.Warn("the carrier books an incident; more of the kind are only counted here", "kind", kind, "detail", detail)
	}
	now, device := s.cfg.Now(), ""
	if id != (eid{}) {
		device = id.String()
	}
	s.journal.line(now.UnixNano(), string(kind),
		field{"eid", device}, field{"request_id", requestID}, field{"detail", detail})
	if len(s.tally.incidents) < keptIncidents {
		s.tally.incidents = append(s.tally.incidents, Incident{now, kind, device, requestID, detail})
	}
}

// note changes the counters.
func (s *Simulator) note(change func(*tally)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.tally)
}

// bookSize notes what a request asks for, sound or not.
func (s *Simulator) bookSize(v visit, order wanted, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.fleet.requests.at(v.number)
	r.Devices, r.Account, r.Plan = size, order.account, order.plan
	s.tally.LargestRequest = max(s.tally.LargestRequest, size)
	if size > MaxDevices {
		s.incident(Oversize, eid{}, "", "a request of more than the most devices")
	}
}

// depart books the end of a request: what was answered, or that nothing was.
func (s *Simulator) depart(v visit, change func(*RequestEntry)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.fleet.requests.at(v.number)
	change(&r.RequestEntry)
	name := "answered"
	switch {
	case r.Outcome == Refused:
		s.tally.Refused++
		name = "refused"
	case !r.Answered:
		s.tally.Cut++
		name = "cut"
	}
	s.journal.line(s.cfg.Now().UnixNano(), name, field{"seq", r.Seq}, field{"status", r.Status}, field{"code", r.Code})
}
