package thingspace

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// MaxDevices is the most devices the carrier takes in one request.
const MaxDevices = 10_000

// longestRequestID bounds what is accepted as a request id, in bytes. The carrier's are UUIDs.
const longestRequestID = 128

// EnableRequest asks for one profile to be enabled on each of the devices, which all belong to one account.
type EnableRequest struct {
	Account string     // such as "0000123456-00001"
	Plan    string     // of the target network; empty: the carrier's choice
	Devices []DeviceID // 1 to MaxDevices

	// Again is asked before the request is sent a second time, for the carrier counts that one, too. Its error ends the
	// call as not executed. nil: it goes at once.
	Again func(ctx context.Context) error
}

// DeviceID names an eUICC and the profile on it, in digits.
type DeviceID struct {
	EID   string // 32 digits
	ICCID string // 19 or 20 digits
	IMEI  string // 15 digits; empty: not known
}

// Enable submits the request and gives the carrier's id for it, under which one callback for each device follows. Any
// error is an [*Error], whose Outcome tells whether the request can have been executed. It is sent again only after it
// was turned away for a bearer or session that has expired.
//
// The context ends a request that is under way, too; its outcome is then [Unknown].
func (c *Client) Enable(ctx context.Context, request EnableRequest) (requestID string, err error) {
	what := call{op: "enable", method: http.MethodPost, path: "/m2m/v1/devices/profile/actions/enable"}
	what.probe, what.again = callbacksPath(request.Account), request.Again
	if fault := request.fault(); fault != "" {
		return "", &Error{Op: what.op, Outcome: Refused, Message: fault}
	}
	what.body = request.appendJSON(nil)
	got, fault := c.perform(ctx, what)
	if fault != nil {
		return "", fault
	}
	if id, ok := readRequestID(got.body); ok {
		return id, nil
	}
	return "", &Error{
		Op: what.op, Status: got.status, Outcome: Unknown, RetryAfter: got.retryAfter,
		Message: "the answer holds no usable requestId",
	}
}

// readRequestID takes the id from the carrier's answer, if it is fit for keys and log lines.
func readRequestID(body []byte) (id string, ok bool) {
	var taken struct {
		RequestID loose `json:"requestId"`
	}
	err := json.Unmarshal(body, &taken)
	id = string(taken.RequestID)
	return id, err == nil && id != "" && len(id) <= longestRequestID && oneLine(id, longestRequestID) == id
}

// fault tells what makes the request impossible to send.
func (r *EnableRequest) fault() string {
	switch {
	case r.Account == "":
		return "the request names no account"
	case len(r.Devices) == 0:
		return "the request names no device"
	case len(r.Devices) > MaxDevices:
		return fmt.Sprintf("the request has %d devices; the carrier takes at most %d", len(r.Devices), MaxDevices)
	}
	for i := range r.Devices {
		if r.Devices[i].EID == "" || r.Devices[i].ICCID == "" {
			return fmt.Sprintf("device %d of the request lacks its EID or ICCID", i+1)
		}
	}
	return ""
}

// jsonDeviceSize is what one device takes at most in the request's JSON, in bytes.
const jsonDeviceSize = 192

// appendJSON writes the body by hand: 10,000 devices, in a single allocation.
func (r *EnableRequest) appendJSON(dst []byte) []byte {
	if dst == nil {
		dst = make([]byte, 0, len(r.Devices)*jsonDeviceSize+len(r.Account)+len(r.Plan)+128)
	}
	dst = append(dst, `{"devices":[`...)
	for i := range r.Devices {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.Devices[i].appendJSON(dst)
	}
	dst = append(dst, `],"accountName":`...)
	dst = appendString(dst, r.Account)
	if r.Plan != "" {
		dst = append(dst, `,"servicePlan":`...)
		dst = appendString(dst, r.Plan)
	}
	return append(dst, '}')
}

func (d *DeviceID) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"deviceIds":[{"kind":"eid","id":`...)
	dst = appendString(dst, d.EID)
	dst = append(dst, `},{"kind":"iccid","id":`...)
	dst = appendString(dst, d.ICCID)
	if d.IMEI != "" {
		dst = append(dst, `},{"kind":"imei","id":`...)
		dst = appendString(dst, d.IMEI)
	}
	return append(dst, `}]}`...)
}

// appendString quotes s: as it is if it is plain ASCII, by encoding/json otherwise.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always can be
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
