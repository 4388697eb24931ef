package pages_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/jobs"
)

// counting is a desk that notes what it is asked.
type counting struct {
	api.Desk
	asked map[string]int
}

func (c *counting) Overview(ctx context.Context) (*api.Overview, error) {
	c.asked["overview"]++
	return c.Desk.Overview(ctx)
}

func (c *counting) Jobs(ctx context.Context, q api.JobsQuery) (*api.JobPage, error) {
	c.asked["jobs"]++
	return c.Desk.Jobs(ctx, q)
}

func (c *counting) Job(ctx context.Context, job string) (*jobs.Job, error) {
	c.asked["job"]++
	return c.Desk.Job(ctx, job)
}

func (c *counting) Progress(ctx context.Context, job string) (*api.Progress, error) {
	c.asked["progress"]++
	return c.Desk.Progress(ctx, job)
}

func (c *counting) Batches(ctx context.Context, job string, q api.BatchesQuery) (*api.BatchPage, error) {
	c.asked["batches"]++
	return c.Desk.Batches(ctx, job, q)
}

func (c *counting) Log(ctx context.Context, job string) ([]jobs.Entry, error) {
	c.asked["log"]++
	return c.Desk.Log(ctx, job)
}

func (c *counting) Report(ctx context.Context, job string) (*api.Report, error) {
	c.asked["report"]++
	return c.Desk.Report(ctx, job)
}

func (c *counting) Device(ctx context.Context, identity string) ([]api.Device, error) {
	c.asked["device"]++
	return c.Desk.Device(ctx, identity)
}

func (c *counting) Parked(ctx context.Context, q api.PageQuery) (*api.ParkedPage, error) {
	c.asked["parked"]++
	return c.Desk.Parked(ctx, q)
}

func (c *counting) Limits(ctx context.Context, job string) (*api.Limits, error) {
	c.asked["limits"]++
	return c.Desk.Limits(ctx, job)
}

func (c *counting) Health(ctx context.Context) (*api.Health, error) {
	c.asked["health"]++
	return c.Desk.Health(ctx)
}

// A page asks for what it shows once, however many jobs and devices there are.
func TestPagesAskForNoMoreThanTheyShow(t *testing.T) {
	t.Parallel()
	desk := fixture.New(midnight, 7)
	id := desk.JobNamed(fixture.Large)
	for path, want := range map[string]string{
		"/": "overview", "/parts": "overview", "/jobs": "jobs", "/parked": "parked", "/limits": "limits", "/health": "health", "/import": "",
		"/devices": "", "/devices?q=356938000000009": "device", "/jobs/" + id: "batches log progress", "/jobs/" + id + "/parts": "log progress",
		"/jobs/" + id + "/batches": "batches job", "/jobs/" + id + "/log": "job log", "/jobs/" + id + "/act/pause": "job",
		"/jobs/" + id + "/act/retry?fault=x": "progress",
	} {
		c := &counting{desk, map[string]int{}}
		newSite(t, c, access.Operator).page(path, http.StatusOK)
		if asked := strings.Join(slices.Sorted(maps.Keys(c.asked)), " "); asked != want {
			t.Errorf("%s asks for %q, not %q", path, asked, want)
		}
		for what, times := range c.asked {
			if times > 1 {
				t.Errorf("%s asks for %s %d times", path, what, times)
			}
		}
	}
}
