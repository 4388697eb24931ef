package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/simshift/simshift/thingspace/simulator"
)

// SimulatorOptions are the flags of simulator.
type SimulatorOptions struct {
	Listen       string
	Config       simulator.Config
	Latency      string   // of callbacks, as 1s-5s
	Answer       string   // of requests
	Duplicate    string   // of repeated callbacks, after the first
	Resends      []string // delays of resends
	Acts         []string // what happens to the n-th request, as 4=drop
	FailAccounts []string // shares of devices that fail, as ACCOUNT=0.3
	Book         string   // a file for the book's lines
}

// Simulate plays the carrier until ctx is done.
func Simulate(ctx context.Context, env *Env, options SimulatorOptions) (err error) {
	config := options.Config
	if err := options.moods(&config.Moods); err != nil {
		return usage("`simshift simulator --help` shows how each is written", "%w", err)
	}
	r := reader{env: env}
	config.Key, config.Secret = r.text("THINGSPACE_KEY"), r.text("THINGSPACE_SECRET")
	config.Username, config.Password = r.text("THINGSPACE_USERNAME"), r.text("THINGSPACE_PASSWORD")
	log, err := newLog(env)
	if err = errors.Join(r.err, err); err != nil {
		return err
	}
	config.Logger = log
	if options.Book != "" {
		file, err := os.OpenFile(options.Book, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return &Failure{Code: ExitError, Err: fmt.Errorf("open the book: %w", err), Hint: "name another file with --book"}
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		config.Book = file
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", options.Listen)
	if err != nil {
		return &Failure{Code: ExitError, Err: fmt.Errorf("listen: %w", err), Hint: "choose another address with --listen"}
	}
	stop, failed, err := playCarrier(socket, config)
	if err != nil {
		_ = socket.Close()
		return usage("`simshift simulator --help` shows the ranges", "%w", err)
	}
	log.InfoContext(ctx, "playing the carrier", "address", "http://"+socket.Addr().String(), "seed", config.Seed,
		"book", "http://"+socket.Addr().String()+"/_simulator/book")
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	return errors.Join(err, stop())
}

func (o SimulatorOptions) moods(m *simulator.Moods) (err error) {
	if m.Latency, err = simulator.ParseSpan(o.Latency); err != nil {
		return fmt.Errorf("--latency: %w", err)
	}
	if m.Answer, err = simulator.ParseSpan(o.Answer); err != nil {
		return fmt.Errorf("--answer-delay: %w", err)
	}
	if m.DuplicateDelay, err = simulator.ParseSpan(o.Duplicate); err != nil {
		return fmt.Errorf("--duplicate-delay: %w", err)
	}
	for _, text := range o.Resends {
		delay, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("--resend: %w", err)
		}
		m.Resends = append(m.Resends, delay)
	}
	m.FailAccounts = make(map[string]float64)
	for _, text := range o.FailAccounts {
		account, share, _ := strings.Cut(text, "=")
		if m.FailAccounts[account], err = strconv.ParseFloat(share, 64); err != nil {
			return fmt.Errorf("--fail-account %q: write it as ACCOUNT=0.3", text)
		}
	}
	m.At = make(map[int]simulator.Act)
	for _, text := range o.Acts {
		n, act, err := simulator.ParseAct(text)
		if err != nil {
			return fmt.Errorf("--at: %w", err)
		}
		m.At[n] = act
	}
	return nil
}

// playCarrier serves a simulator on an open socket. stop ends it; failed tells when it ends by itself.
func playCarrier(socket net.Listener, config simulator.Config) (stop func() error, failed <-chan error, err error) {
	carrier, err := simulator.New(config)
	if err != nil {
		return nil, nil, err
	}
	carrier.Start()
	server := &http.Server{Handler: carrier.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(socket) }()
	stop = func() error { return errors.Join(server.Close(), carrier.Close()) }
	return stop, ended, nil
}
