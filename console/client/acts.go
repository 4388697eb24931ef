package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// post has something done at a path.
func post[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	value := new(T)
	if err := c.call(ctx, http.MethodPost, path, nil, body, value); err != nil {
		return nil, err
	}
	return value, nil
}

// toJob has something done to a job.
func toJob[T any](ctx context.Context, c *Client, word, rest string, body any) (*T, error) {
	path, err := job(word, rest)
	if err != nil {
		return nil, err
	}
	return post[T](ctx, c, path, body)
}

// Control does an act on a job.
func (c *Client) Control(ctx context.Context, word string, order api.Command) (*api.Controlled, error) {
	return toJob[api.Controlled](ctx, c, word, "/"+segment(order.Act), order)
}

// Drop cancels single devices.
func (c *Client) Drop(ctx context.Context, word string, d api.Drop) ([]api.Dropped, error) {
	list, err := toJob[[]api.Dropped](ctx, c, word, "/devices/cancel", d)
	if err != nil {
		return nil, err
	}
	return *list, nil
}

// SetLimits sets limits.
func (c *Client) SetLimits(ctx context.Context, word string, change api.LimitsChange) (*api.Limits, error) {
	limits := new(api.Limits)
	return limits, c.call(ctx, http.MethodPut, limitsPath(word), nil, change, limits)
}

// Replay tries parked callbacks again.
func (c *Client) Replay(ctx context.Context, ids []string) (*api.Replayed, error) {
	return post[api.Replayed](ctx, c, "/callbacks/parked/replay", api.ParkedIDs{IDs: ids})
}

// Forget drops parked callbacks.
func (c *Client) Forget(ctx context.Context, ids []string) error {
	_, err := post[api.ParkedIDs](ctx, c, "/callbacks/parked/forget", api.ParkedIDs{IDs: ids})
	return err
}

// Revert makes a job that moves devices back.
func (c *Client) Revert(ctx context.Context, word string, o api.RevertOrder) (*jobs.Job, error) {
	return toJob[jobs.Job](ctx, c, word, "/revert", o)
}

// Upload sends a fleet.
func (c *Client) Upload(ctx context.Context, name string, csv io.Reader) (*api.Upload, error) {
	answer, err := c.send(ctx, http.MethodPost, "/uploads", url.Values{"file": {name}}, "text/csv", csv)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	u := new(api.Upload)
	return u, c.read(answer, u)
}

// Plan tells what an import would do.
func (c *Client) Plan(ctx context.Context, upload string, o api.Order) (*api.Plan, error) {
	return post[api.Plan](ctx, c, "/uploads/"+segment(upload)+"/plan", o)
}

// Rejects writes rejected rows.
func (c *Client) Rejects(ctx context.Context, upload string, o api.Order, w io.Writer) error {
	return c.copy(ctx, http.MethodPost, "/uploads/"+segment(upload)+"/rejects", nil, o, w)
}

// Import makes a job.
func (c *Client) Import(ctx context.Context, upload string, o api.Order) (*jobs.Job, error) {
	return post[jobs.Job](ctx, c, "/jobs", api.UploadOrder{Order: o, Upload: upload})
}
