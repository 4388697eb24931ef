package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func demoCommand(env *app.Env) *cobra.Command {
	var options app.DemoOptions
	cmd := &cobra.Command{
		Use: "demo", Short: "Run a whole migration in one process; needs nothing installed or running", Args: cobra.NoArgs,
		Long: `Runs an embedded Redis, a simulated carrier on a bad day, a worker and the callback listener in this process,
moves a made-up fleet through them in under a minute, and writes the results and a report of it.`,
		Example: "  simshift demo\n  simshift demo --devices 1000 -o json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return app.Demo(cmd.Context(), env, options) },
	}
	flags := cmd.Flags()
	flags.IntVar(&options.Devices, "devices", 25_000, "how many devices, 1 to 100000")
	flags.Uint64Var(&options.Seed, "seed", 1, "decides what is left to chance")
	flags.StringVar(&options.Folder, "folder", "", "where to write fleet.csv, results.csv and report.html (default: a new temporary folder)")
	formatFlag(cmd, &options.Format, app.Table, app.JSON)
	return cmd
}
