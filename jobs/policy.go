package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Policy is how a job is carried out.
type Policy struct {
	Attempts     int           `json:"attempts"`      // most attempts a device, 1 to 100
	AnswerWithin time.Duration `json:"answer_within"` // how long a callback may take before the device is unanswered
	Backoff      time.Duration `json:"backoff"`       // delay before the second attempt; doubles with each further one
	BackoffMax   time.Duration `json:"backoff_max"`   // the longest such delay
	DoubtGrace   time.Duration `json:"doubt_grace"`   // how long a request of unknown outcome counts as in flight
	BatchSize    int           `json:"batch_size"`    // most devices in one request, 1 to MaxChunk

	Schedule   Schedule `json:"schedule,omitzero"`      // when it may send
	PerWindow  int64    `json:"per_window,omitempty"`   // most devices sent in one window; 0: no bound
	Waves      []Wave   `json:"waves,omitempty"`        // sizes of the parts that go one after the other
	Gate       Share    `json:"gate,omitempty"`         // least part of a wave that must have succeeded before the next
	GateByHand bool     `json:"gate_by_hand,omitempty"` // a person opens each wave
	Brake      Brake    `json:"brake,omitzero"`

	RevertPlan string `json:"revert_plan,omitempty"` // the service plan for the way back, where a revert names none
}

// DefaultPolicy suits a fleet overnight: a device that is off gets some five chances over a day.
func DefaultPolicy() Policy {
	return Policy{
		Attempts:     5,
		AnswerWithin: 6 * time.Hour,
		Backoff:      15 * time.Minute,
		BackoffMax:   12 * time.Hour,
		DoubtGrace:   10 * time.Minute,
		BatchSize:    MaxChunk,
		Gate:         0.95,
		Brake:        Brake{Last: 1000, Least: 100},
	}
}

// Validate tells what is wrong with the policy, naming the setting and its range.
func (p Policy) Validate() error {
	switch {
	case p.Attempts < 1 || p.Attempts > 100:
		return fmt.Errorf("attempts must be 1 to 100, not %d", p.Attempts)
	case p.BatchSize < 1 || p.BatchSize > MaxChunk:
		return fmt.Errorf("batch-size must be 1 to %d (the carrier's limit), not %d", MaxChunk, p.BatchSize)
	case p.AnswerWithin < time.Second || p.AnswerWithin > 30*24*time.Hour:
		return fmt.Errorf("answer-within must be 1s to 720h, not %v", p.AnswerWithin)
	case p.Backoff < time.Second:
		return fmt.Errorf("backoff must be at least 1s, not %v", p.Backoff)
	case p.BackoffMax < p.Backoff:
		return fmt.Errorf("backoff-max (%v) must not be shorter than backoff (%v)", p.BackoffMax, p.Backoff)
	case p.DoubtGrace < time.Second || p.DoubtGrace > 24*time.Hour:
		return fmt.Errorf("doubt-grace must be 1s to 24h, not %v", p.DoubtGrace)
	case p.PerWindow < 0 || p.PerWindow > 0 && !p.Schedule.closes():
		return fmt.Errorf("per-window (%d) bounds what a window sends: give windows that leave a time between them", p.PerWindow)
	case p.Gate < 0 || p.Gate > 1 || len(p.Waves) > 100:
		return fmt.Errorf("gate must be 0%% to 100%%, not %v, and waves at most 100, not %d", p.Gate, len(p.Waves))
	}
	return errors.Join(p.Schedule.Validate(), p.Brake.validate(), p.CheckRevertPlan())
}

// RequestSize is the most devices of one request: no larger than what a window may send, or it would never go.
func (p Policy) RequestSize() int64 {
	if p.PerWindow > 0 {
		return min(int64(p.BatchSize), p.PerWindow)
	}
	return int64(p.BatchSize)
}

// maxPlan is the most characters of a service plan.
const maxPlan = 100

// CheckRevertPlan tells whether the plan of the way back can be the name of one. None is no error.
func (p Policy) CheckRevertPlan() error {
	plan := p.RevertPlan
	if utf8.RuneCountInString(plan) > maxPlan || !utf8.ValidString(plan) || strings.ContainsFunc(plan, unicode.IsControl) {
		return fmt.Errorf("revert-plan must be at most %d characters, without control characters, not %.40q", maxPlan, plan)
	}
	return nil
}

// jitter is the share of a delay that chance decides, so that a fleet refused together does not come back together.
const jitter = 0.2

// RetryAt is when a device that failed its attempt-th try (from 1) at now is due again. chance is in [0, 1).
//
// The time is rounded up to a bucket, a tenth of the delay wide: devices that fail within the same stretch share a
// retry wave, and so a request, instead of trickling back one by one.
func (p Policy) RetryAt(now time.Time, attempt int, chance float64) time.Time {
	delay := p.delay(attempt)
	delay += time.Duration(float64(delay) * jitter * (chance - 0.5))
	bucket := max(time.Second, (p.delay(attempt) / 10).Truncate(time.Second))
	due := now.Add(delay).Truncate(bucket)
	if due.Before(now.Add(delay)) {
		due = due.Add(bucket)
	}
	return due
}

// delay doubles the first delay with each attempt, up to the longest.
func (p Policy) delay(attempt int) time.Duration {
	delay := p.Backoff
	for range attempt - 1 {
		if delay >= p.BackoffMax/2 {
			return p.BackoffMax
		}
		delay *= 2
	}
	return min(delay, p.BackoffMax)
}
