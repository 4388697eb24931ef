package app

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"syscall"

	"github.com/simshift/simshift/console"
	"github.com/simshift/simshift/console/access"
)

// consoleOff as an address keeps serve from having a console.
const consoleOff = "off"

// privateListener is the console, bound and ready to be served; nil where there is none.
type privateListener struct {
	*console.Console

	socket net.Listener
}

// consoleListener binds the console. An address that somebody chose must be free; the default one need not be, since other
// programs, and another serve, may have it.
func (d *deployment) consoleListener(ctx context.Context, make func(*access.Guard) *console.Console) (*privateListener, error) {
	r := reader{env: d.env}
	address := r.text("CONSOLE_LISTEN")
	if r.err != nil || address == consoleOff || address == "" {
		return nil, r.err
	}
	guard, err := d.guard(address)
	if err != nil {
		return nil, err
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	setting, _ := find("CONSOLE_LISTEN")
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && address == setting.Default:
		d.log.WarnContext(ctx, "no console: its address is taken; set SIMSHIFT_CONSOLE_LISTEN to another, or to off", "address", address)
		return nil, nil
	case err != nil:
		return nil, &Failure{Code: ExitError, Err: errors.Join(errors.New("listen for the console"), err),
			Hint: "choose another address with SIMSHIFT_CONSOLE_LISTEN, or off for none"}
	}
	d.log.InfoContext(ctx, "the console listens", "address", socket.Addr().String(), "tls", guard.Secure)
	if guard.Keys.Empty() {
		d.log.WarnContext(ctx, "nobody can use the console: `simshift tokens add NAME --role operator` makes the first token, "+
			"and SIMSHIFT_CONSOLE_TOKENS_FILE names the file")
	}
	return &privateListener{make(guard), socket}, nil
}

// guard reads who may use the console.
func (d *deployment) guard(address string) (*access.Guard, error) {
	r := reader{env: d.env}
	path := r.text("CONSOLE_TOKENS_FILE")
	config := access.Config{Now: d.env.Now, Log: d.log}
	var err error
	if config.Host, config.Secure, err = consoleURL(r.text("CONSOLE_URL")); cmp.Or(r.err, err) != nil {
		return nil, cmp.Or(r.err, err)
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
		return nil, usage("`simshift tokens add NAME --role operator` makes it, with the first token in it", "SIMSHIFT_CONSOLE_TOKENS_FILE: %w", err)
	}
	return nil, usage("correct it, or make it anew with `simshift tokens add`; only its owner may write it", "SIMSHIFT_CONSOLE_TOKENS_FILE: %w", err)
}

// consoleURL reads how browsers reach the console: by which name, and whether over TLS.
func consoleURL(text string) (host string, secure bool, err error) {
	if text == "" {
		return "", false, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" {
		return "", false, usage("give what stands before the first path in a browser, as https://simshift.example.com",
			"SIMSHIFT_CONSOLE_URL is no http or https URL of a host alone")
	}
	return u.Hostname(), u.Scheme == "https", nil
}

// isLoopback tells whether nobody but this machine reaches an address.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
