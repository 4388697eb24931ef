package worker

import (
	"math"
	"time"

	"github.com/simshift/simshift/jobs"
)

// checkLimits holds every minute and every second of the carrier's book against the limits.
func (n *night) checkLimits(devicesPerMinute, requestsPerSecond int) {
	n.t.Helper()
	minute, second, devices := 0, 0, 0
	for i, r := range n.book {
		for devices += r.devices; r.at.Sub(n.book[minute].at) >= time.Minute; minute++ {
			devices -= n.book[minute].devices
		}
		for r.at.Sub(n.book[second].at) >= time.Second {
			second++
		}
		if devices > devicesPerMinute || i-second+1 > requestsPerSecond {
			n.t.Fatalf("%d devices in the minute and %d requests in the second before %v", devices, i-second+1, r.at)
		}
	}
}

// checkWaves tells whether each wave waited until nothing was with the carrier, and no longer than the planner needs to look.
func (n *night) checkWaves(waves int) {
	n.t.Helper()
	for wave := 2; wave <= waves; wave++ {
		opened, settled := n.opened(wave), time.Time{}
		for _, r := range n.book {
			if r.at.Before(opened) && r.batch.closedAt.After(settled) {
				settled = r.batch.closedAt
			}
		}
		if settled.After(opened) || opened.Sub(settled) > 10*time.Second {
			n.t.Errorf("wave %d began at %v; the last of what was sent before settled at %v", wave, opened, settled)
		}
	}
	for _, r := range n.book {
		if r.lost && r.at.Before(n.opened(waves)) {
			n.t.Error("a request was lost before the last wave, which the arithmetic does not reckon with: take another seed")
		}
	}
}

// checkDevices tells whether each device settled once, and the counts add up.
func (n *night) checkDevices() {
	n.t.Helper()
	var settled, sent int64
	var counted tally
	for _, d := range n.books.devices {
		if d.settled > 1 || (d.settled == 1) != d.state.Final() {
			n.t.Fatalf("a device settled %d times and is %v", d.settled, d.state)
		}
		settled += int64(d.settled)
		counted[d.state]++
	}
	for _, r := range n.book {
		sent += int64(r.devices)
	}
	counted[jobs.Pending] -= int64(len(n.books.devices)) - n.books.job.Devices // what fills no chunk is no device
	if counted != n.books.counts || settled != n.books.job.Devices || sent != n.books.job.Attempts {
		n.t.Errorf("of %d devices %d settled, %v by the records and %v by the counts; %d sent by the carrier's book, %d by ours",
			n.books.job.Devices, settled, counted, n.books.counts, sent, n.books.job.Attempts)
	}
}

// checkHours holds each request against the clock on the wall.
func (n *night) checkHours(begin, end int) {
	n.t.Helper()
	zone, err := time.LoadLocation(n.books.job.Policy.Schedule.Zone)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, r := range n.book {
		if hour := r.at.In(zone).Hour(); hour < begin && hour >= end {
			n.t.Fatalf("a request at %v", r.at.In(zone))
		}
	}
}

// opened is when the first request of a wave was made.
func (n *night) opened(wave int) time.Time {
	for _, r := range n.book {
		if r.batch.Attempt == 1 && r.batch.wave == wave {
			return r.at
		}
	}
	n.t.Fatalf("nothing of wave %d was sent", wave)
	return time.Time{}
}

func (n *night) firstRequests() (requests int) {
	for _, r := range n.book {
		if r.batch.Attempt == 1 {
			requests++
		}
	}
	return requests
}

// lastFirst is when the last request of first attempts was made.
func (n *night) lastFirst() (at time.Time) {
	for _, r := range n.book {
		if r.batch.Attempt == 1 {
			at = r.at
		}
	}
	return at
}

// sum is what a night comes to by arithmetic.
type sum struct {
	sent, succeeded, failed, unanswered float64
	requests                            float64 // of first attempts
	firstWave, secondWave, thirdWave    time.Duration
	busiest                             float64 // second's answers
}

// reckon does the arithmetic of [tenMillion], by itself: a limit of 1,000 devices a second and two requests, waves of 100, 5%
// and the rest, twenty accounts alike.
func reckon(s script) (r sum) {
	const devices, first, second, accounts, batch, most = 10e6, 100, 0.05 * 10e6, 20, 10_000, 5
	const perSecond, requestsPerSecond = 1000 / 1.01, 2 / 1.01 // turns are paced a hundredth slower
	m := s.carrier
	var again [3]float64 // the part of a fleet that fails its first, second attempt and goes on
	for _, class := range []struct{ part, transient float64 }{{float64(m.off) / 100, m.offFails}, {1 - float64(m.off)/100, m.transient}} {
		silent := m.lostRequests + (1-m.lostRequests)*m.lostAnswers
		fails := silent + (1-m.lostRequests)*class.transient
		permanent := (1 - m.lostRequests) * m.permanent
		for attempt := range most {
			reach := devices * class.part * math.Pow(fails, float64(attempt))
			r.sent += reach
			r.succeeded += reach * (1 - fails - permanent)
			if attempt == most-1 {
				r.unanswered += reach * m.lostAnswers // of the few last requests none is lost
			}
		}
		again[1] += class.part * fails
		again[2] += class.part * fails * fails
	}
	r.failed = devices - r.succeeded - r.unanswered

	// A wave of an account ends within a batch, and so costs it one more.
	r.requests = accounts + accounts*math.Ceil(second/accounts/batch) + accounts*math.Ceil((devices-second)/accounts/batch)

	// The first wave waits for its slowest answer, of 100 spread exponentially; the second has silent devices for certain, and
	// waits until their deadline.
	seconds := func(x float64) time.Duration { return time.Duration(x * float64(time.Second)) }
	harmonic := 0.0
	for i := range first {
		harmonic += 1 / float64(i+1)
	}
	r.firstWave = seconds(accounts/requestsPerSecond) + seconds(harmonic*m.answers.Seconds())
	r.secondWave = seconds(second/perSecond) + s.policy.AnswerWithin

	// The third is sent beside the second attempts of both, and the third ones, as they come due meanwhile.
	backoff := s.policy.Backoff.Seconds()
	lasts := 0.0
	for range 50 {
		due2 := second + max(0, lasts-backoff)*perSecond
		due3 := second + max(0, lasts-3*backoff)*perSecond
		lasts = (devices - second - first + again[1]*due2 + again[2]*due3) / perSecond
	}
	r.thirdWave = seconds(lasts)

	// A batch's answers come thickest at first, on top of what is left of those before it.
	gap, mean := batch/perSecond, m.answers.Seconds()
	r.busiest = batch / mean / (1 - math.Exp(-gap/mean))
	return r
}
