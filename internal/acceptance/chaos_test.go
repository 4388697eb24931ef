package acceptance_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/checker"
)

// The whole deployment under every harm there is, in an order that the seed decides, held against the carrier's book.
// It runs alone: what it measures must not depend on what other tests do. Its deadlines, cut short for a night of a minute,
// do not bear a busy machine either.
//
//nolint:paralleltest // see above
func TestChaos(t *testing.T) {
	seed := *stormSeed
	if seed == 0 {
		seed = rand.Uint64N(1_000_000)
	}
	length := time.Duration(*stormSeconds) * time.Second
	devices := *stormDevices
	if devices == 0 {
		devices = 200 * *stormSeconds
	}
	t.Logf("seed %d: repeat it with -seed %[1]d -seconds %d -devices %d", seed, *stormSeconds, devices)

	s := newStorm(t, seed, stormMoods...)
	s.staff("3/s")
	// Batches so large that the job lasts about as long as the harm.
	batch := max(10, devices*5/(*stormSeconds*4))
	s.job = s.imported(s.fleet(devices), append(policy(), "--batch-size", fmt.Sprint(min(batch, 10_000)))...)
	s.judge = checker.New(s.eids)
	s.rage(length)
	s.calm(max(3*time.Minute, length/2))

	findings := s.verdict(s.job, s.judge)
	if err := findings.Wrong(); err != nil {
		t.Error(err)
	}
	t.Log(s.report(findings))
}

// report prints what was done and what came of it.
func (s *storm) report(f checker.Findings) string {
	var b strings.Builder
	kills, words := s.killed()
	sum := s.summary()
	lengths, worst := s.watch.result()
	fmt.Fprintf(&b, "\n%d devices, %v of harm, %d kills (%s), %d samples\n", f.Devices, s.raged, kills, words, s.samples)
	fmt.Fprintf(&b, "lost %d  double_in_flight %d  double_settled %d  stuck %d  unexplained %d  repeats %d\n",
		f.Lost, f.DoubleInFlight, f.DoubleSettled, f.Stuck, f.Unexplained, f.Repeats)
	fmt.Fprintf(&b, "recovery of %d things broken off: p50 %v  p99 %v  max %v (%s)\n", len(lengths),
		quantile(lengths, 0.5), quantile(lengths, 0.99), quantile(lengths, 1), worst)
	fmt.Fprintf(&b, "carrier: %d requests, %d accepted, %d refused, %d cut; devices %v; logins %d, refused %d; tokens %d\n",
		sum.Requests, sum.Accepted, sum.Refused, sum.Cut, sum.Devices, sum.LoginsOK, sum.LoginsFailed, sum.TokensIssued)
	fmt.Fprintf(&b, "callbacks: %+v\n", sum.Callbacks)
	fmt.Fprintf(&b, "job: %s", s.ask("jobs", "show", s.job))
	for _, m := range mischiefs {
		fmt.Fprintf(&b, "  fault %2d  %3d times  %s\n", m.fault, s.deeds[m.name], m.name)
	}
	return b.String()
}

func quantile(lengths []time.Duration, share float64) time.Duration {
	if len(lengths) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(lengths))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))].Round(time.Millisecond)
}
