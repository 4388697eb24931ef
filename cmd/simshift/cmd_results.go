package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func resultsCommand(env *app.Env) *cobra.Command {
	var o app.ResultOptions
	cmd := &cobra.Command{
		Use: "results JOB", Short: "Write every device's outcome as CSV or JSON, in the order of the file's rows", Args: cobra.ExactArgs(1),
		Long: `Writes a CSV with one line for each device of the job, in the order of the imported rows:
row, eid, iccid, imei, account_name, service_plan, state, reason, attempts, fault, fault_text, request_id, settled_at.
It can be imported again as it is, for example to give the failed devices another job. With -o json it writes the same as
JSON, one object a line.

--join takes the very file that the job was imported from, and gives every row of it back, unchanged and in its order,
rejected and repeated rows too, behind what became of it: row, state, reason, attempts, fault, fault_text, request_id,
settled_at, duplicate_of. The state of a row that was rejected is "rejected"; its fault tells why, its fault_text what to
do. A repeated row has its device's outcome, and duplicate_of names the device's row. What it needs of the disk for that,
some 160 bytes a row, goes to TMPDIR.`,
		Example: "  simshift results 0198c5a2 > results.csv\n" +
			"  simshift results 0198c5a2 --join fleet.csv > fleet.done.csv\n" +
			"  simshift results 0198c5a2 --state failed,unanswered > again.csv\n" +
			"  simshift results 0198c5a2 --fault UnexpectedError -o json",
		RunE: func(cmd *cobra.Command, args []string) error { return app.WriteResults(cmd.Context(), env, args[0], o) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.States, "state", nil, "only devices in these `states`, as failed,unanswered")
	f.StringSliceVar(&o.Faults, "fault", nil, "only devices with these fault `codes`; what follows a code's last dot will do")
	f.StringSliceVar(&o.Accounts, "account", nil, "only devices of these `accounts`")
	f.IntVar(&o.MinAttempts, "min-attempts", 0, "only devices with so many attempts at least")
	f.StringVar(&o.Join, "join", "", "give every row and column of this `file`, which the job was imported from, back with its outcome")
	formatFlag(cmd, &o.Format, app.CSV, app.JSON)
	return cmd
}
