package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// get asks for a value.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (*T, error) {
	value := new(T)
	if err := c.call(ctx, http.MethodGet, path, query, nil, value); err != nil {
		return nil, err
	}
	return value, nil
}

// job is a job's path. A name that is empty would ask for another path.
func job(word, rest string) (string, error) {
	if word == "" {
		return "", api.Misused("name the job: `simshift jobs list` shows every one", "JOB is empty")
	}
	return "/jobs/" + segment(word) + rest, nil
}

// segment is a part of a path. Dots alone would lead elsewhere.
func segment(word string) string {
	if word == "." || word == ".." {
		return strings.ReplaceAll(word, ".", "%2E")
	}
	return url.PathEscape(word)
}

// ofJob asks for something of a job.
func ofJob[T any](ctx context.Context, c *Client, word, rest string, query url.Values) (*T, error) {
	path, err := job(word, rest)
	if err != nil {
		return nil, err
	}
	return get[T](ctx, c, path, query)
}

func values(q api.PageQuery) url.Values {
	v := url.Values{}
	if q.After != "" {
		v.Set("after", q.After)
	}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

// Overview is as [api.Views] has it, and so are those that follow.
func (c *Client) Overview(ctx context.Context) (*api.Overview, error) {
	return get[api.Overview](ctx, c, "/overview", nil)
}

// Jobs are a page of the list of jobs.
func (c *Client) Jobs(ctx context.Context, q api.JobsQuery) (*api.JobPage, error) {
	v := values(q.PageQuery)
	if q.Which != "" {
		v.Set("which", q.Which)
	}
	return get[api.JobPage](ctx, c, "/jobs", v)
}

// Job is one job.
func (c *Client) Job(ctx context.Context, word string) (*jobs.Job, error) {
	return ofJob[jobs.Job](ctx, c, word, "", nil)
}

// Progress is how a job goes.
func (c *Client) Progress(ctx context.Context, word string) (*api.Progress, error) {
	return ofJob[api.Progress](ctx, c, word, "/progress", nil)
}

// Batches are a page of a job's batches.
func (c *Client) Batches(ctx context.Context, word string, q api.BatchesQuery) (*api.BatchPage, error) {
	v := values(q.PageQuery)
	if q.Open {
		v.Set("open", "true")
	}
	return ofJob[api.BatchPage](ctx, c, word, "/batches", v)
}

// Log is what was done to a job.
func (c *Client) Log(ctx context.Context, word string) ([]jobs.Entry, error) {
	list, err := ofJob[[]jobs.Entry](ctx, c, word, "/log", nil)
	if err != nil {
		return nil, err
	}
	return *list, nil
}

// Report is how a job went.
func (c *Client) Report(ctx context.Context, word string) (*api.Report, error) {
	return ofJob[api.Report](ctx, c, word, "/report", nil)
}

// Results writes the outcome of devices.
func (c *Client) Results(ctx context.Context, word string, q api.ResultsQuery, w io.Writer) error {
	path, err := job(word, "/results")
	if err != nil {
		return err
	}
	v := url.Values{"state": q.States, "fault": q.Faults, "account": q.Accounts, "format": {"csv"}}
	if q.JSON {
		v.Set("format", "jsonl")
	}
	if q.MinAttempts != 0 {
		v.Set("min_attempts", strconv.Itoa(q.MinAttempts))
	}
	return c.copy(ctx, http.MethodGet, path, v, nil, w)
}

// Device is a device in every job that has it.
func (c *Client) Device(ctx context.Context, identity string) ([]api.Device, error) {
	list, err := get[[]api.Device](ctx, c, "/devices/"+segment(identity), nil)
	if err != nil {
		return nil, err
	}
	return *list, nil
}

// Parked are callbacks that fit no known request.
func (c *Client) Parked(ctx context.Context, q api.PageQuery) (*api.ParkedPage, error) {
	return get[api.ParkedPage](ctx, c, "/callbacks/parked", values(q))
}

// limitsPath is where a job's limits are; the deployment's where it is empty.
func limitsPath(word string) string {
	if word == "" {
		return "/limits"
	}
	return "/jobs/" + segment(word) + "/limits"
}

// Limits are those in force.
func (c *Client) Limits(ctx context.Context, word string) (*api.Limits, error) {
	return get[api.Limits](ctx, c, limitsPath(word), nil)
}

// Health is how the deployment's parts are.
func (c *Client) Health(ctx context.Context) (*api.Health, error) {
	return get[api.Health](ctx, c, "/health", nil)
}
