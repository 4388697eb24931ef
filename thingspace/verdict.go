package thingspace

import (
	"net/http"
	"strconv"
	"strings"
)

// rejection is which of the two credentials an answer turned down: bits, so that they add up to a set.
type rejection uint8

const (
	accepted        rejection = 0
	bearerRejected  rejection = 1
	sessionRejected rejection = 2
)

// rejects tells which credential the answer complains of. A session is known by ".SessionToken." in the code alone: it
// comes with 400 as well as 401.
func rejects(status int, code string) rejection {
	switch {
	case strings.Contains(code, ".SessionToken."):
		return sessionRejected
	case status == http.StatusUnauthorized && gatewayFault(code) != misplaced, gatewayFault(code) == unauthenticated:
		return bearerRejected
	}
	return accepted
}

// outcome weighs a failed answer: anything that leaves room for the request having been executed is Unknown.
func outcome(status int, code string) Outcome {
	if rejects(status, code) != accepted {
		return NotExecuted
	}
	switch gatewayFault(code) {
	case misplaced:
		return Misdirected
	case throttled, suspended:
		return NotExecuted
	case lostBackend:
		return Unknown
	case noFault, unauthenticated:
	}
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusTooEarly:
		return NotExecuted
	case http.StatusProxyAuthRequired, http.StatusMisdirectedRequest:
		return Misdirected
	case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		if code == "" {
			return Misdirected
		}
		return Refused
	case http.StatusRequestTimeout: // some gateways mean their own backend by it
		return Unknown
	}
	switch status / 100 {
	case 3: // never followed; whoever redirects has not executed
		return NotExecuted
	case 4:
		return Refused
	}
	return Unknown
}

// fault is what a code of the carrier's gateway means. The gateway is WSO2's; the numbers are in its manual under
// "Error Handling".
type fault uint8

const (
	noFault         fault = iota
	unauthenticated       // 900900 to 900905: the bearer is missing, wrong or expired
	misplaced             // 900906 to 900910: no such resource, or not for this application
	throttled             // 900800 to 900807
	suspended             // 303000, 303001: the backend is out of service and was not asked
	lostBackend           // 101000 to 101999: the connection to the backend broke, at whatever point
)

func gatewayFault(code string) fault {
	number, err := strconv.ParseUint(code, 10, 32)
	if err != nil {
		return noFault
	}
	switch {
	case number >= 900900 && number <= 900905:
		return unauthenticated
	case number >= 900906 && number <= 900910:
		return misplaced
	case number >= 900800 && number <= 900899:
		return throttled
	case number == 303000 || number == 303001:
		return suspended
	case number >= 101000 && number <= 101999:
		return lostBackend
	}
	return noFault
}
