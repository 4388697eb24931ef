package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/simshift/simshift/internal/app"
)

func jobsRevertCommand(env *app.Env) *cobra.Command {
	options := new(app.RevertOptions)
	cmd := &cobra.Command{
		Use: "revert JOB", Short: "Make a new job that moves the devices which succeeded in JOB back; prints its id", Args: cobra.ExactArgs(1),
		Long: `Makes a new job to the other network, for the devices that succeeded in JOB: each is to enable the profile that JOB's
file named as its previous_iccid. JOB must have ended. The plan comes from --revert-plan, here or at the import of JOB.

Devices without a previous_iccid stop it; --only-known leaves them where they are. The new job is carried out as JOB was,
windows and waves included, as far as nothing else is given: --start, --window and --tz together replace JOB's schedule,
and --window 00:00-24:00 is any hour. It can itself be reverted. On a terminal the plan is shown and you are asked.`,
		Example: "  simshift jobs revert 0198c5a2 --revert-plan 'US 5MB'\n" +
			"  simshift jobs revert 0198c5a2 --only-known --window 00:00-24:00 --reason 'roaming fails in the north' --yes",
		RunE: func(cmd *cobra.Command, args []string) error {
			options.Overlay = func(o *app.ImportOptions) { overlay(cmd.Flags(), o) }
			return app.RevertJob(cmd.Context(), env, args[0], options)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.RevertPlan, "revert-plan", "", "the service plan to move back to (default: as JOB was imported with)")
	flags.StringVar(&options.Name, "name", "", "the new job's name (default: \"revert of\" and JOB's name)")
	flags.StringVar(&options.Reason, "reason", "", "why, for both jobs' logs and those who ask later")
	flags.BoolVar(&options.OnlyKnown, "only-known", false, "leave devices without a previous_iccid where they are")
	flags.BoolVar(&options.SkipRejects, "skip-rejects", false, "go on without devices that are refused, as those another job holds")
	flags.BoolVar(&options.Again, "again", false, "revert a job that was reverted before")
	flags.BoolVar(&options.Yes, "yes", false, "do not ask; without a terminal nobody is asked anyway")
	flags.StringVar(&options.RejectsFile, "rejects", "", "where to write refused devices (default: revert-of-JOB.rejected.csv)")
	policyFlags(flags, new(app.ImportOptions))
	formatFlag(cmd, &options.Format, app.Table, app.JSON)
	return cmd
}

// overlay sets those settings of a policy that were given as flags, and leaves the others as they are.
func overlay(given *pflag.FlagSet, o *app.ImportOptions) {
	policy := pflag.NewFlagSet("", pflag.ContinueOnError)
	policyFlags(policy, o)
	given.Visit(func(flag *pflag.Flag) {
		to := policy.Lookup(flag.Name)
		if to == nil {
			return
		}
		// What was read once can be read again.
		if list, many := flag.Value.(pflag.SliceValue); many {
			_ = to.Value.(pflag.SliceValue).Replace(list.GetSlice()) //nolint:forcetypeassert // the same kind of flag
			return
		}
		_ = to.Value.Set(flag.Value.String())
	})
}
