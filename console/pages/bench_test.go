package pages_test

import (
	"net/http"
	"testing"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/fixture"
)

// What rendering costs by itself: the fixture answers from memory. Ten million devices must not cost more than ten.
func BenchmarkPages(b *testing.B) {
	s, desk := night(b, access.Approver)
	for name, path := range map[string]string{
		"overview": "/", "jobs": "/jobs", "parked": "/parked", "large job": "/jobs/" + desk.JobNamed(fixture.Large),
		"small job": "/jobs/" + desk.JobNamed(fixture.Small), "parts": "/jobs/" + desk.JobNamed(fixture.Large) + "/parts",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if w := s.get(path); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
