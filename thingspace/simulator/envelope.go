package simulator

import (
	"encoding/json"
	"strconv"
)

// envelope is what a callback says.
type envelope struct {
	kind      kind
	try, most int
	accept    *accept
	device    eid
	request   string
	fault     *Fault
	to        *listener
}

// wording is the parts of a callback in which the document's example and its table, or pages of ThingSpace, differ.
type wording struct {
	iccid, imei, eid, mdn         string
	success, failed, warning      string
	openArray, closeArray, number string
}

var (
	asExample = wording{
		"Iccid", "Imei", "Eid", "mdn",
		"SUCCESS", "FAILED", "warning",
		"", "", "",
	}
	asTable = wording{
		"ICCID", "IMEI", "EID", "MDN",
		"Success", "Failed", "Warning",
		"[", "]", `"`,
	}
)

// appendEnvelope appends the callback as JSON. It is written by hand because the carrier's speed must not be what a
// measurement of its clients measures; all that is not digits or made here was quoted beforehand or is quoted now.
func appendEnvelope(dst []byte, e *envelope) []byte {
	words := &asExample
	if e.accept.has(tabular) {
		words = &asTable
	}
	profile := e.profile()
	dst = append(dst, '{')
	dst = append(dst, e.to.credentials...)
	dst = append(dst, `"requestId":`...)
	dst = appendQuoted(dst, e.request)
	dst = append(dst, `,"deviceIds":`...)
	dst = e.appendIDs(dst, words, profile)
	switch {
	case e.kind == warning:
		dst = appendStatus(dst, words.warning)
	case e.kind != switched && e.accept.outcome == failed:
		dst = appendStatus(dst, words.failed)
		dst = append(dst, `,"faultResponse":{"faultcode":`...)
		dst = appendQuoted(dst, e.fault.Code)
		dst = append(dst, `,"faultstring":`...)
		dst = appendQuoted(dst, e.fault.Text)
		dst = append(dst, '}')
	default:
		dst = e.appendResponse(dst, words, profile)
		dst = appendStatus(dst, words.success)
	}
	dst = appendNumber(dst, `,"callbackCount":`, e.try, words)
	dst = appendNumber(dst, `,"maxCallbackThreshold":`, e.most, words)
	return append(dst, '}')
}

// profile is the ICCID that the callback is about.
func (e *envelope) profile() iccid {
	if e.kind != switched {
		return e.accept.target
	}
	if e.accept.former == (iccid{}) || e.accept.former == e.accept.target {
		return e.device.formerProfile()
	}
	return e.accept.former
}

func (e *envelope) appendIDs(dst []byte, words *wording, profile iccid) []byte {
	dst = append(dst, '[')
	dst = appendID(dst, words.iccid, profile[:])
	dst = append(dst, ',')
	if e.accept.modem != (imei{}) {
		dst = appendID(dst, words.imei, e.accept.modem[:])
		dst = append(dst, ',')
	}
	dst = appendID(dst, words.eid, e.device[:])
	dst = append(dst, `,{"id":"`...)
	dst = strconv.AppendUint(dst, e.device.phone(), 10)
	dst = append(dst, `","kind":"`...)
	dst = append(dst, words.mdn...)
	return append(dst, `"}]`...)
}

func (e *envelope) appendResponse(dst []byte, words *wording, profile iccid) []byte {
	status, isLead := "ENABLE", e.accept.reportsLead()
	if e.kind == switched {
		status, isLead = "DISABLE", !isLead
	}
	role := Local
	if isLead {
		role = Lead
	}
	dst = append(dst, `,"deviceResponse":`...)
	dst = append(dst, words.openArray...)
	dst = append(dst, `{"deviceProfileResponse":{"deviceIdentifierCollection":`...)
	dst = e.appendIDs(dst, words, profile)
	dst = append(dst, `,"state":"ACTIVE","profileStatus":"`...)
	dst = append(dst, status...)
	dst = append(dst, `","profileRole":"`...)
	dst = append(dst, role...)
	dst = append(dst, `"}}`...)
	return append(dst, words.closeArray...)
}

func appendID(dst []byte, kind string, packed []byte) []byte {
	dst = append(dst, `{"id":"`...)
	dst = appendDigits(dst, packed)
	dst = append(dst, `","kind":"`...)
	dst = append(dst, kind...)
	return append(dst, `"}`...)
}

func appendStatus(dst []byte, status string) []byte {
	dst = append(dst, `,"status":"`...)
	dst = append(dst, status...)
	return append(dst, '"')
}

func appendNumber(dst []byte, name string, n int, words *wording) []byte {
	dst = append(dst, name...)
	dst = append(dst, words.number...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, words.number...)
}

// appendQuoted appends s as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil { // no string fails to be marshalled
				return append(dst, `""`...)
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
