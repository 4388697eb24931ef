package app

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/simshift/simshift/console"
	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/live"
	"github.com/simshift/simshift/console/pages"
	"github.com/simshift/simshift/console/rest"
)

// consoleOff as an address keeps serve from having a console.
const consoleOff = "off"

// privateListener is the console, bound and ready to be served.
type privateListener struct {
	console *console.Console
	hub     *live.Hub
	uploads *spool
	socket  net.Listener
}

// serve serves the console until ctx is done.
func (p *privateListener) serve(ctx context.Context) error {
	defer p.uploads.close()
	beside, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop() // where the console fails by itself, too
	running.Go(func() { p.hub.Run(beside) })
	running.Go(func() { p.uploads.run(beside) })
	return p.console.Serve(ctx, p.socket)
}

// forOthers is the desk at which others work over HTTP: nobody at this process's terminal is asked or told anything.
func (d *deployment) forOthers(uploads *spool) *deployment {
	desk, env := *d, *d.env
	env.Asks, env.Terminal, env.Out, env.Err = false, false, io.Discard, io.Discard
	desk.env, desk.uploads = &env, uploads
	return &desk
}

// openConsole binds the console; nil where there is to be none.
func (d *deployment) openConsole(ctx context.Context) (*privateListener, error) {
	r := reader{env: d.env}
	address := r.text("CONSOLE_LISTEN")
	if r.err != nil || address == consoleOff || address == "" {
		return nil, r.err
	}
	guard, err := d.guard(address)
	if err != nil {
		return nil, err
	}
	pair, err := readCertificate(d.env, "CONSOLE", d.log)
	if err != nil {
		return nil, err
	}
	most := r.number("UPLOAD_MAX", 1, 1<<40)
	if r.err != nil {
		return nil, r.err
	}
	socket, err := d.consoleSocket(ctx, address)
	if socket == nil {
		return nil, err
	}
	uploads, err := openSpool(most, d.env.Now)
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	desk := d.forOthers(uploads)
	p := &privateListener{hub: live.New(desk, d.env.Now, d.log), uploads: uploads, socket: socket}
	config := console.Config{
		Guard: guard, Log: d.log, Metrics: d.metrics(), Ready: func(ctx context.Context) error { return d.rdb.Ping(ctx).Err() },
	}
	if pair != nil {
		config.Certificate, guard.Secure = pair.get, true
	}
	views := pages.New(desk, pages.Options{Now: d.env.Now, Log: d.log, Secure: guard.Secure})
	guard.LoginPage = views.Login
	config.Routes = slices.Concat(views.Routes(), rest.New(desk, p.hub, d.log).Routes())
	p.console = console.New(config)
	d.log.InfoContext(ctx, "the console listens", "address", socket.Addr().String(), "tls", pair != nil)
	if guard.Keys.Empty() {
		d.log.WarnContext(ctx, "nobody can use the console: `simshift tokens add NAME --role operator` makes the first token, "+
			"and SIMSHIFT_CONSOLE_TOKENS_FILE names the file")
	}
	return p, nil
}

// consoleSocket binds the address. One that somebody chose must be free, be it the default one; that which nobody chose need
// not be, since other programs, and another serve, may have it: then there is no console.
func (d *deployment) consoleSocket(ctx context.Context, address string) (net.Listener, error) {
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && !d.env.chosen("CONSOLE_LISTEN"):
		d.log.WarnContext(ctx, "no console: its address is taken; set SIMSHIFT_CONSOLE_LISTEN to another, or to off", "address", address)
		return nil, nil
	case err != nil:
		return nil, &Failure{Code: ExitError, Err: errors.Join(errors.New("listen for the console"), err),
			Hint: "choose another address with SIMSHIFT_CONSOLE_LISTEN, or off for none"}
	}
	return socket, nil
}

// guard reads who may use the console.
func (d *deployment) guard(address string) (*access.Guard, error) {
	r := reader{env: d.env}
	path := r.text("CONSOLE_TOKENS_FILE")
	config := access.Config{Now: d.env.Now, Log: d.log}
	public := r.text("CONSOLE_URL")
	if r.err != nil {
		return nil, r.err
	}
	var err error
	if public != "" {
		if config.Host, config.Secure, err = plainURL(public); err != nil {
			return nil, usage("give what stands before the first path in a browser, as https://simshift.example.com",
				"SIMSHIFT_CONSOLE_URL: %w", err)
		}
	}
	if config.Keys, err = openKeyring(path, d); err != nil {
		return nil, err
	}
	if path == "" && !isLoopback(address) {
		return nil, usage("set SIMSHIFT_CONSOLE_TOKENS_FILE (`simshift tokens add NAME --role operator` makes it), or bind a loopback address",
			"SIMSHIFT_CONSOLE_LISTEN is %q, which others can reach, and nobody has a token", address)
	}
	return access.NewGuard(config), nil
}

func openKeyring(path string, d *deployment) (*access.Keyring, error) {
	keys, err := access.OpenKeyring(path, d.env.Now, d.log)
	switch {
	case err == nil:
		return keys, nil
	case errors.Is(err, os.ErrNotExist):
		return nil, usage("`simshift tokens add NAME --role operator` makes it, with the first token in it",
			"SIMSHIFT_CONSOLE_TOKENS_FILE: %w", err)
	}
	return nil, usage("correct it, or make it anew with `simshift tokens add`; only its owner may write it",
		"SIMSHIFT_CONSOLE_TOKENS_FILE: %w", err)
}

// plainURL reads the URL of a host alone.
func plainURL(text string) (host string, secure bool, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return "", false, errors.New("it is no http or https URL of a host alone") // and not repeated: it may hold a password
	}
	return u.Hostname(), u.Scheme == "https", nil
}

// isLoopback tells whether nobody but this machine reaches an address.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLocal(host)
}
