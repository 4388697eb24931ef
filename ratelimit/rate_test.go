package ratelimit

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadsRatesAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{
		"2/s": {2, time.Second}, "60000/min": {60000, time.Minute}, "100/h": {100, time.Hour}, "5/10s": {5, 10 * time.Second},
		" 7 / Minute ": {7, time.Minute}, "1/1m30s": {1, 90 * time.Second}, "9/d": {9, 24 * time.Hour},
		"": {}, "0": {}, "none": {},
	} {
		got, err := ParseRate(text)
		if err != nil || got != want {
			t.Errorf("ParseRate(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestRefusesRatesThatMeanNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2", "s", "/s", "2/", "-1/s", "0/s", "1.5/s", "2/fortnight", "2/0s", "2/-1s", "2/1us", "2/1000h", "2/s/s",
		"99999999999999999999/s", "1000000001/s", "1/1.0000001s",
	} {
		if got, err := ParseRate(text); !errors.Is(err, ErrRate) {
			t.Errorf("ParseRate(%q) = %v, %v; want ErrRate", text, got, err)
		}
	}
}

func TestRateCostsItsShareOfTheTime(t *testing.T) {
	t.Parallel()
	if got := (Rate{60_000, time.Minute}).Cost(10_000); got != 10*time.Second {
		t.Errorf("10,000 at 60000/min cost %s", got)
	}
	if got := (Rate{}).Cost(10_000); got != 0 {
		t.Errorf("without a limit they cost %s", got)
	}
}

func TestLimitsSurviveJSON(t *testing.T) {
	t.Parallel()
	want := Limits{Requests: Rate{2, time.Second}, MaxInFlight: 30_000}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"requests":"2/s","devices":"none","max_in_flight":30000}`, string(text)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	var got Limits
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("read back %v, %v; want %v", got, err, want)
	}
}

func FuzzParseRate(f *testing.F) {
	for _, text := range []string{"2/s", "60000/min", "100/h", "5/10s", "none", "", "1/1h0m0.001s", "x/y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRate(text)
		if err != nil {
			return
		}
		if again, err := ParseRate(r.String()); err != nil || again != r {
			t.Errorf("ParseRate(%q) = %v, whose own form %q reads as %v, %v", text, r, r.String(), again, err)
		}
	})
}
