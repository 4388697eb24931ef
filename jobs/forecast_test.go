package jobs

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Batches add up to the groups, none is larger than a request may be, and none goes over the end of a wave.
func TestTheBatchesOfAFleetMakeItUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{BatchSize: rapid.IntRange(1000, MaxChunk).Draw(t, "batch size")}
		groups := rapid.SliceOfN(rapid.Int64Range(1, 30_000), 1, 5).Draw(t, "groups")
		for range rapid.IntRange(0, 3).Draw(t, "waves") {
			p.Waves = append(p.Waves, Wave{Devices: rapid.Int64Range(1, 20_000).Draw(t, "wave")})
		}
		sent, total := make([]int64, len(groups)), int64(0)
		for _, size := range groups {
			total += size
		}
		ends, all := p.WaveEnds(total), int64(0)
		for group, size := range p.Batches(groups) {
			sent[group] += size
			all += size
			if size < 1 || size > p.RequestSize() || all > ends[0] {
				t.Fatalf("a batch of %d, with which %d are sent; the wave ends after %d", size, all, ends[0])
			}
			if all == ends[0] {
				ends = ends[1:]
			}
		}
		for group, size := range groups {
			if sent[group] != size {
				t.Fatalf("%d of the %d devices of group %d are in batches", sent[group], size, group)
			}
		}
	})
}

func TestAForecastGoesFromWindowToWindow(t *testing.T) {
	t.Parallel()
	night, err := ParseWindow("22:00-23:00")
	if err != nil {
		t.Fatal(err)
	}
	whole, part := Policy{BatchSize: 10}, Policy{BatchSize: 10, PerWindow: 25}
	nights := Schedule{Windows: []Window{night}}
	whole.Schedule, part.Schedule = nights, nights
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tenMinutes := func(int64) time.Duration { return 10 * time.Minute }
	for name, c := range map[string]struct {
		policy  Policy
		devices int64
		ends    time.Time
		windows int
		least   time.Duration
	}{
		"at once":                        {Policy{BatchSize: 10}, 10, noon, 1, 0},
		"one waits for the one before":   {Policy{BatchSize: 10}, 30, noon.Add(20 * time.Minute), 1, 20 * time.Minute},
		"the first of a window at once":  {whole, 70, noon.Add(34 * time.Hour), 2, time.Hour},
		"the last before its end":        {whole, 60, noon.Add(650 * time.Minute), 1, 50 * time.Minute},
		"a share that no batch fills up": {part, 30, noon.Add(34 * time.Hour), 2, 20 * time.Minute},
		"beyond the horizon":             {Policy{BatchSize: 1, Schedule: nights, PerWindow: 1}, 4000, time.Time{}, 3651, 39990 * time.Minute},
		"nothing to send":                {whole, 0, noon.Add(10 * time.Hour), 1, 0},
	} {
		f := c.policy.Forecast(noon, c.policy.Batches([]int64{c.devices}), tenMinutes)
		if !f.Ends.Equal(c.ends) || f.Windows != c.windows || f.Least != c.least {
			t.Errorf("%s: ends %v after %d windows and at least %v, not %v, %d, %v", name, f.Ends, f.Windows, f.Least, c.ends, c.windows, c.least)
		}
	}
}
