package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func resultsCommand(env *app.Env) *cobra.Command {
	var states []string
	cmd := &cobra.Command{
		Use: "results JOB", Short: "Write every device's outcome as CSV, in the order of the file's rows", Args: cobra.ExactArgs(1),
		Long: `Writes a CSV with one line for each device of the job, in the order of the imported rows:
row, eid, iccid, imei, account_name, service_plan, state, reason, attempts, fault, fault_text, request_id, settled_at.
It can be imported again as it is, for example to give the failed devices another job.`,
		Example: "  simshift results 0198c5a2 > results.csv\n  simshift results 0198c5a2 --state failed,unanswered > again.csv",
		RunE:    func(cmd *cobra.Command, args []string) error { return app.Results(cmd.Context(), env, args[0], states) },
	}
	cmd.Flags().StringSliceVar(&states, "state", nil, "only devices in these states, as failed,unanswered")
	return cmd
}
