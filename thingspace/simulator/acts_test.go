package simulator_test

import (
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/thingspace/simulator"
)

// acting opens a carrier that does something to its n-th requests, as a command line would word it.
func acting(t *testing.T, acts ...string) (*carrier, *inbox) {
	t.Helper()
	m := simulator.Moods{At: map[int]simulator.Act{}}
	for _, text := range acts {
		n, act, err := simulator.ParseAct(text)
		if err != nil {
			t.Fatal(err)
		}
		m.At[n] = act
	}
	return moody(t, m)
}

func (c *carrier) tryEnable(n int) (reply, error) {
	c.t.Helper()
	return c.send(http.MethodPost, enablePath, enableBody(account, plan, device(n)))
}

func TestReadsActs(t *testing.T) {
	for text, want := range map[string]simulator.Act{
		"4=drop":         {Deed: simulator.Drop},
		"4=reset":        {Deed: simulator.Reset},
		"4=early":        {Deed: simulator.SendEarly},
		"4=expire":       {Deed: simulator.ExpireSession},
		"4=expire-token": {Deed: simulator.ExpireToken},
		"4=slow:1.5s":    {Delay: 1500 * time.Millisecond},
		"4=429:3":        {Deed: simulator.Reply, Status: 429, RetryAfter: "3"},
		"4=503":          {Deed: simulator.Reply, Status: 503},
		"4=503:date:3":   {Deed: simulator.Reply, Status: 503, RetryAfter: "date:3"},
		"4=502:executed": {Deed: simulator.Reply, Status: 502, Executed: true},
	} {
		n, got, err := simulator.ParseAct(text)
		if n != 4 || err != nil {
			t.Errorf("%s: %d, %v", text, n, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{"", "drop", "0=drop", "-1=drop", "x=drop", "1=", "1=dance", "1=drop:3", "1=slow",
		"1=slow:x", "1=slow:-1s", "1=200", "1=600"} {
		if _, _, err := simulator.ParseAct(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestReadsSpans(t *testing.T) {
	for text, want := range map[string]simulator.Span{
		"250ms": {Min: 250 * time.Millisecond, Max: 250 * time.Millisecond},
		"1s-5m": {Min: time.Second, Max: 5 * time.Minute},
	} {
		if got, err := simulator.ParseSpan(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "5s-1s", "1s-", "-1s", "x"} {
		if _, err := simulator.ParseSpan(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestADroppedAnswerWasCarriedOut(t *testing.T) {
	c, in := acting(t, "1=drop")
	if got, err := c.tryEnable(1); err == nil {
		t.Fatalf("answered %+v", got)
	}
	c.settle()
	entries := c.sim.Book().Requests()
	if len(entries) != 1 || entries[0].Outcome != simulator.Accepted || entries[0].Answered ||
		entries[0].RequestID != in.all(t)[0].RequestID {
		t.Errorf("book: %+v", entries)
	}
}

func TestAResetWasNotCarriedOut(t *testing.T) {
	c, in := acting(t, "1=reset")
	_, err := c.tryEnable(1)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
	c.settle()
	if got := c.sim.Book().Requests(); len(in.raw()) != 0 || got[0].Outcome != simulator.WasReset || got[0].Answered {
		t.Errorf("book: %+v", got)
	}
}

func TestThrottlesWithRetryAfterAsSecondsDateOrNonsense(t *testing.T) {
	c, _ := acting(t, "1=429:3", "2=503:date:3", "3=429:-7 parsecs", "4=429")
	for i, want := range []struct {
		status int
		after  string
	}{{429, "3"}, {503, ""}, {429, "-7 parsecs"}, {429, ""}} {
		got, err := c.tryEnable(1)
		if err != nil {
			t.Fatal(err)
		}
		after := got.header.Get("Retry-After")
		if i == 1 {
			at, err := http.ParseTime(after)
			if left := time.Until(at); err != nil || left > 3*time.Second || left < time.Second {
				t.Errorf("date %q: %v", after, err)
			}
		} else if after != want.after {
			t.Errorf("request %d: Retry-After %q", i+1, after)
		}
		if got.status != want.status || got.member(t, "fault", "code") == "" {
			t.Errorf("request %d: %+v", i+1, got)
		}
	}
	if got, err := c.tryEnable(1); err != nil || got.status != http.StatusOK {
		t.Errorf("fifth request: %+v, %v", got, err)
	}
	c.settle()
	entries := c.sim.Book().Requests()
	if entries[0].Code != "429" || entries[0].RetryAfter != "3" || c.sim.Book().Summary().Accepts != 1 {
		t.Errorf("book: %+v", entries)
	}
}

func TestBadGatewaysMayHideAnExecution(t *testing.T) {
	c, _ := acting(t, "1=502", "2=502:executed", "3=403", "4=409")
	for i, wantType := range []string{"text/html", "text/html", "application/xml", "application/json"} {
		got, err := c.tryEnable(i + 1)
		if err != nil || got.header.Get("Content-Type") != wantType {
			t.Errorf("request %d: %+v, %v", i+1, got, err)
		}
		if i == 3 && got.member(t, "errorCode") != "409" {
			t.Errorf("three-digit code: %s", got.body)
		}
	}
	c.settle()
	var outcomes []simulator.RequestOutcome
	for _, entry := range c.sim.Book().Requests() {
		outcomes = append(outcomes, entry.Outcome)
	}
	want := []simulator.RequestOutcome{simulator.Refused, simulator.Accepted, simulator.Refused, simulator.Refused}
	if diff := cmp.Diff(want, outcomes); diff != "" || c.sim.Book().Requests()[1].Status != 502 {
		t.Errorf("book (-want +got):\n%s", diff)
	}
}

func TestExpiresTheSessionOrTheBearerAtARequest(t *testing.T) {
	c, _ := acting(t, "1=expire", "2=expire-token")
	got, err := c.tryEnable(1)
	if err != nil || !strings.HasSuffix(got.member(t, "errorCode"), ".SessionToken.Expired") {
		t.Errorf("expire: %+v, %v", got, err)
	}
	c.logIn()
	got, err = c.tryEnable(1)
	if err != nil || got.member(t, "fault", "code") != "900901" {
		t.Errorf("expire-token: %+v, %v", got, err)
	}
	c.logIn()
	if got, err = c.tryEnable(1); err != nil || got.status != http.StatusOK {
		t.Errorf("after both: %+v, %v", got, err)
	}
}

func TestCallbacksCanOutrunTheAnswer(t *testing.T) {
	for name, m := range map[string]simulator.Moods{
		"act":   {At: map[int]simulator.Act{1: {Deed: simulator.SendEarly}}},
		"share": {Early: 1},
	} {
		m.Latency = simulator.Span{Min: time.Hour, Max: time.Hour}
		c, in := moody(t, m)
		id := c.enable(devices(0, 100)...)
		got := in.all(t)
		if len(got) != 100 || got[0].RequestID != id {
			t.Errorf("%s: %d callbacks came before the answer", name, len(got))
		}
	}
}

func TestAnswersSlowlyAndGivesUpWhenTheClientHasGone(t *testing.T) {
	c, _ := acting(t, "1=slow:1h", "2=slow:20ms")
	c.http.Timeout = 50 * time.Millisecond
	if got, err := c.tryEnable(1); err == nil {
		t.Errorf("answered %+v", got)
	}
	c.http.Timeout = 20 * time.Second
	begun := time.Now()
	if _, err := c.tryEnable(2); err != nil || time.Since(begun) < 20*time.Millisecond {
		t.Errorf("answered after %v, %v", time.Since(begun), err)
	}
	c.booked(func(s simulator.Summary) bool { return s.Cut == 1 && s.Accepted == 2 })
}

func TestSharesOfRequestsHoldAndReplay(t *testing.T) {
	run := func() string {
		c, _ := moody(t, simulator.Moods{
			DropAnswers: 0.2, ResetBefore: 0.2, Throttle: 0.2, Unavailable: 0.2, RetryAfter: "9",
		})
		var log strings.Builder
		for n := range 200 {
			switch got, err := c.tryEnable(n); {
			case err != nil:
				log.WriteString("x")
			case got.status == http.StatusOK:
				log.WriteString(".")
			case got.header.Get("Retry-After") != "9":
				t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
			case got.status == http.StatusTooManyRequests:
				log.WriteString("t")
			case got.status == http.StatusServiceUnavailable:
				log.WriteString("u")
			}
		}
		return log.String()
	}
	first := run()
	for sign, least := range map[string]int{"x": 60, ".": 25, "t": 25, "u": 25} {
		if got := strings.Count(first, sign); got < least {
			t.Errorf("%q stands %d times in %s", sign, got, first)
		}
	}
	if second := run(); second != first {
		t.Errorf("the seed did not replay:\n%s\n%s", first, second)
	}
}

func TestBooksAndRefusesWhatExceedsTheRateLimit(t *testing.T) {
	clock := newClock()
	limit := simulator.RateLimit{RequestsPerSecond: 2, DevicesPerMinute: 10, Refuse: true}
	c := open(t, simulator.Config{Now: clock.Now, RateLimit: limit})
	status := func(n int, devices ...string) {
		t.Helper()
		if got := c.mustSend(http.MethodPost, enablePath, enableBody(account, plan, devices...)); got.status != n {
			t.Errorf("want %d, got %+v", n, got)
		} else if n == 429 && got.header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
	status(200, devices(0, 5)...)
	status(200, devices(5, 9)...)
	status(429, device(9))
	clock.jump(time.Second)
	status(200, device(9))
	clock.jump(time.Second)
	status(429, device(10))
	clock.jump(time.Minute)
	status(200, device(10))
	sum := c.sim.Book().Summary()
	if sum.RateViolations != 2 || sum.MaxRequestsInSecond != 3 || sum.MaxDevicesInMinute != 10 {
		t.Errorf("book: %+v", sum)
	}
}

func TestMerelyBooksWhatExceedsTheRateLimitUnlessToldToRefuse(t *testing.T) {
	clock := newClock()
	c := open(t, simulator.Config{Now: clock.Now, RateLimit: simulator.RateLimit{RequestsPerSecond: 0.5}})
	c.enable(device(1))
	clock.jump(1950 * time.Millisecond)
	c.enable(device(2))
	if got := c.sim.Book().Summary().RateViolations; got != 0 {
		t.Errorf("jitter was booked: %d", got)
	}
	c.enable(device(3))
	if got := c.sim.Book().Summary().RateViolations; got != 1 {
		t.Errorf("%d violations booked", got)
	}
}
