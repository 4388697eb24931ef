package app

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// top keeps the devices with the largest figures, the largest first; of equal ones the earlier.
type top []ranked

type ranked struct {
	figure, second int64 // the second decides between equals
	line           api.DeviceLine
}

// offer takes a device in if its figure is large enough; a negative one never is.
func (t *top) offer(figure, second int64, o *jobs.Outcome, sent time.Time) {
	full := len(*t) == reportTop
	if figure < 0 || full && !larger(figure, second, (*t)[reportTop-1]) {
		return
	}
	at := slices.IndexFunc(*t, func(r ranked) bool { return larger(figure, second, r) })
	if full {
		*t = (*t)[:reportTop-1]
	}
	if at < 0 {
		at = len(*t)
	}
	*t = slices.Insert(*t, at, ranked{figure, second, lineOf(o, sent)})
}

func larger(figure, second int64, than ranked) bool {
	return figure > than.figure || figure == than.figure && second > than.second
}

func (t top) lines() []api.DeviceLine {
	lines := make([]api.DeviceLine, len(t))
	for i, r := range t {
		lines[i] = r.line
	}
	return lines
}

func lineOf(o *jobs.Outcome, sent time.Time) api.DeviceLine {
	line := api.DeviceLine{
		Row: o.Row, EID: o.EID.String(), ICCID: o.ICCID.String(), Account: o.Account,
		State: o.State, Reason: o.Reason, Fault: o.Fault, Attempts: o.Attempts,
	}
	if !sent.IsZero() {
		line.SentAt = &sent
	}
	if o.State.Final() {
		settled := o.ChangedAt
		line.Settled = &settled
		if line.SentAt != nil {
			line.Seconds = max(0, int64(settled.Sub(sent)/time.Second))
		}
	}
	return line
}

// durations is how many devices took how many seconds, the larger ones to three digits: so there are few different ones.
type durations map[int64]int64

func coarse(seconds int64) int64 {
	unit := int64(1)
	for seconds/unit >= 1000 {
		unit *= 10
	}
	return seconds / unit * unit
}

// bandEnds are the ends of the bands of a picture of durations, in seconds.
var bandEnds = []int64{10, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 0}

func (d durations) settling() (s api.Settling) {
	for _, n := range d {
		s.Devices += n
	}
	s.Bands = make([]api.Band, len(bandEnds))
	for i, end := range bandEnds {
		s.Bands[i].Below = end
	}
	seen, inBand := int64(0), 0
	for _, seconds := range slices.Sorted(maps.Keys(d)) {
		for inBand < len(bandEnds)-1 && seconds >= bandEnds[inBand] {
			inBand++
		}
		s.Bands[inBand].Devices += d[seconds]
		for _, quantile := range []struct {
			of   int64 // in a hundred
			into *int64
		}{{50, &s.Median}, {90, &s.P90}, {99, &s.P99}} {
			// the smallest value that so many do not exceed
			if due := (s.Devices*quantile.of + 99) / 100; seen < due && seen+d[seconds] >= due {
				*quantile.into = seconds
			}
		}
		seen += d[seconds]
		s.Longest = seconds
	}
	return s
}

// timelineSteps are the lengths of a timeline's steps, in minutes; beyond them whole days.
var timelineSteps = []int64{1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720}

const day = 24 * 60

// condense makes a timeline of at most [reportBars] steps, which begin at round times of the zone.
func condense(minutes []jobs.Minute, zone *time.Location) api.Timeline {
	if len(minutes) == 0 {
		return api.Timeline{Step: 60, Bars: []jobs.Minute{}}
	}
	_, offset := minutes[0].At.In(zone).Zone()
	local := func(at time.Time) int64 { return (at.Unix() + int64(offset)) / 60 }
	first, last := local(minutes[0].At), local(minutes[len(minutes)-1].At)
	step := stepFor(last - first + 1)
	begin := first - first%step
	bars := make([]jobs.Minute, (last-begin)/step+1)
	for i := range bars {
		at := time.Unix((begin+int64(i)*step)*60-int64(offset), 0).UTC()
		bars[i] = jobs.Minute{At: at, Entered: make(jobs.Counts)}
	}
	for _, minute := range minutes {
		bar := bars[(local(minute.At)-begin)/step]
		for state, n := range minute.Entered {
			bar.Entered[state] += n
		}
	}
	return api.Timeline{Step: step * 60, Bars: bars}
}

// stepFor is the shortest step, in minutes, that so many minutes take few enough of.
func stepFor(minutes int64) int64 {
	for _, step := range timelineSteps {
		if minutes/step+2 <= reportBars {
			return step
		}
	}
	return day * (minutes/day/(reportBars-2) + 1)
}

// paceOf is how fast devices settled.
func paceOf(job jobs.Job, minutes []jobs.Minute, now time.Time) (p api.Pace) {
	total, busy := int64(0), int64(0)
	for _, minute := range minutes {
		settled := minute.Entered.Final()
		if settled == 0 {
			continue
		}
		total, busy = total+settled, busy+1
		if settled > p.Peak {
			at := minute.At
			p.Peak, p.PeakAt = settled, &at
		}
	}
	if busy > 0 {
		p.PerMinute = total / busy
	}
	if job.StartedAt != nil {
		if job.FinishedAt != nil {
			now = *job.FinishedAt
		}
		p.Seconds = max(0, int64(now.Sub(*job.StartedAt)/time.Second))
	}
	return p
}

// byDevices orders the most frequent first, and equals by their names.
func byDevices(a, b int64, nameA, nameB string) int {
	return cmp.Or(cmp.Compare(b, a), cmp.Compare(nameA, nameB))
}
