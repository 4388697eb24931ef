package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/simshift/simshift/worker"
)

// stopWithin bounds the time a server takes to finish the requests it has begun.
const stopWithin = 10 * time.Second

// Serve receives the carrier's callbacks until ctx is done.
func Serve(ctx context.Context, env *Env) error {
	d, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer d.Close()
	r := reader{env: env}
	address := r.text("CALLBACK_LISTEN")
	secret := worker.Credentials{
		Username: r.text("CALLBACK_USERNAME"), Password: r.text("CALLBACK_PASSWORD"),
		PreviousPassword: r.text("CALLBACK_PREVIOUS_PASSWORD"),
	}
	if r.err != nil {
		return r.err
	}
	if secret.Password == "" {
		d.log.WarnContext(ctx, "callbacks are taken from anyone: set SIMSHIFT_CALLBACK_USERNAME and SIMSHIFT_CALLBACK_PASSWORD")
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return &Failure{Code: ExitError, Err: fmt.Errorf("listen for callbacks: %w", err),
			Hint: "choose another address with SIMSHIFT_CALLBACK_LISTEN"}
	}
	d.log.InfoContext(ctx, "listening for callbacks", "address", socket.Addr().String(), "path", worker.CallbackPath)
	defer d.witnessed(ctx)()
	return d.listen(ctx, socket, secret)
}

// listen serves callbacks on an open socket until ctx is done. What has been read is written and answered before it
// returns.
func (d *deployment) listen(ctx context.Context, socket net.Listener, secret worker.Credentials) error {
	intake := worker.NewIntake(d.settler(), d.log)
	server := &http.Server{
		Handler: worker.NewEndpoint(intake, secret, d.env.Now, d.log),
		// The carrier sends a kilobyte at once. Whoever takes longer is no carrier, or will try again.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { intake.Run(writing) })

	failed := make(chan error, 1)
	running.Go(func() { failed <- server.Serve(socket) })
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	// First the handlers, which wait for the writer; then the writer.
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	err = errors.Join(err, server.Shutdown(stopping))
	stopWriting()
	running.Wait()
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve callbacks: %w", err)
	}
	return nil
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
	r := reader{env: env}
	config := worker.Config{
		Redis: d.rdb, Books: d.ledger, Tasks: d.tasks, Settler: d.settler(), Witness: d.witness, Limiter: d.limiter,
		Carrier: client, Registry: client, Listener: own,
		Concurrency:    int(r.number("CONCURRENCY", 1, 1000)),
		RequestTimeout: cfg.Timeout,
		SweepEvery:     r.duration("SWEEP_EVERY", 100*time.Millisecond, time.Hour),
		Retention:      r.duration("RETENTION", time.Hour, 10*365*24*time.Hour),
		Now:            d.env.Now, Chance: rand.Float64, Log: d.log,
	}
	if r.err != nil {
		return r.err
	}
	d.log.InfoContext(ctx, "working", "carrier", cfg.BaseURL, "concurrency", config.Concurrency)
	defer d.witnessed(ctx)()
	return worker.New(config).Run(ctx)
}
