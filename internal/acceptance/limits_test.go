package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/ratelimit"
)

// limitsJudge holds two jobs of one night apart in the carrier's book, by their accounts.
type limitsJudge struct {
	*night
	fleets map[string][]string // the EIDs, by job
}

// named imports a fleet of its own account and gives the job's id.
func (j *limitsJudge) named(name string, from, devices int) string {
	j.t.Helper()
	var b strings.Builder
	b.WriteString("eid,iccid,account,plan\n")
	for i := from; i < from+devices; i++ {
		d := madeup.Device(i)
		j.fleets[name] = append(j.fleets[name], d.EID)
		fmt.Fprintf(&b, "%s,%s,0000123456-%05d,Global 5MB\n", d.EID, d.ICCID, from+1)
	}
	path := filepath.Join(j.folder, name+".csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		j.t.Fatal(err)
	}
	return j.imported(path, append(slices.Clone(brief), "--answer-within", "60s", "--batch-size", "20", "--name", name)...)
}

// inForce waits until a limit that was set is seen to hold: the last turn that was taken before has been used. It gives
// that time.
func (j *limitsJudge) inForce(name string) time.Time {
	j.t.Helper()
	<-time.After(ratelimit.Horizon)
	j.until(func() bool {
		times := j.sent(name)
		return time.Since(times[len(times)-1]) > time.Second
	})
	return time.Now()
}

// between counts a job's requests in a stretch of time.
func (j *limitsJudge) between(name string, from, to time.Time) (n int) {
	j.t.Helper()
	for _, at := range j.sent(name) {
		if at.After(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// sent gives the times at which the carrier took a job's requests, in their order. It is asked again and again.
func (j *limitsJudge) sent(name string) (times []time.Time) {
	j.t.Helper()
	<-time.After(50 * time.Millisecond)
	mine := make(map[string]bool)
	for _, eid := range j.fleets[name] {
		mine[eid] = true
	}
	for _, r := range j.carriersBook().Requests {
		if mine[r.EID[0]] {
			times = append(times, r.At)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// A running job is held to a limit of its own and let go again, while another one goes on at the deployment's pace.
func TestLimitsOfARunningJobChangeAndNoOtherIsSlowed(t *testing.T) {
	t.Parallel()
	j := &limitsJudge{newBriefNight(t, "--latency", "100ms-500ms"), make(map[string][]string)}
	j.serve()
	j.start("work")
	j.start("work").says(works)
	const batches = 200 // 20 s at the deployment's 10/s
	slow := j.named("slow", 0, 20*batches)
	j.until(func() bool { return len(j.sent("slow")) > 3 })
	j.run(0, "jobs", "limits", slow, "--devices", "20/2s", "--reason", "a test")
	limited := j.inForce("slow")
	other := j.named("other", 5000, 1000) // 50 batches
	begin := time.Now()
	j.until(func() bool { return len(j.sent("other")) == 50 })
	took, held := time.Since(begin), time.Since(limited)
	sent := j.between("slow", limited, time.Now())
	// Its turns are two seconds apart, and each may be used some seconds late, at the edges of the stretch, too.
	if most := int(held/(2*time.Second)) + 3; sent == 0 || sent > most {
		t.Errorf("the limited job sent %d batches in %v, not 1 to %d", sent, held, most)
	}
	// 5 s at the deployment's pace alone; 100 s at the limited job's.
	if took > 50*time.Second {
		t.Errorf("the other job took %v for 50 requests at 10/s", took)
	}
	j.run(0, "jobs", "limits", slow, "--devices", "0")
	free, before := time.Now(), len(j.sent("slow"))
	j.until(func() bool { return len(j.sent("slow")) == batches })
	rest := time.Since(free)
	if least := time.Duration(batches-before) * 2 * time.Second; rest > least/2 {
		t.Errorf("its last %d batches took %v, as if the limit still held", batches-before, rest)
	}
	t.Logf("limited for %v: %d batches; the other's 50 took %v; the last %d took %v", held, sent, took, batches-before, rest)
	j.endsBeside(slow)
	j.endsBeside(other)
}

// endsBeside waits until a job has ended, and looks at it alone: the book holds another's requests, too.
func (j *limitsJudge) endsBeside(id string) {
	j.t.Helper()
	ended := j.watch(id, 0)
	if ended.Counts["succeeded"] != ended.Devices || ended.Repeats != 0 {
		j.t.Errorf("the job ended as %+v", ended)
	}
	j.conserved(id, ended)
	if sum := j.summary(); sum.DoubleInFlight != 0 {
		j.t.Errorf("the carrier had %d devices in flight twice", sum.DoubleInFlight)
	}
}

// At most so many devices of a job are in flight, counted alone; those that were before the limit count, too.
func TestLimitsOfAJobBoundItsOwnDevicesInFlight(t *testing.T) {
	t.Parallel()
	j := &limitsJudge{newBriefNight(t, "--latency", "2s-3s"), make(map[string][]string)}
	j.serve()
	j.start("work").says(works)
	slow := j.named("slow", 0, 4000)
	j.until(func() bool { return len(j.sent("slow")) > 3 })
	j.run(0, "jobs", "limits", slow, "--max-in-flight", "20")
	bounded := j.inForce("slow")
	other := j.named("other", 5000, 200)
	j.until(func() bool { return len(j.sent("other")) == 10 })
	held := time.Since(bounded)
	// One batch at a time, each with the carrier for two seconds at least.
	if sent := j.between("slow", bounded, time.Now()); sent > int(held/(2*time.Second))+1 {
		t.Errorf("%d batches were sent in %v", sent, held)
	}
	j.run(0, "jobs", "limits", slow, "--max-in-flight", "default")
	j.endsBeside(slow)
	j.endsBeside(other)
}
