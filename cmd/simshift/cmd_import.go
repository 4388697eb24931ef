package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/simshift/simshift/internal/app"
)

func planCommand(env *app.Env) *cobra.Command {
	options := app.NewImportOptions()
	cmd := &cobra.Command{
		Use: "plan FLEET.csv", Short: "Show what import would do: rows, rejects, batches, hours; writes nothing", Args: cobra.ExactArgs(1),
		Long: `Reads and checks a CSV (- is standard input) as import does, by the same flags, and shows what would come of it: rows,
rejects and warnings, batches, waves, the earliest end by the limits and windows, and advice. Writes nothing. The exit
code is 3 where rows would be rejected.`,
		Example: "  simshift plan fleet.csv --account 0000123456-00001\n  gunzip -c fleet.csv.gz | simshift plan -",
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.ShowPlan(cmd.Context(), env, args[0], options)
		},
	}
	fleetFlags(cmd, options)
	formatFlag(cmd, &options.Format, app.Table, app.JSON)
	return cmd
}

func importCommand(env *app.Env) *cobra.Command {
	options := app.NewImportOptions()
	cmd := &cobra.Command{
		Use: "import FLEET.csv", Short: "Check a fleet, create its job and queue it; prints the job's id", Args: cobra.ExactArgs(1),
		Long: `Reads a CSV (- is standard input) with the columns eid and iccid, and optionally imei, account_name and
service_plan, in any order and case; other columns are ignored. ICCID is the profile to enable. A column previous_iccid,
the profile that is enabled until then, makes it possible to move the devices back: ` + "`simshift jobs revert`" + `.

Any rejected row stops the import: nothing is created, FLEET.rejected.csv tells the rows and why, and the exit code
is 3. With --skip-rejects the good rows go on without them, and the exit code is 0.

On a terminal the plan is shown and you are asked; --yes, or no terminal, goes on at once. Choose --answer-within with
care: a device whose callback takes longer is sent again.`,
		Example: "  simshift import fleet.csv --target global --account 0000123456-00001 --plan 'Global IoT 5MB'\n" +
			"  simshift import fleet.csv --target us --skip-rejects --attempts 8 --answer-within 12h --yes",
		RunE: func(cmd *cobra.Command, args []string) error { return app.Import(cmd.Context(), env, args[0], options) },
	}
	fleetFlags(cmd, options)
	flags := cmd.Flags()
	flags.StringVar(&options.Name, "name", "", "the job's name (default: the file's name)")
	flags.StringVar(&options.Reason, "reason", "", "why, for the job's log and those who ask later")
	flags.BoolVar(&options.SkipRejects, "skip-rejects", false, "go on without the rejected rows")
	flags.BoolVar(&options.Again, "again", false, "import a file that was imported before")
	flags.BoolVar(&options.Yes, "yes", false, "do not ask; without a terminal nobody is asked anyway")
	flags.StringVar(&options.RejectsFile, "rejects", "", "where to write rejected rows (default: FLEET.rejected.csv beside the file)")
	formatFlag(cmd, &options.Format, app.Table, app.JSON)
	return cmd
}

// fleetFlags are those that decide what a file becomes.
func fleetFlags(cmd *cobra.Command, o *app.ImportOptions) {
	flags := cmd.Flags()
	flags.StringVar(&o.Target, "target", "", "where the profiles belong: global or us")
	flags.StringVar(&o.Account, "account", "", "the account of rows without their own")
	flags.StringVar(&o.Plan, "plan", "", "the service plan of rows without their own; it must belong to the target network")
	flags.BoolVar(&o.Strict, "strict", false, "reject rows with a wrong check digit instead of warning")
	flags.StringVar(&o.Policy.RevertPlan, "revert-plan", "", "the service plan that a revert of the job moves its devices back to")
	policyFlags(flags, o)
}

// policyFlags are those that decide how a job is carried out. Each defaults to what the options have: to define a flag sets what
// it stands for, which may be another job's.
func policyFlags(flags *pflag.FlagSet, o *app.ImportOptions) {
	flags.IntVar(&o.Policy.BatchSize, "batch-size", o.Policy.BatchSize, "most devices in one request, at most 10000")
	flags.IntVar(&o.Policy.Attempts, "attempts", o.Policy.Attempts, "most attempts for a device")
	flags.DurationVar(&o.Policy.AnswerWithin, "answer-within", o.Policy.AnswerWithin, "how long a callback may take")
	flags.DurationVar(&o.Policy.Backoff, "backoff", o.Policy.Backoff, "delay before the second attempt; doubles with each further one")
	flags.DurationVar(&o.Policy.BackoffMax, "backoff-max", o.Policy.BackoffMax, "the longest such delay")
	rolloutFlags(flags, o)
	flags.DurationVar(&o.Policy.DoubtGrace, "doubt-grace", o.Policy.DoubtGrace, "how long a request of unknown outcome counts as in flight")
}

// rolloutFlags are those that decide when a fleet goes, in which parts, and what stops it.
func rolloutFlags(flags *pflag.FlagSet, o *app.ImportOptions) {
	r := &o.Rollout
	flags.StringVar(&r.Start, "start", "", "send nothing before this `time`: RFC 3339, 22:00, or 'tomorrow 22:00'")
	flags.StringArrayVar(&r.Windows, "window", nil, "send only in this `window`, as 22:00-05:00 or 'mon-fri 22:00-05:00'; repeatable")
	flags.StringVar(&r.Zone, "tz", "", "the time `zone` of --start and --window, as America/Chicago (default: this machine's)")
	flags.Int64Var(&o.Policy.PerWindow, "per-window", o.Policy.PerWindow, "most devices sent in one window; 0: no bound")
	flags.StringVar(&r.Waves, "waves", "", "let the fleet go in `parts`, one after the other, as 100,5%,100%")
	flags.StringVar(&r.Gate, "gate", "", "least `share` of a wave that must succeed before the next (default 95%)")
	flags.BoolVar(&o.Policy.GateByHand, "gate-by-hand", o.Policy.GateByHand, "wait for 'jobs resume' before each further wave")
	flags.StringArrayVar(&r.Brakes, "brake", nil, "pause when this `share` of answers fails, as 10%, or CODE=2% for one fault; repeatable")
	flags.IntVar(&o.Policy.Brake.Last, "brake-last", o.Policy.Brake.Last, "how many of the latest answers the brake looks at")
	flags.IntVar(&o.Policy.Brake.Least, "brake-least", o.Policy.Brake.Least, "how many there must be before the brake judges")
	flags.IntVar(&r.Priority, "priority", r.Priority, "of two jobs the higher one sends first, -9 to 9")
}
