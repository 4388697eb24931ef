package simulator

// device is all that the carrier knows of an eUICC: 48 bytes, and about 40 more in the index.
type device struct {
	id      eid
	enabled iccid   // the profile enabled now, as far as this book saw
	lead    bool    // enabled is reported as Lead
	final   outcome // of its latest accept
	fault   uint8   // of its latest accept
	told    outcome // the best that a listener acknowledged: success before contradicted before failed; pending: nothing
	accepts uint16
	open    uint32 // accepts in flight
	last    uint32 // number of its latest accept
	changed int64  // nanoseconds since 1970
}

// accept is one device's part in an accepted request: 48 bytes.
type accept struct {
	target, former iccid // to be enabled; enabled before
	modem          imei
	device         uint32
	request        uint32
	previous       uint32 // number of the device's accept before this
	attempt        uint16 // from 1
	marks          marks
	outcome        outcome // what it will come to; true once it is marked reached
	fault          uint8
	copies         uint8
	first          bool // previous means nothing
}

func (a *accept) has(m marks) bool { return a.marks&m != 0 }

// request is one enable request, whatever became of it.
type request struct {
	RequestEntry

	accept  uint32        // number of its first accept; the others follow
	accepts int           // how many it has
	unsent  int           // accepts whose first delivery is not over, and that are not decided otherwise
	sent    chan struct{} // closed when unsent is 0; only for early callbacks
	unheard bool          // callbacks of it had no listener
}

// fleet holds the records. It has no lock of its own.
type fleet struct {
	devices  table[device]
	accepts  table[accept]
	requests table[request]
	index    map[eid]uint32
	finals   [outcomes]int // devices by final
	open     int           // accepts in flight
}

func newFleet() fleet { return fleet{index: make(map[eid]uint32)} }

// requestOf is the request that an accept is part of.
func (f *fleet) requestOf(accept uint32) *request { return f.requests.at(f.accepts.at(accept).request) }

// device finds or makes the record of an eUICC.
func (f *fleet) device(id eid) (uint32, *device) {
	if number, known := f.index[id]; known {
		return number, f.devices.at(number)
	}
	number, d := f.devices.add()
	d.id = id
	f.index[id] = number
	f.finals[pending]++
	return number, d
}

// admit records one more accept of a device, in flight from now on.
func (f *fleet) admit(request uint32, wanted wantedDevice, now int64) (uint32, *accept, *device) {
	at, d := f.device(wanted.id)
	number, a := f.accepts.add()
	*a = accept{
		target: wanted.target, modem: wanted.modem,
		device: at, request: request, previous: d.last, first: d.accepts == 0,
	}
	if d.accepts < 1<<16-1 {
		d.accepts++
	}
	a.attempt = d.accepts
	d.last = number
	f.settle(d, pending, 0, now)
	d.open++
	f.open++
	return number, a, d
}

// settle moves a device to another final state.
func (f *fleet) settle(d *device, to outcome, fault uint8, now int64) {
	f.finals[d.final]--
	f.finals[to]++
	d.final, d.fault, d.changed = to, fault, now
}

// resolve ends an accept's time in flight; again, it does nothing.
func (f *fleet) resolve(a *accept) {
	if a.has(resolved) {
		return
	}
	a.marks |= resolved
	f.devices.at(a.device).open--
	f.open--
}

// conclude notes that the first delivery of an accept is over, or will never be.
func (f *fleet) conclude(a *accept) {
	r := f.requests.at(a.request)
	r.unsent--
	if r.unsent == 0 && r.sent != nil {
		close(r.sent)
		r.sent = nil
	}
}

// tell notes what a listener acknowledged of a device.
func (f *fleet) tell(a *accept) {
	d := f.devices.at(a.device)
	if d.told == pending || a.outcome < d.told {
		d.told = a.outcome
	}
}
