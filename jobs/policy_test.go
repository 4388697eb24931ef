package jobs_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/simshift/simshift/jobs"
)

func TestRetriesBackOffWithinTheirBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := jobs.DefaultPolicy()
		p.Backoff = time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "backoff"))
		p.BackoffMax = p.Backoff * time.Duration(rapid.IntRange(1, 40).Draw(t, "times"))
		attempt := rapid.IntRange(1, 100).Draw(t, "attempt")
		now := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "now"), 0)
		due := p.RetryAt(now, attempt, rapid.Float64Range(0, 0.999).Draw(t, "chance"))

		nominal := p.BackoffMax
		if attempt < 12 {
			nominal = min(p.Backoff<<(attempt-1), p.BackoffMax)
		}
		least, most := nominal*9/10, nominal*11/10+max(time.Second, nominal/10)
		if delay := due.Sub(now); delay < least || delay > most {
			t.Fatalf("attempt %d waits %v, outside %v to %v", attempt, delay, least, most)
		}
	})
}

func TestDevicesThatFailTogetherShareAFewWaves(t *testing.T) {
	t.Parallel()
	p, now, waves := jobs.DefaultPolicy(), time.Unix(1_800_000_000, 0), make(map[time.Time]bool)
	for i := range 10_000 {
		waves[p.RetryAt(now.Add(time.Duration(i)*time.Millisecond), 1, float64(i)/10_000)] = true
	}
	if len(waves) > 5 {
		t.Errorf("10,000 devices that failed within 10 s wait in %d waves", len(waves))
	}
}

func TestPoliciesOutOfRangeNameTheSetting(t *testing.T) {
	t.Parallel()
	if err := jobs.DefaultPolicy().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*jobs.Policy){
		"attempts":    func(p *jobs.Policy) { p.Attempts = 0 },
		"batch-size":  func(p *jobs.Policy) { p.BatchSize = jobs.MaxChunk + 1 },
		"backoff-max": func(p *jobs.Policy) { p.BackoffMax = p.Backoff - 1 },
		"doubt-grace": func(p *jobs.Policy) { p.DoubtGrace = 0 },
	} {
		p := jobs.DefaultPolicy()
		change(&p)
		if err := p.Validate(); err == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
}

func TestAPlanForTheWayBackIsAName(t *testing.T) {
	t.Parallel()
	for plan, fits := range map[string]bool{
		"": true, "US 5MB": true, strings.Repeat("ü", 100): true, strings.Repeat("p", 101): false, "a\tb": false, "a\xff": false,
	} {
		p := jobs.DefaultPolicy()
		p.RevertPlan = plan
		if err := p.Validate(); (err == nil) != fits {
			t.Errorf("%q: %v", plan, err)
		}
	}
	if jobs.US.Opposite() != jobs.Global || jobs.Global.Opposite() != jobs.US {
		t.Error("the way back does not lead back")
	}
}

func TestAPolicyIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := jobs.DefaultPolicy()
		for _, d := range []*time.Duration{&p.AnswerWithin, &p.Backoff, &p.BackoffMax, &p.DoubtGrace} {
			*d = time.Duration(rapid.Int64Range(0, int64(30*24*time.Hour)).Draw(t, "length"))
			*d = d.Truncate(rapid.SampledFrom([]time.Duration{1, time.Second, time.Minute, time.Hour}).Draw(t, "to"))
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var again jobs.Policy
		if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(p, again) {
			t.Errorf("%s was read as %+v, %v; it was %+v", text, again, err, p)
		}
	})
}

func TestAPolicyTellsTimesInWords(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(struct{ Policy jobs.Policy }{jobs.DefaultPolicy()})
	const want = `"answer_within":"6h","backoff":"15m","backoff_max":"12h","doubt_grace":"10m"`
	if err != nil || !strings.Contains(string(text), want) {
		t.Errorf("got %s, %v; want in it %s", text, err, want)
	}
	p := jobs.DefaultPolicy()
	err = json.Unmarshal([]byte(`{"attempts":3,"answer_within":5000000000,"backoff":"1m30s"}`), &p)
	if err != nil || p.Attempts != 3 || p.AnswerWithin != 5*time.Second || p.Backoff != 90*time.Second || p.BackoffMax != 12*time.Hour {
		t.Errorf("read %+v, %v", p, err)
	}
	for _, wrong := range []string{`{"backoff":"soon"}`, `{"backoff":1.5}`, `{"backoff":true}`, `{"backoff":[]}`} {
		if err := json.Unmarshal([]byte(wrong), &p); err == nil {
			t.Errorf("%s was taken for a policy", wrong)
		}
	}
}
