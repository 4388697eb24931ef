package jobs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MarshalJSON writes lengths of time as people do: "6h", "1h30m".
func (p Policy) MarshalJSON() ([]byte, error) { return json.Marshal(p.worded()) }

// UnmarshalJSON reads what MarshalJSON wrote, or [time.ParseDuration] reads. What is not there is left as it is.
func (p *Policy) UnmarshalJSON(text []byte) error {
	w := p.worded()
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*p = Policy(w.plainPolicy)
	p.AnswerWithin, p.Backoff = time.Duration(w.AnswerWithin), time.Duration(w.Backoff)
	p.BackoffMax, p.DoubtGrace = time.Duration(w.BackoffMax), time.Duration(w.DoubtGrace)
	return nil
}

// wordedPolicy is a policy whose lengths of time are in words: its own fields take the place of those that it embeds.
type wordedPolicy struct {
	plainPolicy

	AnswerWithin words `json:"answer_within"`
	Backoff      words `json:"backoff"`
	BackoffMax   words `json:"backoff_max"`
	DoubtGrace   words `json:"doubt_grace"`
}

type plainPolicy Policy

func (p Policy) worded() wordedPolicy {
	return wordedPolicy{
		plainPolicy: plainPolicy(p), AnswerWithin: words(p.AnswerWithin), Backoff: words(p.Backoff), BackoffMax: words(p.BackoffMax),
		DoubtGrace: words(p.DoubtGrace),
	}
}

// words is a length of time as a text.
type words time.Duration

func (w words) MarshalText() ([]byte, error) {
	text := time.Duration(w).String()
	for _, nothing := range []string{"m0s", "h0m"} { // 6h0m0s is 6h
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-2]
		}
	}
	return []byte(text), nil
}

func (w *words) UnmarshalJSON(text []byte) error {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil { // nanoseconds, as jobs from before this was in words have them
		*w = words(n)
		return nil
	}
	var in string
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	d, err := time.ParseDuration(in)
	if err != nil {
		return fmt.Errorf("%q is no length of time: write it as 90s, 15m or 6h: %w", in, err)
	}
	*w = words(d)
	return nil
}
