package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/simshift/simshift/console/api"
)

// Health is how the deployment's parts are.
func (d *deployment) Health(ctx context.Context) (*api.Health, error) {
	h := new(api.Health)
	var err error
	inspector := asynq.NewInspectorFromRedisClient(d.rdb)
	if h.Workers, err = workers(inspector); err != nil {
		return nil, err
	}
	if h.Queues, err = queues(inspector); err != nil {
		return nil, err
	}
	if h.Losses, err = d.ledger.Losses(ctx); err != nil {
		return nil, err
	}
	h.Losses = append([]string{}, h.Losses...)
	if h.Redis, err = d.redisHealth(ctx); err != nil {
		return nil, err
	}
	if h.Login, err = d.loginHold(ctx); err != nil {
		return nil, err
	}
	h.Oldest, err = d.oldest(ctx)
	return h, err
}

func workers(inspector *asynq.Inspector) ([]api.Worker, error) {
	servers, err := inspector.Servers()
	if err != nil {
		return nil, fmt.Errorf("ask for workers: %w", err)
	}
	list := make([]api.Worker, 0, len(servers))
	for _, s := range servers {
		list = append(list, api.Worker{
			Host: s.Host, PID: s.PID, StartedAt: s.Started.UTC(), Active: len(s.ActiveWorkers), Concurrency: s.Concurrency,
		})
	}
	slices.SortFunc(list, func(a, b api.Worker) int { return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.PID, b.PID)) })
	return list, nil
}

func queues(inspector *asynq.Inspector) ([]api.Queue, error) {
	names, err := inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("ask for queues: %w", err)
	}
	slices.Sort(names)
	list := make([]api.Queue, 0, len(names))
	for _, name := range names {
		q, err := inspector.GetQueueInfo(name)
		if err != nil {
			return nil, fmt.Errorf("ask for the queue %s: %w", name, err)
		}
		list = append(list, api.Queue{
			Name: name, Pending: q.Pending, Active: q.Active, Scheduled: q.Scheduled, Retry: q.Retry, Oldest: q.Latency.Seconds(),
			Paused: q.Paused,
		})
	}
	return list, nil
}

// redisHealth tells what Redis says of itself; a hosted one may not tell all.
func (d *deployment) redisHealth(ctx context.Context) (r api.Redis, err error) {
	info, err := d.rdb.InfoMap(ctx, "server", "memory").Result()
	if err != nil {
		return r, fmt.Errorf("ask Redis how it is: %w", err)
	}
	r.Version = info["Server"]["redis_version"]
	r.Memory, _ = strconv.ParseInt(info["Memory"]["used_memory"], 10, 64)
	r.Most, _ = strconv.ParseInt(info["Memory"]["maxmemory"], 10, 64)
	if set, err := d.rdb.ConfigGet(ctx, "append*").Result(); err == nil && set["appendonly"] == "yes" {
		r.AOF = set["appendfsync"]
	}
	return r, nil
}

// loginHold tells why nobody logs in at the carrier, or "". Any configuration reads it: it is kept for a user at a place,
// which the settings name; without them there is nothing to tell.
func (d *deployment) loginHold(ctx context.Context) (string, error) {
	client, _, err := d.carrier()
	if err != nil {
		return "", nil //nolint:nilerr // a console need not have the carrier's credentials
	}
	hold, err := client.LoginHold(ctx)
	if err != nil || hold == nil {
		return "", err
	}
	return hold.String(), nil
}

// oldest finds the request that waits longest for its callbacks; nil where nothing is in flight.
func (d *deployment) oldest(ctx context.Context) (*api.Oldest, error) {
	b, found, err := d.ledger.Oldest(ctx)
	if err != nil || !found {
		return nil, err
	}
	return &api.Oldest{
		Job: b.Job, Batch: b.Number, RequestID: b.RequestID, SentAt: b.SentAt.UTC().Truncate(time.Second), DueAt: b.DueAt, Open: b.Open,
	}, nil
}
