package app

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"unicode"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/client"
	"github.com/simshift/simshift/jobs"
)

// A deployment is the desk on Redis.
var _ api.Desk = (*deployment)(nil)

// openDesk gives the desk that a command works at, and how to leave it.
func openDesk(ctx context.Context, env *Env) (api.Desk, func(), error) {
	r := reader{env: env}
	server := r.text("SERVER")
	if r.err != nil {
		return nil, nil, r.err
	}
	if server != "" {
		desk, err := remoteDesk(env, server)
		return desk, func() {}, err
	}
	d, err := open(ctx, env)
	if err != nil {
		return nil, nil, err
	}
	return d, d.Close, nil
}

// remoteDesk is that of another process. A token goes in the clear to this machine only.
func remoteDesk(env *Env, server string) (api.Desk, error) {
	host, secure, err := plainURL(server)
	if err != nil || !secure && !isLocal(host) {
		return nil, usage("give https://HOST, or http:// to this machine's own loopback address",
			"SIMSHIFT_SERVER is no address that a token may be sent to")
	}
	r := reader{env: env}
	path := r.text("TOKEN_FILE")
	if r.err != nil || path == "" {
		return nil, cmp.Or(r.err, usage("name the file with your token with --token-file", "--server stands alone"))
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names it
	token := strings.TrimSpace(string(text))
	if err != nil || token == "" || strings.ContainsFunc(token, unicode.IsSpace) {
		return nil, usage("put your token into the file, alone; `simshift tokens add` made it", "SIMSHIFT_TOKEN_FILE holds no token: %w",
			cmp.Or(err, errors.New("it is empty, or more than one word")))
	}
	return client.New(server, token), nil
}

// isLocal tells whether a host is this machine's own loopback.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// atDesk works at the desk, and leaves it.
func atDesk(ctx context.Context, env *Env, work func(api.Desk) error) error {
	desk, leave, err := openDesk(ctx, env)
	if err != nil {
		return err
	}
	defer leave()
	return work(desk)
}

// named finds the job that a person named.
func (d *deployment) named(ctx context.Context, word string) (jobs.Job, error) {
	if word == "" { // an unset variable, most likely
		return jobs.Job{}, usage("name the job: `simshift jobs list` shows every one", "JOB is empty")
	}
	return d.find(ctx, word)
}
