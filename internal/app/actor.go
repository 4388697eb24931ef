package app

import (
	"cmp"
	"context"
	"os"
	"os/user"
	"strings"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// actor names who acts, and from where: whoever asked over the API, else whoever runs this process. It goes into the
// jobs' logs, and tells a second person from the first.
func actor(ctx context.Context, env *Env) (who, from string, err error) {
	if a, said := api.ActorOf(ctx); said {
		return a.Name, a.From, nil
	}
	r := reader{env: env}
	who = strings.Join(strings.Fields(r.text("OPERATOR")), " ")
	if r.err != nil {
		return "", "", r.err
	}
	if len(who) > 100 {
		return "", "", usage("give a name of at most 100 bytes", "SIMSHIFT_OPERATOR is %d bytes long", len(who))
	}
	if login, err := user.Current(); err == nil {
		who = cmp.Or(who, login.Username)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return cmp.Or(who, "somebody"), host, nil
}

// act is an entry for a job's log. Its words begin with what was done, and end with the reason that was given.
func (d *deployment) act(ctx context.Context, kind, words, reason string) (jobs.Entry, error) {
	who, from, err := actor(ctx, d.env)
	if reason = strings.Join(strings.Fields(reason), " "); reason != "" {
		words = strings.TrimPrefix(words+": "+reason, ": ")
	}
	return jobs.Entry{Who: who, From: from, Act: kind, Words: words}, err
}
