package jobs_test

import (
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
