package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/simshift/simshift/internal/metrics"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/thingspace"
	"github.com/simshift/simshift/worker"
)

const (
	// jobFigures is how long a job that has ended keeps figures of its own, and mostJobFigures how many jobs have them.
	jobFigures     = 24 * time.Hour
	mostJobFigures = 200
)

// metrics answers scrapes with the figures of this process and of the deployment.
func (d *deployment) metrics() http.Handler {
	return d.figures.Handler(d.fates, metrics.NewDeployment(d.readFigures, d.env.Now))
}

// readFigures reads what all processes share. It reads records of jobs and never of devices.
func (d *deployment) readFigures(ctx context.Context) (f *metrics.Figures, err error) {
	f = new(metrics.Figures)
	list, phases, more, err := d.ledger.Recent(ctx, d.env.Now().Add(-jobFigures), mostJobFigures)
	if err != nil {
		return nil, err
	}
	f.Phases, f.LeftOut = phases, more
	for _, job := range list {
		told, err := d.readJob(ctx, job)
		if err != nil {
			return nil, err
		}
		f.Jobs = append(f.Jobs, told)
	}
	if f.Limits, err = d.limiter.Status(ctx); err != nil {
		return nil, err
	}
	if client, _, err := d.carrier(); err == nil {
		login, err := client.LoginHold(ctx)
		if err != nil {
			return nil, err
		}
		f.LoginHeld = login != nil
	}
	return f, errors.Join(d.readBacklog(ctx, f), d.readQueues(f))
}

// readJob reads what is not in a job's record.
func (d *deployment) readJob(ctx context.Context, job jobs.Job) (told metrics.Job, err error) {
	if told.Job = job; !job.State.Open() {
		return told, nil
	}
	if told.Oldest, err = d.ledger.OldestSent(ctx, job.ID); err != nil {
		return told, err
	}
	closed, err := d.closed(ctx, &job)
	told.InWindow = closed == ""
	return told, err
}

// readBacklog reads what waits beside the jobs.
func (d *deployment) readBacklog(ctx context.Context, f *metrics.Figures) (err error) {
	if f.Parked, err = d.ledger.ParkedCount(ctx); err != nil {
		return err
	}
	if f.ParkedAt, err = d.ledger.OldestParked(ctx); err != nil {
		return err
	}
	if f.InDoubt, err = d.ledger.UnknownCount(ctx); err != nil {
		return err
	}
	losses, err := d.ledger.Losses(ctx)
	f.Losses = len(losses)
	return err
}

// readQueues asks asynq, which takes no context: the client's own time-outs bound it.
func (d *deployment) readQueues(f *metrics.Figures) error {
	inspector := asynq.NewInspectorFromRedisClient(d.rdb)
	servers, err := inspector.Servers()
	if err != nil {
		return fmt.Errorf("ask for workers: %w", err)
	}
	names, err := inspector.Queues()
	if err != nil {
		return fmt.Errorf("ask for queues: %w", err)
	}
	alive := make(map[string]bool)
	for _, server := range servers { // a worker with heralds is two of asynq's
		alive[fmt.Sprint(server.Host, " ", server.PID)] = true
	}
	f.Workers = len(alive)
	for _, name := range names {
		short, ours := strings.CutPrefix(name, worker.QueuePrefix)
		if !ours {
			continue
		}
		queue, err := inspector.GetQueueInfo(name)
		if err != nil {
			return fmt.Errorf("ask how queue %s stands: %w", name, err)
		}
		f.Queues = append(f.Queues, metrics.Queue{
			Name: short, Latency: queue.Latency,
			Tasks: map[string]int{
				"pending": queue.Pending, "active": queue.Active, "scheduled": queue.Scheduled, "retry": queue.Retry,
				"archived": queue.Archived,
			},
		})
	}
	return nil
}

// counted is a carrier whose requests are counted.
type counted struct {
	worker.Carrier
	figures *metrics.Process
	now     func() time.Time
}

// Enable makes the request and counts it by its outcome.
func (c counted) Enable(ctx context.Context, r thingspace.EnableRequest) (string, error) {
	began := c.now()
	id, err := c.Carrier.Enable(ctx, r)
	c.figures.Requested(outcome(err), len(r.Devices), c.now().Sub(began))
	return id, err
}

// outcome is what came of a request, in one of a few words.
func outcome(err error) string {
	fault, known := errors.AsType[*thingspace.Error](err)
	switch {
	case err == nil:
		return "accepted"
	case !known:
		return "unknown"
	case fault.Status == http.StatusTooManyRequests:
		return "throttled"
	}
	return strings.ReplaceAll(fault.Outcome.String(), " ", "_")
}

// serveMetrics shows the figures of this process alone at the address that is set for them, if one is, until stop is called.
func (d *deployment) serveMetrics(ctx context.Context) (stop func(), err error) {
	r := reader{env: d.env}
	address := r.text("METRICS_LISTEN")
	if r.err != nil || address == "" {
		return func() {}, r.err
	}
	if !loopback(address) {
		return nil, usage("give a port of this machine, as 127.0.0.1:9464, and let an agent or a proxy on it be scraped from elsewhere",
			"SIMSHIFT_METRICS_LISTEN is %q, which others could reach: figures are shown without asking who comes", address)
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &Failure{Code: ExitError, Err: fmt.Errorf("listen for scrapes: %w", err),
			Hint: "choose another address with SIMSHIFT_METRICS_LISTEN"}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", d.figures.Handler(d.fates))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
			d.log.ErrorContext(ctx, "figures are not shown any more", "error", err)
		}
	}()
	d.log.InfoContext(ctx, "showing figures", "address", socket.Addr().String(), "path", "/metrics")
	return func() {
		_ = server.Close()
		<-ended
	}, nil
}

// loopback tells whether only this machine can reach an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
