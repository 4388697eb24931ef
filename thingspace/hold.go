package thingspace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// mostFailures is how many attempts in a row may count as failed before no process tries any more. The carrier locks the
// record at five; the rest is left to people, and to other programs that use the same record.
const mostFailures = 2

// LoginHold is why no process logs in, or asks for a bearer, any more.
type LoginHold struct {
	Of       string    `json:"of"`       // "login" (user and password) or "token" (key and secret)
	Attempts int       `json:"attempts"` // how many count as failed
	Who      string    `json:"who"`      // the process that made the last of them
	At       time.Time `json:"at"`       // when, by its clock
	Status   int       `json:"status"`   // the HTTP status it got; 0: no answer, or none was recorded
	Code     string    `json:"code"`     // the carrier's code, if any
	Note     string    `json:"note"`     // the carrier's words, or ours
	Advice   string    `json:"advice"`   // the danger, and what to do
}

const (
	loginAdvice = "five failed logins in a row lock the carrier's contact record until Verizon support unlocks it; " +
		"log in at the carrier's portal by hand, correct SIMSHIFT_THINGSPACE_USERNAME and _PASSWORD if need be, " +
		"then clear the hold (simshift doctor)"
	tokenAdvice = "correct SIMSHIFT_THINGSPACE_KEY and _SECRET, then clear the hold (simshift doctor)" // words
)

func (h *LoginHold) String() string {
	words := []string{fmt.Sprintf("%d attempts to get a %s failed, the last by %s at %s",
		h.Attempts, h.Of, h.Who, h.At.Format(time.RFC3339))}
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
		failed, err := s.slot.attempts(ctx)
		if err != nil {
			return nil, err
		}
		if len(failed) >= mostFailures {
			return s.hold(failed), nil
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
func (s *shared) hold(failed []attempt) *LoginHold {
	last := failed[len(failed)-1]
	advice := tokenAdvice
	if s == s.client.session {
		advice = loginAdvice
	}
	return &LoginHold{
		Of: s.source.kind, Attempts: len(failed), Who: last.Who, At: last.At,
		Status: last.Status, Code: last.Code, Note: last.Note, Advice: advice,
	}
}

// held is the error of whoever meets the hold.
func (s *shared) held(failed []attempt) error {
	return fmt.Errorf("%w: %v", ErrLoginHeld, s.hold(failed))
}
