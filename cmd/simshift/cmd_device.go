package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func deviceCommand(env *app.Env) *cobra.Command {
	var format app.Format
	cmd := &cobra.Command{
		Use: "device ID", Short: "Show one device by EID, ICCID or IMEI, in every job that has it", Args: cobra.ExactArgs(1),
		Example: "  simshift device 89049032123451234512345678901235\n  simshift device 490154203237518 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.ShowDevice(cmd.Context(), env, args[0], format)
		},
	}
	formatFlag(cmd, &format, app.Table, app.JSON)
	return cmd
}
