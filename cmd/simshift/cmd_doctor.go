package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func doctorCommand(env *app.Env) *cobra.Command {
	var options app.DoctorOptions
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check Redis, credentials, listener and clock; show and clear a login hold", Args: cobra.NoArgs,
		Example: "  simshift doctor\n  simshift doctor --account 0000123456-00001\n  simshift doctor --clear-login-hold\n" +
			"  simshift doctor --notify",
		RunE: func(cmd *cobra.Command, _ []string) error { return app.Doctor(cmd.Context(), env, options) },
	}
	cmd.Flags().StringVar(&options.Account, "account", "", "also ask the carrier for this account's listener; logs in if nobody has")
	cmd.Flags().BoolVar(&options.ClearLoginHold, "clear-login-hold", false, "let workers log in again, after you corrected the credentials")
	cmd.Flags().BoolVar(&options.Notify, "notify", false, "also send a test to the webhook and the command that are told of news")
	formatFlag(cmd, &options.Format, app.Table, app.JSON)
	return cmd
}
