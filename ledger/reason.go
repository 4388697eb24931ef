package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/simshift/simshift/jobs"
)

// weighedField says, in a job's hash, that its reasons are counted: it is missing in jobs that are older than that.
const weighedField = "weighed"

// why is what devices are counted by that wait for a retry, or are final and have not succeeded.
type why struct {
	state  jobs.State
	reason jobs.Reason
	fault  int // its number in the job
}

// whyOf is why a device stands where it does; nothing where that is not counted.
func whyOf(r record) (w why, counted bool) {
	if r.state == jobs.Pending || r.state == inBatch || r.state == jobs.Succeeded {
		return w, false
	}
	return why{r.state, r.reason, r.fault}, true
}

// field is how the scripts write it.
func (w why) field() string { return fmt.Sprintf("%d:%d:%d", w.state, w.reason, w.fault) }

func parseWhy(field string) (w why, ok bool) {
	parts := strings.Split(field, ":")
	if len(parts) != 3 {
		return w, false
	}
	state, err := strconv.ParseUint(parts[0], 10, 8)
	reason, errReason := strconv.ParseUint(parts[1], 10, 8)
	fault, errFault := strconv.ParseUint(parts[2], 10, 16)
	return why{jobs.State(state), jobs.Reason(reason), int(fault)}, err == nil && errReason == nil && errFault == nil
}

// reasons reads the counts of a job as the scripts keep them.
func (l *Ledger) reasons(ctx context.Context, job string) (map[why]int64, error) {
	fields, err := l.rdb.HGetAll(ctx, reasonsKey(job)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the reasons of job %s: %w", job, err)
	}
	counts := make(map[why]int64, len(fields))
	for field, n := range fields {
		if w, ok := parseWhy(field); ok {
			counts[w] = number(n)
		}
	}
	return counts, nil
}

// FaultCounts tells how many devices wait for a retry, or are final and have not succeeded, by state, reason and the carrier's
// code, the most frequent first. known is false for a job that began before this was counted; [Ledger.Recount] makes it known.
func (l *Ledger) FaultCounts(ctx context.Context, job string) (counts []jobs.FaultCount, known bool, err error) {
	weighed, err := l.rdb.HGet(ctx, jobKey(job), weighedField).Result()
	if err != nil || weighed == "" {
		return nil, false, none(err, "read the faults of job "+job)
	}
	reasons, err := l.reasons(ctx, job)
	if err != nil {
		return nil, false, err
	}
	faults, err := l.faults(ctx, job)
	if err != nil {
		return nil, false, err
	}
	return sumFaults(reasons, faults), true, nil
}

// sumFaults puts together what differs in the carrier's words alone; the words that the job met first stand for all.
func sumFaults(reasons map[why]int64, faults []jobs.Fault) []jobs.FaultCount {
	byNumber := slices.SortedFunc(maps.Keys(reasons), func(a, b why) int { return cmp.Compare(a.fault, b.fault) })
	var counts []jobs.FaultCount
	at := make(map[jobs.FaultCount]int)
	for _, w := range byNumber {
		key := jobs.FaultCount{State: w.state, Reason: w.reason}
		text := ""
		if w.fault > 0 && w.fault < len(faults) {
			key.Code, text = faults[w.fault].Code, faults[w.fault].Text
		}
		i, seen := at[key]
		if !seen {
			i, at[key] = len(counts), len(counts)
			counts = append(counts, key)
			counts[i].Text = text
		}
		counts[i].Devices += reasons[w]
	}
	slices.SortFunc(counts, func(a, b jobs.FaultCount) int {
		return cmp.Or(cmp.Compare(b.Devices, a.Devices), cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.Code, b.Code))
	})
	return counts
}
