package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func jobsCommand(env *app.Env) *cobra.Command {
	return group("jobs", "List, show, watch and control jobs", "  simshift jobs list\n  simshift jobs watch 0198c5a2",
		jobsListCommand(env), jobsShowCommand(env), jobsWatchCommand(env),
		jobsPauseCommand(env), jobsResumeCommand(env), jobsCancelCommand(env), jobsRetryCommand(env), jobsRevertCommand(env),
		jobsApproveCommand(env), jobsPriorityCommand(env), jobsLimitsCommand(env), jobsLogCommand(env),
		jobsReportCommand(env))
}

func jobsListCommand(env *app.Env) *cobra.Command {
	var format app.Format
	cmd := &cobra.Command{
		Use: "list", Short: "List every job, the newest first", Args: cobra.NoArgs,
		Example: "  simshift jobs list\n  simshift jobs list -o json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return app.ListJobs(cmd.Context(), env, format) },
	}
	formatFlag(cmd, &format, app.Table, app.JSON)
	return cmd
}

func jobsShowCommand(env *app.Env) *cobra.Command {
	var format app.Format
	cmd := &cobra.Command{
		Use: "show JOB", Short: "Show one job: its devices by state, what it waits for, when it may end", Args: cobra.ExactArgs(1),
		Long:    "JOB is a job's id, the beginning of one (4 characters at least), or a job's name.",
		Example: "  simshift jobs show 0198c5a2\n  simshift jobs show spring-migration -o json",
		RunE:    func(cmd *cobra.Command, args []string) error { return app.ShowJob(cmd.Context(), env, args[0], format) },
	}
	formatFlag(cmd, &format, app.Table, app.JSON)
	return cmd
}

func jobsWatchCommand(env *app.Env) *cobra.Command {
	var format app.Format
	var every time.Duration
	cmd := &cobra.Command{
		Use: "watch JOB", Short: "Follow a job until it ends; exit 3 where devices did not succeed", Args: cobra.ExactArgs(1),
		Long: `Shows a job's progress until the job ends, and then the job. Exit code 0: every device succeeded; 3: some did not.
To stop watching changes nothing of the job.`,
		Example: "  simshift jobs watch 0198c5a2\n  simshift jobs watch 0198c5a2 --every 10s -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.WatchJob(cmd.Context(), env, args[0], max(every, 50*time.Millisecond), format)
		},
	}
	cmd.Flags().DurationVar(&every, "every", time.Second, "how often to look")
	formatFlag(cmd, &format, app.Table, app.JSON)
	return cmd
}
