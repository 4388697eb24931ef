package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func simulatorCommand(env *app.Env) *cobra.Command {
	var o app.SimulatorOptions
	cmd := &cobra.Command{
		Use: "simulator", Short: "Play the carrier on a port: tokens, listeners, enable, callbacks, and a book of all it saw", Args: cobra.NoArgs,
		Long: `Plays the carrier. It accepts the credentials in SIMSHIFT_THINGSPACE_* (default: key, secret, user, pass), and
answers the paths of ThingSpace; set SIMSHIFT_THINGSPACE_URL to its address. What it saw stands at /_simulator/book,
/_simulator/devices, /_simulator/requests and /_simulator/incidents.

Shares are fractions from 0 to 1. Everything left to chance follows the seed.`,
		Example: "  simshift simulator\n  simshift simulator --latency 1s-5s --offline 0.05 --duplicates 0.02\n" +
			"  simshift simulator --listen 127.0.0.1:28200 --at 1=early --at 2=429:3 --at 3=expire --at 4=drop",
		RunE: func(cmd *cobra.Command, _ []string) error { return app.Simulate(cmd.Context(), env, o) },
	}
	flags, m, c := cmd.Flags(), &o.Config.Moods, &o.Config
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:28200", "the address to serve on")
	flags.Uint64Var(&c.Seed, "seed", 1, "decides what is left to chance")
	flags.StringVar(&o.Book, "book", "", "a file that gets every event as a JSON line")
	flags.StringVar(&o.Latency, "latency", "200ms-2s", "from a request to the callbacks of its devices")
	flags.StringVar(&o.Answer, "answer-delay", "0s", "from a request to its answer")
	flags.StringSliceVar(&c.Accounts, "account", nil, "the `accounts` there are (default: any)")
	flags.StringSliceVar(&c.Plans, "plan", nil, "the service `plans` there are (default: any)")
	flags.StringVar(&c.Role, "role", "LOCAL", "the role of profiles whose plan does not say US: LOCAL or LEAD")
	flags.Float64Var(&m.Offline, "offline", 0, "share of devices that are offline at first")
	flags.IntVar(&m.OfflineAttempts, "offline-attempts", 1, "for how many attempts they are, at most")
	flags.Float64Var(&m.OfflineForever, "offline-forever", 0, "share of devices that stay offline")
	flags.Float64Var(&m.Faulty, "faulty", 0, "share of devices with a permanent fault")
	flags.StringSliceVar(&o.FailAccounts, "fail-account", nil,
		"`share` of an account's devices with a permanent fault, as 0000123456-00001=0.3")
	flags.Float64Var(&m.Silent, "silent", 0, "share of devices that never call back")
	flags.Float64Var(&m.Lost, "lost", 0, "share of devices whose first callback is lost")
	flags.Float64Var(&m.Warning, "warning", 0, "share of callbacks that a warning precedes")
	flags.Float64Var(&m.Duplicates, "duplicates", 0, "share of callbacks that come 2 to 5 times")
	flags.StringVar(&o.Duplicate, "duplicate-delay", "0s", "how long after the first each of them comes, as 0s-5s")
	flags.Float64Var(&m.OtherProfile, "other-profile", 0, "share of devices whose old profile calls back, too")
	flags.Float64Var(&m.Stray, "stray", 0, "share of callbacks that come again under an unknown request id")
	flags.Float64Var(&m.Contradict, "contradict", 0, "share of successes in the wrong role")
	flags.Float64Var(&m.Tabular, "tabular", 0, "share of callbacks shaped as the document's table says")
	flags.Float64Var(&m.Early, "early", 0, "share of requests whose callbacks come before the answer")
	flags.Float64Var(&m.DropAnswers, "drop-answers", 0, "share of requests that are carried out and never answered")
	flags.Float64Var(&m.ResetBefore, "reset", 0, "share of requests whose connection is reset, with nothing carried out")
	flags.Float64Var(&m.Throttle, "throttle", 0, "share of requests answered 429")
	flags.Float64Var(&m.Unavailable, "unavailable", 0, "share of requests answered 503")
	flags.StringVar(&m.RetryAfter, "retry-after", "1", "the Retry-After of these")
	flags.StringSliceVar(&m.Poison, "poison", nil, "`EIDs` for whose sake a whole request is refused")
	flags.StringSliceVar(&m.Absent, "absent", nil, "`EIDs` that the carrier does not know")
	flags.BoolVar(&m.AlreadyActive, "already-active", false, "enabling an enabled profile is a fault")
	flags.StringArrayVar(&o.Acts, "at", nil,
		"what `happens` to the n-th request, as 4=drop, 2=429:3, 3=expire, 1=early, 5=502:executed, 6=slow:2s")
	flags.DurationVar(&m.TokenLife, "token-life", 0, "life of the bearer token (default 1h)")
	flags.DurationVar(&m.SessionLife, "session-life", 0, "how long a session may idle (default 20m)")
	flags.BoolVar(&m.RefuseLogins, "refuse-logins", false, "refuse every login")
	flags.StringSliceVar(&o.Resends, "resend", nil, "`delays` after which an unanswered callback comes again (default 5m,5m,5m)")
	flags.Float64Var(&c.RateLimit.RequestsPerSecond, "limit-requests", 0, "requests a second beyond which an incident is booked")
	flags.IntVar(&c.RateLimit.DevicesPerMinute, "limit-devices", 0, "devices a minute beyond which an incident is booked")
	flags.BoolVar(&c.RateLimit.Refuse, "limit-refuse", false, "answer 429 beyond them")
	return cmd
}
