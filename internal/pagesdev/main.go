// Command pagesdev serves the console's pages from made-up jobs, without Redis and without tokens: for those who work on the
// pages. It listens on this machine only. The night goes on while it runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/console/live"
	"github.com/simshift/simshift/console/pages"
	"github.com/simshift/simshift/console/rest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address; port 0 is any free one")
	role := flag.Int("role", int(access.Approver), "who looks: 1 a viewer, 2 an operator, 3 an approver")
	empty := flag.Bool("empty", false, "a deployment on its first day")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, *listen, access.Role(*role), *empty); err != nil {
		fmt.Fprintln(os.Stderr, "pagesdev:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be stopped
	}
}

func serve(ctx context.Context, listen string, role access.Role, empty bool) error {
	desk := fixture.New(time.Now, 1)
	if empty {
		desk = fixture.Empty(time.Now)
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("http://%s/\n", socket.Addr())
	handler, hub := console(desk, access.Person{Name: "mara", Role: role}, pages.Options{Now: time.Now})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go hub.Run(ctx)
	go goOn(ctx, desk)
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// console is the pages and the API at a desk, as somebody sees them. What is live in them comes of the hub, which is to be run.
func console(desk api.Desk, who access.Person, o pages.Options) (http.Handler, *live.Hub) {
	mux := http.NewServeMux()
	hub := live.New(desk, o.Now, slog.Default())
	for _, route := range slices.Concat(pages.New(desk, o).Routes(), rest.New(desk, hub, slog.Default()).Routes()) {
		mux.HandleFunc(route.Method+" "+route.Path, route.Handle)
	}
	return as(who, mux), hub
}

// as lets somebody in without a token, and tells the browser what a page may do, as the real guard does.
func as(who access.Person, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		ctx := api.WithActor(access.WithPerson(r.Context(), who), api.Actor{Name: who.Name, From: "here"})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// goOn lets the night pass at the speed of the clock.
func goOn(ctx context.Context, desk *fixture.Desk) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			desk.Advance(time.Second)
		}
	}
}
