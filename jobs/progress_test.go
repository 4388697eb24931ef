package jobs_test

import (
	"testing"

	"github.com/simshift/simshift/jobs"
)

func TestQuantilesAreTheEndsOfTheirBands(t *testing.T) {
	t.Parallel()
	var s jobs.SettleTimes
	if s.Quantile(50) != 0 || s.Devices() != 0 {
		t.Errorf("of no devices, %d took %d s", s.Devices(), s.Quantile(50))
	}
	last := len(jobs.SettleBands)
	one, two := make([]int64, last+1), make([]int64, last+1)
	one[0], one[3], two[3], two[last] = 1, 2, 6, 1
	s.Add(jobs.SettleTimes{Bands: one})
	s.Add(jobs.SettleTimes{Bands: two})
	if s.Devices() != 10 {
		t.Errorf("%d devices", s.Devices())
	}
	for percent, want := range map[int64]int64{10: 1, 11: 10, 50: 10, 90: 10, 91: 24 * 3600, 100: 24 * 3600} {
		if got := s.Quantile(percent); got != want {
			t.Errorf("%d of a hundred took %d s, not %d", percent, got, want)
		}
	}
}
