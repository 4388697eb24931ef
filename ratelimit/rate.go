package ratelimit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	mostCount   = 1_000_000_000
	shortestPer = time.Millisecond
	longestPer  = 7 * 24 * time.Hour
	noRate      = "none"
)

// ErrRate is wrapped by every error of [ParseRate].
var ErrRate = errors.New("a rate is a count and a time, such as 2/s, 60000/min, 100/h or 5/10s, or none")

var perNames = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "second": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hour": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour,
}

// Rate is how many may pass in a time. Its zero value is no limit.
type Rate struct {
	Count int64
	Per   time.Duration
}

// ParseRate reads "2/s", "60000/min", "100/h" or "5/10s"; "none", "0" and "" are no limit. Counts go to a thousand
// million, times from a millisecond to a week.
func ParseRate(text string) (Rate, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" || text == "0" || text == noRate {
		return Rate{}, nil
	}
	count, per, found := strings.Cut(text, "/")
	if !found {
		return Rate{}, fmt.Errorf("%w; got %q", ErrRate, text)
	}
	var r Rate
	var err error
	if r.Count, err = strconv.ParseInt(strings.TrimSpace(count), 10, 64); err != nil {
		return Rate{}, fmt.Errorf("%w; the count of %q is no whole number", ErrRate, text)
	}
	if r.Per, err = parsePer(strings.TrimSpace(per)); err != nil {
		return Rate{}, fmt.Errorf("%w; the time of %q is neither s, min, h, d nor a duration such as 10s", ErrRate, text)
	}
	return r, r.validate()
}

func parsePer(text string) (time.Duration, error) {
	if per, ok := perNames[text]; ok {
		return per, nil
	}
	return time.ParseDuration(text)
}

func (r Rate) validate() error {
	if r == (Rate{}) {
		return nil
	}
	if r.Count < 1 || r.Count > mostCount {
		return fmt.Errorf("%w; the count must be 1 to %d, not %d", ErrRate, mostCount, r.Count)
	}
	if r.Per < shortestPer || r.Per > longestPer || r.Per%time.Microsecond != 0 {
		return fmt.Errorf("%w; the time must be %s to %s in whole microseconds, not %s",
			ErrRate, shortestPer, longestPer, r.Per)
	}
	return nil
}

// Unlimited tells whether the rate is no limit.
func (r Rate) Unlimited() bool { return r.Count == 0 }

// Cost is the time that n take at this rate; 0 without a limit.
func (r Rate) Cost(n int64) time.Duration {
	if r.Unlimited() {
		return 0
	}
	return time.Duration(float64(n) / float64(r.Count) * float64(r.Per))
}

// String is a form that [ParseRate] reads back.
func (r Rate) String() string {
	if r.Unlimited() {
		return noRate
	}
	per := r.Per.String()
	switch r.Per {
	case time.Second:
		per = "s"
	case time.Minute:
		per = "min"
	case time.Hour:
		per = "h"
	case 24 * time.Hour:
		per = "d"
	}
	return strconv.FormatInt(r.Count, 10) + "/" + per
}

// MarshalText writes the form of [Rate.String].
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what [ParseRate] reads.
func (r *Rate) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRate(string(text))
	return err
}
