// Package console is the private listener of simshift: pages for people, an API for programs, figures for monitoring. What it
// shows and does it asks of a desk; who may see and do it, of package access.
package console

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/simshift/simshift/console/access"
)

// stopWithin bounds the time that requests get to end when the listener does.
const stopWithin = 5 * time.Second

// Config is what the listener is made of.
type Config struct {
	Guard   *access.Guard
	Routes  []access.Route // of the pages and the API
	Metrics http.Handler   // for Prometheus; nil: none
	// Ready asks whatever the listener can not work without. A failure says why it can not.
	Ready func(context.Context) error
	// Certificate gives the certificate of a TLS handshake; nil: TLS ends elsewhere, or nowhere.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Log         *slog.Logger
}

// Console is the private listener.
type Console struct {
	config Config
	routes []access.Route
}

// New makes the listener. Two routes with one path are a mistake that it panics over, as [http.ServeMux] does.
func New(c Config) *Console {
	routes := slices.Concat(c.Routes, c.Guard.Routes(), []access.Route{
		{Method: http.MethodGet, Path: "/healthz", Needs: access.Anyone, Handle: alive},
		{Method: http.MethodGet, Path: "/readyz", Needs: access.Anyone, Handle: c.ready},
	})
	if c.Metrics != nil {
		routes = append(routes, access.Route{Method: http.MethodGet, Path: "/metrics", Needs: access.Viewer, Handle: c.Metrics.ServeHTTP})
	}
	return &Console{c, routes}
}

// Routes are all paths that the listener answers.
func (c *Console) Routes() []access.Route { return c.routes }

// Handler answers the routes, to those who may.
func (c *Console) Handler() http.Handler { return c.config.Guard.Handler(c.routes) }

// alive asks nobody: a process that can say so lives.
func alive(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }

// ready says no more than yes or no: why not is for the log, since anybody may ask.
func (c *Config) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := c.Ready(ctx); err != nil {
		c.Log.WarnContext(ctx, "not ready", "error", err)
		http.Error(w, "not ready: the log of simshift serve tells why", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ready")
}

// Serve answers on an open socket until ctx is done, and then lets what has begun come to its end. Streams of events must
// end by themselves.
func (c *Console) Serve(ctx context.Context, socket net.Listener) error {
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{
		Handler: c.Handler(),
		// Uploads, downloads and events take their time: their handlers set deadlines of their own.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(c.config.Log.Handler(), slog.LevelDebug),
	}
	if c.config.Certificate != nil {
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.config.Certificate}
	}
	failed := make(chan error, 1)
	go func() { failed <- listen(server, socket) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the console: %w", err)
	case <-ctx.Done():
	}
	err := shutdown(context.WithoutCancel(ctx), server)
	if failure := <-failed; !errors.Is(failure, http.ErrServerClosed) {
		err = errors.Join(err, failure)
	}
	return err
}

func listen(server *http.Server, socket net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(socket, "", "")
	}
	return server.Serve(socket)
}

// shutdown waits for the requests that have begun. What takes longer is a download that somebody can ask for again.
func shutdown(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
