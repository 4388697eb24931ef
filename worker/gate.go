package worker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// stopWithin bounds the time the gate takes to finish the requests it has begun.
const stopWithin = 10 * time.Second

// Gate is where the world reaches the endpoint: who may come, how many at once, and how long they may take. Whoever is
// slow or large does so at his own cost.
type Gate struct {
	Secret      Credentials
	Sources     Sources
	Connections int // at most open at once
	// Certificate gives the certificate of a TLS handshake; nil: TLS ends elsewhere.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Answered is told of each answer: its status, and how long it took since the request's head was read. nil: nobody is.
	Answered func(status int, took time.Duration)
	Now      func() time.Time
	Log      *slog.Logger
}

// Serve takes callbacks from an open socket until ctx is done. What has been read is written and answered before it
// returns.
func (g *Gate) Serve(ctx context.Context, socket net.Listener, intake *Intake) error {
	door := newDoorman(g.Sources, g.Now, g.Log)
	room := newBounded(door.listener(socket), g.Connections) // strangers take nobody's place
	server := g.server(door.handler(newEndpoint(g, intake)))
	room.watch(server)

	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { intake.Run(writing) })

	failed := make(chan error, 1)
	running.Go(func() { failed <- server.Serve(g.secure(room)) })
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	// First the handlers, which wait for the writer; then the writer.
	err = errors.Join(err, shutdown(context.WithoutCancel(ctx), server))
	stopWriting()
	running.Wait()
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve callbacks: %w", err)
	}
	return nil
}

// server has HTTP/1.1 alone: there a connection is one request at a time, which the bound counts. HTTP/2 would carry
// hundreds of slow bodies in one, and gives a callback nothing.
func (g *Gate) server(handler http.Handler) *http.Server {
	server := &http.Server{
		Handler: handler,
		// The carrier sends a kilobyte at once. Whoever takes longer is no carrier, or will try again.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		// net/http would answer OPTIONS * by itself, past all that is asked of others.
		DisableGeneralOptionsHandler: true,
		Protocols:                    new(http.Protocols),
		ErrorLog:                     slog.NewLogLogger(g.Log.Handler(), slog.LevelDebug),
	}
	server.Protocols.SetHTTP1(true)
	return server
}

// secure stands outside the bound, so that a handshake that does not come to its end is a slow client like any other.
func (g *Gate) secure(room net.Listener) net.Listener {
	if g.Certificate == nil {
		return room
	}
	return tls.NewListener(room, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: g.Certificate,
	})
}

// shutdown lets the server answer what it has read. Whoever still sends after that was slow, and is cut off: no error.
func shutdown(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
