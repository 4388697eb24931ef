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
func (j *limitsJudge) named(name string, from, devices int, args ...string) string {
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
	return j.imported(path, append(slices.Concat(brief, args), "--name", name)...)
}

// inForce waits until the last turn that was taken before a limit was set has been used. It gives that time.
func inForce() time.Time {
	<-time.After(ratelimit.Horizon + 500*time.Millisecond)
	return time.Now()
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
	slow := j.named("slow", 0, 2400, "--batch-size", "20") // 120 batches: 12 s at the deployment's 10/s
	j.until(func() bool { return len(j.sent("slow")) > 3 })
	j.run(0, "jobs", "limits", slow, "--devices", "20/2s", "--reason", "a test")
	limited := inForce()
	other := j.named("other", 5000, 1000, "--batch-size", "20") // 50 batches
	begin := time.Now()
	j.until(func() bool { return len(j.sent("other")) == 50 })
	took := time.Since(begin)
	j.run(0, "jobs", "limits", slow, "--devices", "0")
	free := time.Now()

	between := 0
	for _, at := range j.sent("slow") {
		if at.After(limited) && at.Before(free) {
			between++
		}
	}
	// Its turns are two seconds apart, and each may be used some seconds late, at the edges of the stretch, too.
	if most := int(free.Sub(limited)/(2*time.Second)) + 3; between == 0 || between > most {
		t.Errorf("the limited job sent %d batches in %v, not 1 to %d", between, free.Sub(limited), most)
	}
	// 5 s at the deployment's pace alone; a share of its turns still goes to the limited job, and machines are busy.
	if took > 20*time.Second {
		t.Errorf("the other job took %v for 50 requests at 10/s", took)
	}
	j.until(func() bool { return len(j.sent("slow")) == 120 })
	t.Logf("limited for %v: %d batches; the other's 50 took %v; the rest %v", free.Sub(limited), between, took, time.Since(free))
	for _, id := range []string{slow, other} {
		j.endsBeside(id)
	}
}

// endsBeside waits until a job has ended, and looks at it alone: the book holds another's requests, too.
func (j *limitsJudge) endsBeside(id string) {
	j.t.Helper()
	ended := j.watch(id, 0)
	if ended.Counts["succeeded"] != ended.Devices || ended.Repeats != 0 {
		j.t.Errorf("the job ended as %+v", ended)
	}
	j.conserved(id, ended)
	if sum, _ := j.book(); sum.DoubleInFlight != 0 {
		j.t.Errorf("the carrier had %d devices in flight twice", sum.DoubleInFlight)
	}
}

// At most so many devices of a job are in flight, counted alone; those before the limit count.
func TestLimitsOfAJobBoundItsOwnDevicesInFlight(t *testing.T) {
	t.Parallel()
	j := &limitsJudge{newBriefNight(t, "--latency", "3s-4s"), make(map[string][]string)}
	j.serve()
	j.start("work").says(works)
	slow := j.named("slow", 0, 400, "--batch-size", "20")
	j.until(func() bool { return len(j.sent("slow")) > 1 })
	j.run(0, "jobs", "limits", slow, "--max-in-flight", "20")
	inForce()
	before := len(j.sent("slow"))
	other := j.named("other", 5000, 200, "--batch-size", "20")
	j.until(func() bool { return len(j.sent("other")) == 10 })
	var shown struct {
		Stored   bool  `json:"stored"`
		InFlight int64 `json:"in_flight"`
	}
	j.decode(j.run(0, "jobs", "limits", slow, "-o", "json"), &shown)
	if more := len(j.sent("slow")) - before; more > 1 || !shown.Stored || shown.InFlight > int64(before)*20 {
		t.Errorf("%d batches more were sent over the bound; %+v", more, shown)
	}
	j.run(0, "jobs", "limits", slow, "--max-in-flight", "default")
	for _, id := range []string{slow, other} {
		j.endsBeside(id)
	}
}
