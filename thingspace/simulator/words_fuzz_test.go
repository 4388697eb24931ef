package simulator

import (
	"testing"
	"time"
)

// FuzzParseAct holds that every act that can be written can be played.
func FuzzParseAct(f *testing.F) {
	for _, seed := range []string{
		"4=drop", "1=reset", "2=expire", "3=expire-token", "5=early", "6=slow:2s", "7=429:3", "8=503", "9=502:executed", "10=429:date:3",
		"0=drop", "-1=drop", "x=drop", "4", "4=", "4=drop:x", "4=slow", "4=slow:-1s", "4=399", "4=600", "=drop", "+4=drop", "4=+429",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, act, err := ParseAct(text)
		if err != nil {
			if act != (Act{}) {
				t.Errorf("%q: %+v, %v", text, act, err)
			}
			return
		}
		if err := (Moods{At: map[int]Act{n: act}}).Validate(); err != nil {
			t.Errorf("%q can not be played: %v", text, err)
		}
		_ = retryAfter(act.RetryAfter, time.Unix(0, 0))
	})
}

// FuzzParseSpan holds that a range that can be written is one that the moods take, and reads the same from its own form.
func FuzzParseSpan(f *testing.F) {
	for _, seed := range []string{"250ms", "1s-5s", "5s-1s", "0", "-1s", "1s--5s", "", "-", "1s-", "1h0m0.5s-2h", "1s-5s-9s", "9e9h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		span, err := ParseSpan(text)
		if err != nil {
			return
		}
		if err := (Moods{Latency: span}).Validate(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if again, err := ParseSpan(span.Min.String() + "-" + span.Max.String()); err != nil || again != span {
			t.Errorf("%q is %v, whose own form reads as %v (%v)", text, span, again, err)
		}
	})
}
