package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/simshift/simshift/internal/app"
)

func jobsLimitsCommand(env *app.Env) *cobra.Command {
	options := app.LimitsOptions{Changes: make(map[string]string)}
	cmd := &cobra.Command{
		Use: "limits [JOB]", Short: "Show or set the limits of the deployment, or of one job, while everything runs", Args: cobra.MaximumNArgs(1),
		Long: `Without JOB: the limits of the deployment, over all workers together. What is set here is kept in Redis and stands above
the settings of every worker, until it is set to default; setting a limit also ends a slow-down.

With JOB: limits of one job beside the deployment's. Both hold; other jobs are not slowed by it. JOB is a job's id, the
beginning of one (4 characters at least), or a job's name.

A limit that is not given stays as it is; 0 is none; default goes back to the setting, and of a job takes its limit away.`,
		Example: "  simshift jobs limits\n  simshift jobs limits --requests 1/s --reason 'asked by the carrier'\n" +
			"  simshift jobs limits --requests default --devices default --max-in-flight default\n" +
			"  simshift jobs limits 0198c5a2 --devices 60000/min --max-in-flight 500000\n  simshift jobs limits 0198c5a2 --devices 0 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				options.Job = args[0]
				if options.Job == "" { // an unset variable must not mean the whole deployment
					return misuse(cmd, errors.New("JOB is empty"))
				}
			}
			cmd.Flags().Visit(func(flag *pflag.Flag) {
				switch flag.Name {
				case app.LimitRequests, app.LimitDevices, app.LimitMaxInFlight:
					options.Changes[flag.Name] = flag.Value.String()
				}
			})
			return app.ShowLimits(cmd.Context(), env, &options)
		},
	}
	cmd.Flags().String(app.LimitRequests, "", "requests to the carrier, as 2/s or 60/min; 0: no limit")
	cmd.Flags().String(app.LimitDevices, "", "devices sent, as 60000/min; 0: no limit")
	cmd.Flags().String(app.LimitMaxInFlight, "", "devices that may await their callback at once, as 500000; 0: no limit")
	cmd.Flags().StringVar(&options.Reason, "reason", "", "why, for those who ask later")
	formatFlag(cmd, &options.Format, app.Table, app.JSON)
	return cmd
}
