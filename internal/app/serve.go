package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/simshift/simshift/worker"
)

// Serve receives the carrier's callbacks, and has the console beside them, until ctx is done.
func Serve(ctx context.Context, env *Env) error {
	d, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer d.Close()
	gate, err := d.gate()
	if err != nil {
		return err
	}
	r := reader{env: env}
	address := r.text("CALLBACK_LISTEN")
	if r.err != nil {
		return r.err
	}
	if gate.Secret.Password == "" {
		d.log.WarnContext(ctx, "callbacks are taken from anyone: set SIMSHIFT_CALLBACK_USERNAME and SIMSHIFT_CALLBACK_PASSWORD")
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return &Failure{Code: ExitError, Err: fmt.Errorf("listen for callbacks: %w", err),
			Hint: "choose another address with SIMSHIFT_CALLBACK_LISTEN"}
	}
	private, err := d.openConsole(ctx)
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	d.log.InfoContext(ctx, "listening for callbacks", "address", socket.Addr().String(), "path", worker.CallbackPath,
		"tls", gate.Certificate != nil)
	defer d.witnessed(ctx)()
	listening, ctx := errgroup.WithContext(ctx)
	listening.Go(func() error { return gate.Serve(ctx, socket, worker.NewIntake(d.settler(), d.log)) })
	if private != nil {
		listening.Go(func() error { return private.serve(ctx) })
	}
	return listening.Wait()
}

// Work does the jobs' work until ctx is done.
func Work(ctx context.Context, env *Env) error {
	d, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer d.Close()
	client, cfg, err := d.carrier()
	if err != nil {
		return err
	}
	own, err := listener(env)
	if err != nil {
		return err
	}
	heralds, err := d.workersHeralds()
	if err != nil {
		return err
	}
	r := reader{env: env}
	config := worker.Config{
		Redis: d.rdb, Books: d.ledger, Tasks: d.tasks, Settler: d.settler(), Witness: d.witness, Limiter: d.limiter,
		Carrier: counted{client, d.figures, d.env.Now}, Registry: client, Listener: own, Heralds: heralds, Tracer: d.told(),
		Concurrency:    int(r.number("CONCURRENCY", 1, 1000)),
		RequestTimeout: cfg.Timeout,
		SweepEvery:     r.duration("SWEEP_EVERY", 100*time.Millisecond, time.Hour),
		Retention:      r.duration("RETENTION", time.Hour, 10*365*24*time.Hour),
		Now:            d.env.Now, Chance: rand.Float64, Log: d.log,
	}
	if r.err != nil {
		return r.err
	}
	stopMetrics, err := d.serveMetrics(ctx)
	if err != nil {
		return err
	}
	defer stopMetrics()
	d.log.InfoContext(ctx, "working", "carrier", cfg.BaseURL, "concurrency", config.Concurrency)
	defer d.witnessed(ctx)()
	return worker.New(config).Run(ctx)
}
