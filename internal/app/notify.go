package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/simshift/simshift/internal/notify"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/worker"
)

// herald tells the world outside in one way.
type herald struct {
	name     string
	to       string // for people, without what is secret
	send     func(context.Context, notify.News) error
	describe func(context.Context, *jobs.Job) error
}

// Name is the name by which the ledger keeps what was told.
func (h herald) Name() string { return h.name }

// Tell sends an entry of a job's log, with the job as it stands now.
func (h herald) Tell(ctx context.Context, job jobs.Job, number int64, e jobs.Entry) error {
	if err := h.describe(ctx, &job); err != nil {
		return err
	}
	counts := make(map[string]int64, len(job.Counts))
	for state, count := range job.Counts {
		counts[state.String()] = count
	}
	return h.send(ctx, notify.News{
		// The time too: a Redis that has lost the end of a log gives its numbers once more.
		ID:  fmt.Sprintf("%s-%d-%d", job.ID, number, e.At.UnixMilli()),
		Job: job.ID, Name: job.Name, State: string(job.State), Act: e.Act, Words: e.Words, Who: e.Who, At: e.At,
		Hold: job.Hold, Devices: job.Devices, Counts: counts,
	})
}

// heralds are those that the settings ask for.
func (d *deployment) heralds() (list []herald, err error) {
	webhook, err := readWebhook(d.env)
	if err != nil {
		return nil, err
	}
	if webhook != nil {
		to := "webhook at " + webhook.Host()
		if !webhook.Signs() {
			to += ", unsigned"
		}
		list = append(list, herald{"webhook", to, webhook.Send, d.describe})
	}
	command, err := readCommand(d.env, d.log)
	if err != nil {
		return nil, err
	}
	if command != nil {
		list = append(list, herald{"command", "command " + command.Path(), command.Send, d.describe})
	}
	return list, nil
}

// workersHeralds are the heralds as a worker takes them.
func (d *deployment) workersHeralds() ([]worker.Herald, error) {
	list, err := d.heralds()
	heralds := make([]worker.Herald, len(list))
	for i, h := range list {
		heralds[i] = h
	}
	return heralds, err
}

// awaitTold waits until all heralds were told of everything, but not for ever.
func (d *deployment) awaitTold(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	list, _ := d.heralds() // settings that were read before
	for _, h := range list {
		for ctx.Err() == nil {
			if untold, err := d.ledger.Untold(ctx, h.name); err != nil || len(untold) == 0 {
				break
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// readWebhook makes the webhook that is set, or nil.
func readWebhook(env *Env) (*notify.Webhook, error) {
	r := reader{env: env}
	address, secret := r.text("NOTIFY_URL"), r.text("NOTIFY_SECRET")
	if r.err != nil {
		return nil, r.err
	}
	if address == "" && secret != "" {
		return nil, usage("set SIMSHIFT_NOTIFY_URL, or unset the secret", "SIMSHIFT_NOTIFY_SECRET is set, but no webhook is")
	}
	if address == "" {
		return nil, nil //nolint:nilnil // none is wanted
	}
	webhook, err := notify.NewWebhook(address, secret, env.Now)
	switch {
	case errors.Is(err, notify.ErrURL):
		return nil, usage("give the whole address, as https://ops.example.com/hooks/simshift", "SIMSHIFT_NOTIFY_URL: %w", err)
	case errors.Is(err, notify.ErrPlainHTTP):
		return nil, usage("use https; plain http is for receivers on this machine", "SIMSHIFT_NOTIFY_URL: %w", err)
	case errors.Is(err, notify.ErrSecret):
		return nil, usage("make one: echo whsec_$(openssl rand -base64 32)", "SIMSHIFT_NOTIFY_SECRET: %w", err)
	}
	return webhook, err
}

// readCommand makes the command that is set, or nil.
func readCommand(env *Env, log *slog.Logger) (*notify.Command, error) {
	path, err := env.get("NOTIFY_COMMAND")
	if err != nil || path == "" {
		return nil, err
	}
	command, err := notify.NewCommand(path, env.Getenv, log)
	if err != nil {
		return nil, usage("give the whole path of one program, made executable, without arguments; a script of yours can take them in",
			"SIMSHIFT_NOTIFY_COMMAND: %w", err)
	}
	return command, nil
}

// checkNotify looks at who is told what happens; with a test, it tells them.
func (d *deployment) checkNotify(ctx context.Context, test bool) []finding {
	heralds, err := d.heralds()
	if err != nil {
		return []finding{{"notifications", false, err.Error(), Hint(err)}}
	}
	if len(heralds) == 0 {
		return []finding{{"notifications", !test, "none: nobody is told when a job ends or stops",
			"set SIMSHIFT_NOTIFY_URL or SIMSHIFT_NOTIFY_COMMAND"}}
	}
	var findings []finding
	for _, h := range heralds {
		found := finding{"notifications", true, h.to + "; not tried, --notify sends a test", ""}
		if test {
			found = d.tryHerald(ctx, h)
		}
		findings = append(findings, found)
	}
	return findings
}

func (d *deployment) tryHerald(ctx context.Context, h herald) finding {
	who, _, err := actor(ctx, d.env)
	if err == nil {
		err = h.send(ctx, notify.News{
			ID: "test-" + uuid.NewString(), Act: "test", Words: "sent by simshift doctor --notify", Who: who,
			At: d.env.Now().UTC(), Counts: map[string]int64{},
		})
	}
	if err != nil {
		return finding{"notifications", false, err.Error(), "see what the receiver says of it"}
	}
	return finding{"notifications", true, h.to + "; a test was sent", ""}
}
