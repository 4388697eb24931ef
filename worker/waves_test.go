package worker

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/simshift/simshift/jobs"
)

// Whatever was formed of a wave, the groups together may form what is left of it: no more, and no less, so that it can end.
func TestTheGroupsOfAWaveMakeItUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 50), 1, 6).Draw(t, "groups")
		job := jobs.Job{Wave: 1, Groups: make([]jobs.Group, len(sizes))}
		var chunks []jobs.Chunk
		for group, size := range sizes {
			chunks = append(chunks, jobs.Chunk{Number: group, Group: group, Size: size})
			job.Devices += int64(size)
		}
		formed, total := make(map[int]int), int64(0)
		for total < job.Devices {
			job.Opened = rapid.Int64Range(total+1, job.Devices).Draw(t, "opened")
			for total < job.Opened {
				room, before := waveRoom(job, chunks, formed), total
				for group, n := range room {
					if total+n > job.Opened { // the script that forms batches refuses it, and the wave would never end
						t.Fatalf("group %d has room for %d where the wave has %d", group, n, job.Opened-total)
					}
					if n > int64(sizes[group]-formed[group]) {
						t.Fatalf("group %d of %d devices has room for %d beside %d", group, sizes[group], n, formed[group])
					}
					if n > 0 {
						formed[group] += int(n)
						total += n
					}
				}
				if total == before {
					t.Fatalf("no group has room, and %d of %d are formed", total, job.Opened)
				}
			}
		}
	})
}

func TestAWaveIsJudgedWhenItCanNotChangeTheVerdict(t *testing.T) {
	t.Parallel()
	policy := jobs.Policy{Gate: 0.9}
	for name, c := range map[string]struct {
		counts       jobs.Counts
		passed, open bool
	}{
		"all succeeded":                     {jobs.Counts{jobs.Succeeded: 10}, true, false},
		"enough, and one may still":         {jobs.Counts{jobs.Succeeded: 9, jobs.Retrying: 1}, true, false},
		"too few, but one may still":        {jobs.Counts{jobs.Succeeded: 8, jobs.Failed: 1, jobs.Retrying: 1}, false, true},
		"too few":                           {jobs.Counts{jobs.Succeeded: 8, jobs.Failed: 2}, false, false},
		"one is in the air":                 {jobs.Counts{jobs.Succeeded: 9, jobs.Queued: 1}, true, true},
		"what was cancelled does not count": {jobs.Counts{jobs.Succeeded: 9, jobs.Cancelled: 5}, true, false},
		"nothing is left of it":             {jobs.Counts{jobs.Cancelled: 5}, true, false},
	} {
		if v := weighWave(policy, c.counts); v.passed != c.passed || v.open != c.open {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
