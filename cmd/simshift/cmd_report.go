package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func jobsReportCommand(env *app.Env) *cobra.Command {
	var format app.Format
	var out string
	cmd := &cobra.Command{
		Use: "report JOB", Short: "Report the morning after: what moved, what did not and why, what to do about it", Args: cobra.ExactArgs(1),
		Long: `Tells how a job went, the most important first: what needs a person, the faults in plain words with advice, accounts and
waves, the slowest devices and those tried most, the timeline, and who did what. It can be asked for while the job runs.

-o html is one page that needs nothing else: no script, no other file, no network. It can be mailed, kept and printed. -o json
has every figure. Reports name devices: with --out the file is readable by its owner only, and whole or not there at all.`,
		Example: "  simshift jobs report 0198c5a2\n  simshift jobs report 0198c5a2 -o html --out report.html\n" +
			"  simshift jobs report 0198c5a2 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.ShowReport(cmd.Context(), env, args[0], format, out)
		},
	}
	formatFlag(cmd, &format, app.Table, app.JSON, app.HTML)
	cmd.Flags().StringVar(&out, "out", "", "the file to write it to (default: standard output)")
	return cmd
}
