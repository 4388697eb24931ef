package thingspace

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Outcome is what is known of a request that did not succeed.
type Outcome uint8

const (
	// Unknown requests may have been executed: no readable answer came. They must not simply be sent again. It is the
	// zero value, because it is the only one that is never wrong.
	Unknown Outcome = iota
	// NotExecuted requests certainly did nothing: they never left, or the carrier turned them away at the door. The same
	// request may be sent again, after RetryAfter where that is known.
	NotExecuted
	// Misdirected requests did nothing either, and will not until a person corrects the address or the application's
	// rights: the path is unknown to whoever answered.
	Misdirected
	// Refused requests did nothing because of their content: a device, the account or the plan. Sent again unchanged they
	// would be refused again.
	Refused
)

func (o Outcome) String() string {
	switch o {
	case NotExecuted:
		return "not executed"
	case Misdirected:
		return "misdirected"
	case Refused:
		return "refused"
	case Unknown:
	}
	return "unknown"
}

// ErrLoginHeld says that no process logs in (or asks for a bearer) any more, because two attempts were refused, or four
// may have been: a person must look, then clear the hold.
var ErrLoginHeld = errors.New("logging in is held")

// Error is any failure of a request to the carrier. Its text holds no secret and is safe to log.
type Error struct {
	Op         string        // what was tried, such as "enable" or "login"
	Status     int           // the HTTP status; 0: no answer
	Code       string        // the carrier's code, or the gateway's; at most 200 runes; empty: none was found
	Message    string        // the carrier's words, on one line; at most 300 runes
	RetryAfter time.Duration // how long the carrier asks us to stay away: 0 (it did not say) to an hour
	Outcome    Outcome
	Err        error // the cause, where it is ours: the network, the context, Redis, ErrLoginHeld
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("thingspace " + e.Op + ": ")
	switch {
	case e.Status != 0:
		fmt.Fprintf(&b, "status %d", e.Status)
	case e.Outcome == Unknown:
		b.WriteString("no answer")
	default:
		b.WriteString("not sent")
	}
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String() + " (" + e.Outcome.String() + ")"
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// longestWait bounds what a Retry-After can ask for: beyond it somebody has made a mistake, and asking once an hour
// harms nobody.
const longestWait = time.Hour

// retryAfter reads the header in both its forms, seconds and a date. What is absent, unreadable or past is 0.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(longestWait/time.Second))) * time.Second // bounded by min
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), longestWait)
}
