package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

// changing makes a command that changes one job: with --reason, which goes into the job's log, and -o.
func changing(use, short, long, example string, do func(cmd *cobra.Command, c app.Control) error) *cobra.Command {
	var c app.Control
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Job = args[0]
			return do(cmd, c)
		},
	}
	cmd.Flags().StringVar(&c.Reason, "reason", "", "why, for the job's log and those who ask later")
	formatFlag(cmd, &c.Format, app.Table, app.JSON)
	return cmd
}

func jobsPauseCommand(env *app.Env) *cobra.Command {
	return changing("pause JOB", "Send nothing more of a job until it is resumed; what is in flight still settles", "",
		"  simshift jobs pause 0198c5a2 --reason 'support sees cars without network'",
		func(cmd *cobra.Command, c app.Control) error { return app.Pause(cmd.Context(), env, c) })
}

func jobsResumeCommand(env *app.Env) *cobra.Command {
	return changing("resume JOB", "Let a paused job go on: after a pause, a brake, or at a gate",
		"Lets a paused job go on. At a gate it opens the next wave; after a brake, what the brake saw is forgotten.",
		"  simshift jobs resume 0198c5a2 --reason 'looked at the ten failures: they are scrapped cars'",
		func(cmd *cobra.Command, c app.Control) error { return app.Resume(cmd.Context(), env, c) })
}

func jobsCancelCommand(env *app.Env) *cobra.Command {
	var devices []string
	var file string
	cmd := changing("cancel JOB", "Send nothing more of a job, or of single devices; what is in flight still settles",
		"Cancels the whole job; with --device or --devices-file only those devices, as far as they are not with the carrier.",
		"  simshift jobs cancel 0198c5a2 --reason 'wrong plan in the file'\n"+
			"  simshift jobs cancel 0198c5a2 --device 89049032123451234512345678901235 --reason 'sold'",
		func(cmd *cobra.Command, c app.Control) error {
			// Asked for by name: a variable that is not set must not mean the whole job.
			if flags := cmd.Flags(); flags.Changed("device") || flags.Changed("devices-file") {
				return app.CancelDevices(cmd.Context(), env, c, devices, file)
			}
			return app.Cancel(cmd.Context(), env, c)
		})
	cmd.Flags().StringSliceVar(&devices, "device", nil, "only this `device`, by EID, ICCID or IMEI; repeatable")
	cmd.Flags().StringVar(&file, "devices-file", "", "only the devices of this `file`, one a line")
	return cmd
}

func jobsApproveCommand(env *app.Env) *cobra.Command {
	return changing("approve JOB", "Let a large job go that another person imported",
		`Lets a job go that has more devices than SIMSHIFT_APPROVE_ABOVE. Whoever imported it can not approve it; SIMSHIFT_OPERATOR
says who you are.`,
		"  SIMSHIFT_OPERATOR=dana simshift jobs approve 0198c5a2 --reason 'numbers agree with the change request'",
		func(cmd *cobra.Command, c app.Control) error { return app.Approve(cmd.Context(), env, c) })
}

func jobsPriorityCommand(env *app.Env) *cobra.Command {
	var priority int
	cmd := changing("priority JOB", "Decide which of two jobs sends first",
		"While a job of higher priority has batches that can be sent, jobs below it wait. 0 is usual.",
		"  simshift jobs priority 0198c5a2 --to 5 --reason 'the recall goes first'",
		func(cmd *cobra.Command, c app.Control) error { return app.SetPriority(cmd.Context(), env, c, priority) })
	cmd.Flags().IntVar(&priority, "to", 0, "the priority, -9 to 9")
	_ = cmd.MarkFlagRequired("to") // the flag is there
	return cmd
}

func jobsRetryCommand(env *app.Env) *cobra.Command {
	o := app.RetryOptions{}
	cmd := changing("retry JOB", "Give devices that did not succeed another round of the same job",
		`Gives devices that failed, or were never answered, another round with attempts of their own, in the same job. A job that
has ended takes its devices up again; it is refused while another unfinished job holds any of them.`,
		"  simshift jobs retry 0198c5a2 --reason 'the plan was added to the account'\n"+
			"  simshift jobs retry 0198c5a2 --only unanswered --now --reason 'the outage is over'\n"+
			"  simshift jobs retry 0198c5a2 --fault UnifiedWebService.REQUEST_FAILED.UnexpectedError",
		func(cmd *cobra.Command, c app.Control) error { return app.Retry(cmd.Context(), env, c, o) })
	flags := cmd.Flags()
	flags.StringSliceVar(&o.Only, "only", []string{"failed", "unanswered"}, "which `states`: failed, unanswered, mismatched, cancelled")
	flags.StringVar(&o.Fault, "fault", "", "only those with this fault code")
	flags.BoolVar(&o.Now, "now", false, "at once, instead of after the job's first delay (--backoff)")
	return cmd
}

func jobsLogCommand(env *app.Env) *cobra.Command {
	var format app.Format
	cmd := &cobra.Command{
		Use: "log JOB", Short: "Show who did what to a job, and what was decided, with times and reasons", Args: cobra.ExactArgs(1),
		Example: "  simshift jobs log 0198c5a2\n  simshift jobs log 0198c5a2 -o csv > audit.csv",
		RunE:    func(cmd *cobra.Command, args []string) error { return app.ShowLog(cmd.Context(), env, args[0], format) },
	}
	formatFlag(cmd, &format, app.Table, app.JSON, app.CSV)
	return cmd
}
