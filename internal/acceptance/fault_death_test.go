package acceptance_test

import (
	"syscall"
	"testing"
	"time"
)

// brief is a policy for jobs that are to end within seconds, faults included.
var brief = []string{"--attempts", "5", "--answer-within", "8s", "--backoff", "1s", "--backoff-max", "2s", "--doubt-grace", "3s"}

// deathGrace is longer than the time after which a batch that nobody has looked at is taken up again.
const deathGrace = 16 * time.Second

// newBriefNight is a night whose requests may take two seconds.
func newBriefNight(t *testing.T, moods ...string) *night {
	t.Helper()
	n := newNight(t, append([]string{"--resend", "200ms,500ms,1s,2s,4s"}, moods...)...)
	n.set("THINGSPACE_TIMEOUT", "2s")
	n.set("RATE_REQUESTS", "10/s")
	return n
}

// ends waits until the job has ended, and holds it against the carrier's book.
func (n *night) ends(id string, within time.Duration) (j job) {
	n.t.Helper()
	late := time.Now().Add(3 * within) // a test machine is busy: what hangs is told, not what is slow
	for look := 0; ; look++ {
		n.decode(n.ask("jobs", "show", id, "-o", "json"), &j)
		if j.State != "running" && j.State != "cancelling" {
			break
		}
		if time.Now().After(late) {
			n.t.Errorf("the job has not ended after %v:\n%s", within, n.ask("jobs", "show", id))
			break
		}
		rest(look)
	}
	n.agree(id)
	n.conserved(id, j)
	return j
}

// conserved fails the test unless the counters say what the results do, without having been put right.
func (n *night) conserved(id string, j job) {
	n.t.Helper()
	counted := make(map[string]int64)
	for _, row := range n.results(id) {
		counted[row["state"]]++
	}
	for state, count := range j.Counts {
		if count != counted[state] {
			n.t.Errorf("%d devices are said to be %s, and %d are", count, state, counted[state])
		}
	}
	if j.Drift != "" {
		n.t.Errorf("the counters had to be put right: %s", j.Drift)
	}
}

// Deaths at named points: the program dies there by its own hand, once.
const die = "\n\t_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)\n\tselect {}\n"

var deaths = map[string][]edit{
	"before the POST": {
		{"worker/submitter.go", "\t\"log/slog\"\n", "\t\"log/slog\"\n\t\"syscall\"\n"},
		{"worker/submitter.go", "\trequestID, err := s.carrier.Enable(", "\tif true {" + die + "}\n\trequestID, err := s.carrier.Enable("},
	},
	"reply read, request id unwritten": {
		{"worker/answer.go", "\t\"net/http\"\n", "\t\"net/http\"\n\t\"syscall\"\n"},
		{"worker/answer.go", "\tdeadline := s.now().Add(b.job.Policy.AnswerWithin)\n", "\tdeadline := s.now()\n\tif true {" + die + "}\n"},
	},
	"written, unacknowledged": {
		{"worker/answer.go", "\t\"net/http\"\n", "\t\"net/http\"\n\t\"syscall\"\n"},
		{"worker/answer.go", "\ts.witness.Remember(4*len(b.sent.places), b.sent.again)\n", "\tif true {" + die + "}\n"},
	},
}

func TestFault01AWorkerDiesAtANamedPoint(t *testing.T) {
	t.Parallel()
	for point, edits := range deaths {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			if *without != "" {
				edits = append(edits, safeguards[*without].edits...)
			}
			program := variant(t, point+*without, edits...)
			// Where a repeat is allowed, the callbacks of the first request are lost, so that there must be one.
			inDoubt := point == "reply read, request id unwritten"
			n := newBriefNight(t, "--latency", "100ms-500ms", "--lost", map[bool]string{true: "1", false: "0"}[inDoubt])
			n.serve()
			n.deadly(program, inDoubt, nil)
		})
	}
	t.Run("sent, no reply", func(t *testing.T) {
		t.Parallel()
		n := newBriefNight(t, "--latency", "100ms-500ms", "--lost", "1", "--at", "1=slow:30s")
		n.set("THINGSPACE_TIMEOUT", "10s")
		n.serve()
		n.deadly(binary, true, func(p *process) {
			n.until(func() bool { sum := n.summary(); return sum.Accepted > 0 })
			p.stop(syscall.SIGKILL)
		})
	})
}

// deadly runs a job whose first worker dies, by itself or by kill, and holds what comes of it against the book.
func (n *night) deadly(program string, repeats bool, kill func(*process)) {
	n.t.Helper()
	const devices = 60
	p := n.startBinary(program, "work")
	id := n.imported(n.fleet(devices), append(brief, "--batch-size", "60", "--doubt-grace", deathGrace.String())...)
	if kill != nil {
		kill(p)
	}
	<-p.ended
	n.set("THINGSPACE_TIMEOUT", "2s")
	n.start("work")
	n.ends(id, time.Minute)
	requests := n.carriersBook().Requests
	switch {
	case repeats && len(requests) != 2, !repeats && len(requests) != 1:
		n.t.Errorf("the carrier accepted %d requests for one batch", len(requests))
	case repeats && requests[1].At.Sub(requests[0].At) < deathGrace:
		n.t.Errorf("sent again after %v, before the grace was over", requests[1].At.Sub(requests[0].At))
	}
}

func TestFault02ARequestSlowerThanTheShutdownIsMadeOnce(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "10s-11s", "--at", "1=slow:4s")
	n.set("THINGSPACE_TIMEOUT", "10s")
	n.serve()
	first := n.start("work")
	id := n.imported(n.fleet(50), append(brief, "--answer-within", "40s")...)
	n.until(func() bool { sum := n.summary(); return sum.Accepted > 0 })
	n.start("work").says(works)
	first.stop(syscall.SIGTERM)
	if row := n.results(id)[0]; row["state"] != "submitted" {
		t.Errorf("the first worker has ended, and left its devices %s", row["state"])
	}
	if ended := n.ends(id, time.Minute); ended.Requests != 1 || ended.Repeats != 0 {
		t.Errorf("the job ended as %+v", ended)
	}
	if sum := n.summary(); sum.Requests != 1 {
		t.Errorf("the carrier got %d requests", sum.Requests)
	}
}

// A rolling restart of every process, again and again, costs nothing: no request is repeated, no callback is lost.
func TestARollingRestartCostsNothing(t *testing.T) {
	t.Parallel()
	n := newBriefNight(t, "--latency", "100ms-1s", "--offline", "0.1")
	n.set("RATE_REQUESTS", "2/s")
	listener := n.serve()
	address := listener.address()
	workers := []*process{n.start("work"), n.start("work")}
	// A restart may be slow, and then the carrier comes again after some seconds.
	id := n.imported(n.fleet(1000), append(brief, "--batch-size", "50", "--answer-within", "30s")...)
	restarts := 0
	for ; n.open(id); restarts++ {
		switch i := restarts % 3; i {
		case 2:
			listener.stop(syscall.SIGTERM)
			listener = n.start("serve", "--callback-listen", address)
			listener.says(listens)
		default:
			workers[i].stop(syscall.SIGTERM)
			workers[i] = n.start("work")
			workers[i].says(works)
		}
	}
	if ended := n.ends(id, time.Second); ended.Repeats != 0 || ended.Counts["succeeded"] != 1000 || restarts < 3 {
		t.Errorf("%d restarts, and the job ended as %+v", restarts, ended)
	}
}
