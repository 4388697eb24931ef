package thingspace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What may be on record before no process tries any more. The carrier locks its record at the fifth failed login in a row,
// and no order of events, kills included, gets there:
//
//	failed in a row, as the carrier counts <= attempts on record <= mostOpen = 4
//
// The first holds, because an attempt goes on record before it is sent, is judged at most once, and leaves the record in two
// ways only: it certainly was not judged, or a login succeeded, and the carrier counts from nothing. That success takes
// off attempts of other processes too. They began under an earlier lock: beginning needs the lock and prolongs it, and
// the lock outlives the time that an attempt has for sending (renewWithin < lockLife). So what was taken off had its
// verdict before the login that succeeded was sent, and adds nothing to the carrier's count after it.
//
// The second holds, because nobody begins with mostOpen on record, and whoever has begun counts once more, itself
// included, before it sends: of two that begin at the same time both may be stopped, but never both go on.
//
// A process that lost its lock unawares can not begin. One that has begun, and is frozen for longer than the lock lives,
// finds its time over when it wakes, and sends nothing. Should its login slip out all the same, what came of it goes on
// record again.
const (
	mostRefused = 2 // it is no accident then: the password is wrong
	mostOpen    = 4 // refused, or of unknown outcome: under way, answer lost, its process killed
)

// count is what is on record of the attempts since the last success.
type count struct{ refused, unknown int }

func countOf(made []attempt) (c count) {
	for _, a := range made {
		if a.Refused {
			c.refused++
		} else {
			c.unknown++
		}
	}
	return c
}

// spent tells whether nobody may try any more; own are the caller's attempts among the counted.
func (c count) spent(own int) bool {
	return c.refused >= mostRefused || c.refused+c.unknown-own >= mostOpen
}

// LoginHold is why no process logs in, or asks for a bearer, any more.
type LoginHold struct {
	Of      string    `json:"of"`      // "login" (user and password) or "token" (key and secret)
	Refused int       `json:"refused"` // how many attempts since the last success were refused
	Unknown int       `json:"unknown"` // of how many nobody knows what became: answer lost, process killed, or under way
	Who     string    `json:"who"`     // the process that made the last of them
	At      time.Time `json:"at"`      // when, by its clock
	Status  int       `json:"status"`  // the HTTP status it got; 0: no answer, or none was recorded
	Code    string    `json:"code"`    // the carrier's code, if any
	Note    string    `json:"note"`    // the carrier's words, or ours
	Advice  string    `json:"advice"`  // the danger, and what to do
}

const (
	loginAdvice = "five failed logins in a row lock the carrier's contact record until Verizon support unlocks it; " +
		"log in at the carrier's portal by hand, correct SIMSHIFT_THINGSPACE_USERNAME and _PASSWORD if need be, " +
		"then clear the hold (simshift doctor --clear-login-hold)"
	tokenAdvice = "correct SIMSHIFT_THINGSPACE_KEY and _SECRET, " + // words
		"then clear the hold (simshift doctor --clear-login-hold)"
)

func (h *LoginHold) String() string {
	words := []string{fmt.Sprintf("no %s in %d attempts, %d refused and %d of unknown outcome, the last by %s at %s",
		h.Of, h.Refused+h.Unknown, h.Refused, h.Unknown, h.Who, h.At.Format(time.RFC3339))}
	if h.Status != 0 {
		words = append(words, fmt.Sprintf("status %d", h.Status))
	}
	for _, part := range []string{h.Code, h.Note} {
		if part != "" {
			words = append(words, part)
		}
	}
	return strings.Join(words, ", ") + "; " + h.Advice
}

// LoginHold is the hold in force, or nil. While an attempt is under way it may show early.
func (c *Client) LoginHold(ctx context.Context) (*LoginHold, error) {
	for _, s := range []*shared{c.session, c.bearer} {
		made, err := s.slot.attempts(ctx)
		if err != nil {
			return nil, err
		}
		if countOf(made).spent(0) {
			return s.hold(made), nil
		}
	}
	return nil, nil //nolint:nilnil // no hold is no error
}

// ClearLoginHold lets processes log in again. It is for a person to call, who knows that the credentials are right: the
// carrier goes on counting where it was.
func (c *Client) ClearLoginHold(ctx context.Context) error {
	return errors.Join(c.session.slot.clear(ctx), c.bearer.slot.clear(ctx))
}

// hold tells of the attempts, of which there is at least one.
func (s *shared) hold(made []attempt) *LoginHold {
	last, sum, advice := made[len(made)-1], countOf(made), tokenAdvice
	if s == s.client.session {
		advice = loginAdvice
	}
	return &LoginHold{
		Of: s.source.kind, Refused: sum.refused, Unknown: sum.unknown, Who: last.Who, At: last.At,
		Status: last.Status, Code: last.Code, Note: last.Note, Advice: advice,
	}
}

// held is the error of whoever meets the hold.
func (s *shared) held(made []attempt) error {
	return fmt.Errorf("%w: %v", ErrLoginHeld, s.hold(made))
}
