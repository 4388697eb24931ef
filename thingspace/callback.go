package thingspace

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// LargestCallback is the most bytes a callback may have. The carrier's have about a thousand.
const LargestCallback = 64 << 10

// longestField is the most bytes of any one field that is used, but for a fault's words, which are cut.
const longestField = 512

// ErrMalformed says that a body is no callback: not a JSON object, or out of bounds.
var ErrMalformed = errors.New("malformed callback")

// Status is the carrier's verdict on a device.
type Status uint8

const (
	// UnknownStatus is a missing verdict, or one that is in no document.
	UnknownStatus Status = iota
	// Success says that the action was done; [Callback.Enabled] and ProfileRole tell what it came to.
	Success
	// Failure comes with a fault.
	Failure
	// Warning says that the device can not be reached for now. It is not final.
	Warning
)

func (s Status) String() string {
	switch s {
	case Success:
		return "success"
	case Failure:
		return "failure"
	case Warning:
		return "warning"
	case UnknownStatus:
	}
	return "unknown"
}

// Callback is the carrier's word on one device. Any field may be empty: the sender decides what it sends.
type Callback struct {
	RequestID string

	// The device, as the identifiers of the profile's answer name it, and those of the request where that is silent.
	EID, ICCID, IMEI, MDN string
	RequestICCID          string // the profile that the request named; ICCID may be another, switched off by it

	Status        Status
	State         string // such as ACTIVE
	ProfileStatus string // such as ENABLE
	ProfileRole   string // LEAD (Verizon US) or LOCAL (Global)
	FaultCode     string
	FaultText     string // one line, at most 300 runes
	Count         int    // which delivery of this callback it is, from 1; 0: not told
	Most          int    // how many there will be at most; 0: not told

	// What the listener was registered with: all that proves who sent it.
	Username, Password Secret
}

// Enabled tells whether the profile is the enabled one now.
func (c *Callback) Enabled() bool { return enabled(c.ProfileStatus) }

func enabled(profileStatus string) bool {
	return is(profileStatus, "ENABLE") || is(profileStatus, "ENABLED") ||
		is(profileStatus, "DOWNLOAD_ENABLE") || is(profileStatus, "DOWNLOAD_ENABLED")
}

// DecodeCallback reads a callback in any of the shapes that the carrier's documents and practice know: names in any case,
// responses as object or array, numbers as strings, faults inside or beside the response. It fails only with
// [ErrMalformed].
func DecodeCallback(body []byte) (Callback, error) {
	if len(body) > LargestCallback {
		return Callback{}, fmt.Errorf("%w: %d bytes are more than %d", ErrMalformed, len(body), LargestCallback)
	}
	if !json.Valid(body) {
		return Callback{}, fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	d := decoder{walker: walker{src: string(body)}}
	if d.next() != '{' {
		return Callback{}, fmt.Errorf("%w: not a JSON object", ErrMalformed)
	}
	d.fields(d.envelope)
	return d.result()
}

// decoder fills a callback. The parts come in any order, so they are kept apart until all have been read.
type decoder struct {
	walker
	callback Callback
	status   string
	request  identifiers // those at the top
	profile  profile     // the one that decides
	profiles int
	faults   int
}

// identifiers are the names of one device.
type identifiers struct{ eid, iccid, imei, mdn string }

// profile is one deviceProfileResponse.
type profile struct {
	identifiers
	state, status, role string
}

// envelope reads a field of the callback itself or of its deviceResponse: the documents do not agree what stands where.
func (d *decoder) envelope(name string) {
	switch {
	case is(name, "deviceIds"):
		d.identifiers(&d.request)
	case is(name, "deviceResponse"):
		d.each(func() { d.fields(d.envelope) })
	case is(name, "deviceProfileResponse"):
		d.each(d.profileResponse)
	case is(name, "faultResponse"):
		d.each(d.faultResponse)
	case is(name, "requestId"):
		d.set(&d.callback.RequestID)
	case is(name, "status"):
		d.set(&d.status)
	case is(name, "callbackCount"):
		d.callback.Count = d.number()
	case is(name, "maxCallbackThreshold"):
		d.callback.Most = d.number()
	case is(name, "username"):
		d.set((*string)(&d.callback.Username))
	case is(name, "password"):
		d.set((*string)(&d.callback.Password))
	default:
		d.skip()
	}
}

func (d *decoder) identifiers(into *identifiers) {
	d.each(func() {
		var kind, id string
		d.fields(func(name string) {
			switch {
			case is(name, "id"):
				id = d.scalar()
			case is(name, "kind"):
				kind = d.scalar()
			default:
				d.skip()
			}
		})
		switch {
		case is(kind, "eid"):
			into.eid = id
		case is(kind, "iccid"):
			into.iccid = id
		case is(kind, "imei"):
			into.imei = id
		case is(kind, "mdn"):
			into.mdn = id
		}
	})
}

// profileResponse reads one profile. Of several, the first enabled one decides, else the first: the others were switched
// off by it.
func (d *decoder) profileResponse() {
	var p profile
	d.fields(func(name string) {
		switch {
		case is(name, "deviceIdentifierCollection"), is(name, "deviceIds"):
			d.identifiers(&p.identifiers)
		case is(name, "state"):
			d.set(&p.state)
		case is(name, "profileStatus"):
			d.set(&p.status)
		case is(name, "profileRole"):
			d.set(&p.role)
		case is(name, "faultResponse"):
			d.each(d.faultResponse)
		default:
			d.skip()
		}
	})
	if d.profiles == 0 || enabled(p.status) && !enabled(d.profile.status) {
		d.profile = p
	}
	d.profiles++
}

// faultResponse reads one fault; of several, the first is kept.
func (d *decoder) faultResponse() {
	var code, text string
	d.fields(func(name string) {
		switch {
		case is(name, "faultcode"), is(name, "code"):
			code = d.scalar()
		case is(name, "faultstring"), is(name, "message"):
			text = d.scalar()
		default:
			d.skip()
		}
	})
	if d.faults == 0 && code+text != "" {
		d.callback.FaultCode, d.callback.FaultText = code, oneLine(text, longestMessage)
		d.faults++
	}
}

// set reads a scalar into a field; an empty one takes nothing away.
func (d *decoder) set(field *string) {
	if text := d.scalar(); text != "" {
		*field = text
	}
}

// number reads a count; what is none is 0.
func (d *decoder) number() int {
	n, err := strconv.ParseUint(d.scalar(), 10, 31)
	if err != nil {
		return 0
	}
	return int(n) // 31 bits
}

func (d *decoder) result() (Callback, error) {
	c := d.callback
	own, request := d.profile.identifiers, d.request
	c.EID, c.ICCID = cmp.Or(own.eid, request.eid), cmp.Or(own.iccid, request.iccid)
	c.IMEI, c.MDN = cmp.Or(own.imei, request.imei), cmp.Or(own.mdn, request.mdn)
	c.RequestICCID = request.iccid
	c.State, c.ProfileStatus, c.ProfileRole = d.profile.state, d.profile.status, d.profile.role
	c.Status = parseStatus(d.status)
	if d.status == "" && d.faults > 0 {
		c.Status = Failure
	}
	for _, field := range []string{
		c.RequestID, c.EID, c.ICCID, c.IMEI, c.MDN, c.RequestICCID, c.State, c.ProfileStatus, c.ProfileRole, c.FaultCode,
		string(c.Username), string(c.Password),
	} {
		if len(field) > longestField {
			return Callback{}, fmt.Errorf("%w: a field of %d bytes", ErrMalformed, len(field))
		}
	}
	return c, nil
}

func parseStatus(word string) Status {
	switch {
	case is(word, "success"):
		return Success
	case is(word, "failed"), is(word, "failure"), is(word, "fail"):
		return Failure
	case is(word, "warning"):
		return Warning
	}
	return UnknownStatus
}

// is compares names as encoding/json does: without case.
func is(name, want string) bool { return len(name) == len(want) && strings.EqualFold(name, want) }
