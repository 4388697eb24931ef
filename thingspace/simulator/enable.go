package simulator

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"time"
)

// earlyPatience bounds how long an answer waits for its callbacks to go out before it.
const earlyPatience = 10 * time.Second

// visit is one enable request on its way through the carrier.
type visit struct {
	number uint32 // of its record
	mind   *mind
	act    Act
	early  bool
}

// enable is POST m2m/v1/devices/profile/actions/enable.
func (s *Simulator) enable(w http.ResponseWriter, r *http.Request) {
	v := s.arrive()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		s.unread(w, v, err)
		return
	}
	switch {
	case v.act.Deed == Reset:
		s.depart(v, func(e *RequestEntry) { e.Outcome = WasReset })
		cut(w, true)
		return
	case v.act.Deed == Reply && !v.act.Executed:
		s.refuseVisit(w, v, statusRefusal(v.act.Status, retryAfter(v.act.RetryAfter, s.cfg.Now())))
		return
	case v.act.Deed == ExpireSession:
		s.gate.expireSessions()
	case v.act.Deed == ExpireToken:
		s.gate.expireToken()
	}
	order, no := s.judge(r, v, body)
	if no == nil {
		var id string
		var sent <-chan struct{}
		if id, sent, no = s.accept(v, order); no == nil {
			s.respond(w, r, v, id, sent)
			return
		}
	}
	s.refuseVisit(w, v, no)
}

// arrive numbers the request and decides what will be done to it.
func (s *Simulator) arrive() visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	m := s.mind.Load()
	number, r := s.fleet.requests.add()
	r.Seq, r.ReceivedAt, r.Outcome = s.fleet.requests.length, now, Open
	s.tally.second.add(now, 1)
	v := visit{number: number, mind: m}
	v.act, v.early = m.act(r.Seq)
	s.journal.line(now.UnixNano(), "request", field{"seq", r.Seq})
	return v
}

// unread answers a request whose body did not come or was too large.
func (s *Simulator) unread(w http.ResponseWriter, v visit, err error) {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		s.mu.Lock()
		s.incident(Oversize, eid{}, "", "a body of more than "+strconv.Itoa(bodyLimit>>20)+" MiB")
		s.mu.Unlock()
		s.refuseVisit(w, v, refuseInput("RequestUndefined", "The request body is too large."))
		return
	}
	s.depart(v, func(e *RequestEntry) { e.Outcome = Broken })
	cut(w, false)
}

// judge asks for everything that a request needs before it is looked at device by device, and then looks at those.
func (s *Simulator) judge(r *http.Request, v visit, body []byte) (wanted, *refusal) {
	if no := s.gate.checkBearer(r.Header.Get("Authorization")); no != nil {
		return wanted{}, no
	}
	if no := s.gate.checkSession(v.mind, r.Header.Get("VZ-M2M-Token")); no != nil {
		return wanted{}, no
	}
	if no := s.admitRequest(); no != nil {
		return wanted{}, no
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return wanted{}, refuseInput("RequestUndefined", "The Content-Type must be application/json.")
	}
	order, size, no := s.readEnable(body, v.mind)
	s.bookSize(v, order, size)
	return order, no
}

// accept takes a sound request over: from here on its devices are in flight. sent, if not nil, is closed when the
// callbacks have gone out.
func (s *Simulator) accept(v visit, order wanted) (id string, sent <-chan struct{}, no *refusal) {
	id = s.cfg.NewID()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	if no := s.admitDevices(now, len(order.devices)); no != nil {
		return "", nil, no
	}
	r := s.fleet.requests.at(v.number)
	r.RequestID, r.Outcome = id, Accepted
	s.tally.Accepted++
	r.accept = uint32(s.fleet.accepts.length) //nolint:gosec // as in table.add
	r.accepts, r.unsent = len(order.devices), len(order.devices)
	if v.early {
		r.sent = make(chan struct{})
		sent = r.sent
	}
	isLead := s.leads(order.plan)
	s.journal.line(now.UnixNano(), "accepted", field{"seq", r.Seq}, field{"request_id", id},
		field{"account", order.account}, field{"plan", order.plan}, field{"devices", len(order.devices)})
	for _, device := range order.devices {
		s.acceptDevice(v, r, device, isLead, now.UnixNano())
	}
	s.Wake()
	return id, sent, nil
}

// acceptDevice draws the fate of one device and puts it on the agenda. It needs the lock.
func (s *Simulator) acceptDevice(v visit, r *request, wish wantedDevice, isLead bool, now int64) {
	number, a, d := s.fleet.admit(v.number, wish, now)
	f := v.mind.fate(wish.id, int(a.attempt), r.Account)
	if d.open > 1 {
		f.set(doubled, true)
		s.incident(DoubleInFlight, wish.id, r.RequestID,
			"accepted while an earlier request was in flight: "+s.fleet.requestOf(a.previous).RequestID)
		if v.mind.FaultDoubles {
			f.fail(faultDoubleNumber)
		}
	}
	f.set(lead, isLead)
	if v.early {
		f.latency = 0
	}
	a.outcome, a.fault, a.marks, a.copies = f.outcome, f.fault, f.marks, f.copies
	if f.warnAfter > 0 && !a.has(silent) {
		a.marks |= warns
		s.agenda.add(event{due: now + int64(min(f.warnAfter, f.latency)), accept: number, kind: warning, try: 1})
	}
	s.agenda.add(event{due: now + int64(f.latency), accept: number, kind: finish})
}

// respond answers an accepted request as its act says.
func (s *Simulator) respond(w http.ResponseWriter, r *http.Request, v visit, id string, sent <-chan struct{}) {
	if !s.await(r, sent, v.act.Delay) || v.act.Deed == Drop {
		s.depart(v, func(e *RequestEntry) { e.Answered = false })
		cut(w, false)
		return
	}
	var err error
	status := http.StatusOK
	if v.act.Deed == Reply {
		no := statusRefusal(v.act.Status, retryAfter(v.act.RetryAfter, s.cfg.Now()))
		status, err = no.status, no.write(w)
	} else {
		err = writeJSON(w, struct {
			ID string `json:"requestId"`
		}{id})
	}
	s.wrote(err)
	s.depart(v, func(e *RequestEntry) { e.Answered, e.Status = err == nil, status })
}

// await waits for early callbacks and then for the delay. It tells whether anybody is still there to be answered.
func (s *Simulator) await(r *http.Request, sent <-chan struct{}, delay time.Duration) bool {
	if sent != nil && !s.pause(r, sent, earlyPatience) {
		return false
	}
	return delay <= 0 || s.pause(r, nil, delay)
}

// pause waits until done or for the time given, and tells whether the client and the simulator are still there.
func (s *Simulator) pause(r *http.Request, done <-chan struct{}, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	case <-s.life.Done():
		return false
	}
}

// refuseVisit answers with a refusal and books it.
func (s *Simulator) refuseVisit(w http.ResponseWriter, v visit, no *refusal) {
	err := no.write(w)
	s.wrote(err)
	s.depart(v, func(e *RequestEntry) {
		e.Outcome, e.Code, e.Status, e.RetryAfter, e.Answered = Refused, no.code, no.status, no.retryAfter, err == nil
	})
}

// cut closes the connection without an answer; abruptly, as a reset.
func cut(w http.ResponseWriter, abruptly bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to cut an HTTP/2 stream, which can not be hijacked
	}
	if tcp, ok := conn.(*net.TCPConn); ok && abruptly {
		_ = tcp.SetLinger(0) // without it the cut is merely less abrupt
	}
	_ = conn.Close() // the client is cut off in any case
}
