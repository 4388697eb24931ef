package acceptance_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/thingspace/simulator"
)

func TestFault07ARequestOfUnknownOutcomeIsNotSentAgainBlindly(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "3s-4s", "--at", "1=drop", "--at", "2=502:executed", "--at", "3=504:executed",
		"--at", "4=slow:10s", "--at", "5=reset")
	n.serve()
	n.start("work")
	ended := n.ends(n.imported(n.fleet(100), append(brief, "--batch-size", "20", "--doubt-grace", "12s")...), time.Minute)
	// Only the fifth was not carried out, and only that one may be sent again.
	if sum := n.summary(); sum.Requests != 6 || sum.Accepts != 100 || ended.Repeats != 20 {
		t.Errorf("%d requests, %d accepts, %d repeats", sum.Requests, sum.Accepts, ended.Repeats)
	}
}

func TestFault08CallbacksComeBeforeTheirRequestsAnswer(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--early", "1", "--offline", "0.2", "--at", "3=drop", "--at", "5=drop")
	n.serve()
	n.start("work")
	n.start("work")
	n.ends(n.imported(n.fleet(1000), append(brief, "--batch-size", "50")...), time.Minute)
	if parked := string(n.run(0, "callbacks", "parked", "-o", "json")); strings.TrimSpace(parked) != "[]" {
		t.Errorf("callbacks are left parked: %s", parked)
	}
}

func TestFault09CallbacksComeAgainAndLate(t *testing.T) {
	t.Parallel()
	// So slow that word of the first attempt comes again while the second is under way, and a third would meet it.
	n := newBriefNight(t, "--latency", "3s-4s", "--offline", "0.5", "--offline-attempts", "2", "--duplicates", "1",
		"--duplicate-delay", "0s-8s", "--stray", "0.02", "--lost", "0.1", "--other-profile", "0.2", "--warning", "0.1")
	n.serve()
	n.start("work")
	ended := n.ends(n.imported(n.fleet(500), append(brief, "--batch-size", "100", "--answer-within", "6s")...), 2*time.Minute)
	if ended.Counts["succeeded"] != 500 {
		t.Errorf("the job ended as %+v", ended)
	}
}

func TestFault13RetryAfterIsObeyedByEveryWorker(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "100ms-500ms", "--limit-requests", "6", "--at", "2=429:3", "--at", "6=503:date:3", "--at", "9=503:soon")
	n.set("RATE_REQUESTS", "5/s")
	n.serve()
	n.start("work")
	n.start("work")
	n.ends(n.imported(n.fleet(600), append(brief, "--batch-size", "50")...), 2*time.Minute)

	var until time.Time
	for line := range bytes.Lines(n.page("/_simulator/requests")) {
		var r simulator.RequestEntry
		n.decode(line, &r)
		if r.ReceivedAt.Before(until) {
			t.Errorf("request %d came %v too early", r.Seq, until.Sub(r.ReceivedAt))
		}
		if wait := waitOf(r); wait > 0 {
			until = r.ReceivedAt.Add(wait)
		}
	}
	if until.IsZero() {
		t.Error("the carrier asked for no wait")
	}
	if sum := n.summary(); sum.RateViolations != 0 {
		t.Errorf("%d requests a second at most, with a limit of 5, and one for the jitter of a busy machine", sum.MaxRequestsInSecond)
	}
}

// waitOf is how long the carrier asked to wait in answer to a request. A date has whole seconds, so it may mean one less;
// what is no time at all is worth the pause that the program makes of its own accord.
func waitOf(r simulator.RequestEntry) time.Duration {
	if r.RetryAfter == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(r.RetryAfter); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := time.Parse(time.RFC1123, r.RetryAfter); err == nil {
		return date.Sub(r.ReceivedAt)
	}
	return 10 * time.Second
}

func TestFault13AnAbsurdRetryAfterHoldsForAnHourAndSaysSo(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--at", "1=429:99999999999")
	n.serve()
	n.start("work")
	id := n.imported(n.fleet(10), brief...)
	n.until(func() bool {
		return strings.Contains(string(n.ask("jobs", "show", id)), "the carrier asked to slow down")
	})
	shown := string(n.ask("jobs", "show", id))
	_, words, _ := strings.Cut(shown, "until ")
	at, err := time.ParseInLocation(time.DateTime, words[:len(time.DateTime)], time.Local)
	if err != nil || time.Until(at) > time.Hour || time.Until(at) < 50*time.Minute {
		t.Errorf("held until %v (%v): %s", at, err, shown)
	}
	n.run(0, "jobs", "cancel", id)
	if ended := n.ends(id, time.Minute); ended.Counts["cancelled"] != 10 {
		t.Errorf("the job ended as %+v", ended)
	}
}

func TestFault12TokensAndSessionsExpireUnder50Workers(t *testing.T) {
	t.Parallel()
	moods := []string{"--latency", "10ms-100ms"}
	for n := 20; n <= 100; n += 20 {
		moods = append(moods, "--at", strconv.Itoa(n)+"=expire", "--at", strconv.Itoa(n+10)+"=expire-token")
	}
	n := newBriefNight(t, moods...)
	n.set("RATE_REQUESTS", "0")
	n.set("CONCURRENCY", "25")
	n.set("THINGSPACE_TIMEOUT", "10s") // fifty at once on a small machine
	n.serve()
	n.start("work").says(works)
	n.start("work").says(works)
	n.ends(n.imported(n.fleet(300), append(brief, "--batch-size", "2")...), time.Minute)
	// Two expiries may fall into one renewal; none may cost two.
	if sum := n.summary(); sum.LoginsOK < 2 || sum.LoginsOK > 1+5 || sum.TokensIssued < 2 || sum.TokensIssued > 1+5 || sum.LoginsFailed != 0 {
		t.Errorf("%d logins and %d tokens for five expiries of each, %d logins refused", sum.LoginsOK, sum.TokensIssued, sum.LoginsFailed)
	}
}

func TestFault12EveryLoginIsRefused(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--refuse-logins")
	n.set("CONCURRENCY", "25")
	n.serve()
	n.start("work")
	n.start("work")
	id := n.imported(n.fleet(100), append(brief, "--batch-size", "2")...)
	n.until(func() bool {
		return strings.Contains(string(n.ask("jobs", "show", id)), "lock the carrier's contact record")
	})
	<-time.After(5 * time.Second) // for whoever would try a third time
	sum := n.summary()
	if sum.LoginsFailed != 2 || sum.Locked {
		t.Errorf("%d logins were refused, locked %v", sum.LoginsFailed, sum.Locked)
	}
	if said := string(n.run(1, "doctor")); !strings.Contains(said, "--clear-login-hold") {
		t.Errorf("doctor does not say what to do: %s", said)
	}
}
