package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Deed is what the carrier does to one enable request.
type Deed uint8

const (
	// Serve is to carry the request out and to answer it.
	Serve Deed = iota
	// Drop is to carry it out and to close the connection without an answer.
	Drop
	// Reset is to reset the connection, with nothing carried out, when the whole body has come.
	Reset
	// Reply is to answer with Act.Status, with nothing carried out unless Act.Executed.
	Reply
	// ExpireSession is to end all sessions first, so that the request is refused.
	ExpireSession
	// ExpireToken is to end the bearer first, so that the request is refused.
	ExpireToken
	// SendEarly is to deliver the callbacks first and to answer after them.
	SendEarly
)

// Act is a Deed with its details.
type Act struct {
	Deed       Deed
	Status     int           // of Reply: 400 to 599
	Executed   bool          // of Reply: carry the request out all the same
	RetryAfter string        // of Reply: the header as it is sent; "date:3" becomes the HTTP date 3 seconds ahead
	Delay      time.Duration // before the answer, on top of Moods.Answer
}

// ParseAct reads "N=ACT", the act for the n-th enable request. ACT is one of drop, reset, expire, expire-token, early,
// slow:2s, or a status: 429:3 (with a Retry-After), 503, 502, 502:executed (carried out all the same).
func ParseAct(s string) (n int, act Act, err error) {
	number, name, found := strings.Cut(s, "=")
	n, err = strconv.Atoi(number)
	if !found || err != nil || n < 1 {
		return 0, Act{}, fmt.Errorf("%q is no act: write it like 4=drop, with the number of the request from 1", s)
	}
	act, err = parseDeed(name)
	if err != nil {
		return 0, Act{}, err
	}
	return n, act, nil
}

func parseDeed(name string) (Act, error) {
	word, detail, detailed := strings.Cut(name, ":")
	deeds := map[string]Deed{
		"drop": Drop, "reset": Reset, "expire": ExpireSession, "expire-token": ExpireToken, "early": SendEarly,
	}
	if deed, known := deeds[word]; known && !detailed {
		return Act{Deed: deed}, nil
	}
	if word == "slow" {
		delay, err := time.ParseDuration(detail)
		if err != nil || delay < 0 {
			return Act{}, fmt.Errorf("%q needs a duration, like slow:2s", name)
		}
		return Act{Delay: delay}, nil
	}
	status, err := strconv.Atoi(word)
	if err != nil || status < 400 || status > 599 {
		return Act{}, fmt.Errorf("%q is no act: there are drop, reset, expire, expire-token, early, slow:2s, "+
			"and a status like 429:3, 503 or 502:executed", name)
	}
	if detail == "executed" {
		return Act{Deed: Reply, Status: status, Executed: true}, nil
	}
	return Act{Deed: Reply, Status: status, RetryAfter: detail}, nil
}

// retryAfter is the value of the header that wish asks for at now.
func retryAfter(wish string, now time.Time) string {
	if text, dated := strings.CutPrefix(wish, "date:"); dated {
		if seconds, err := strconv.Atoi(text); err == nil {
			return now.Add(time.Duration(seconds) * time.Second).UTC().Format(http.TimeFormat)
		}
	}
	return wish
}
