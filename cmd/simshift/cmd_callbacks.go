package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func callbacksCommand(env *app.Env) *cobra.Command {
	return group("callbacks", "Register, list and remove the carrier's callback listeners; show parked callbacks",
		"  simshift callbacks list --account 0000123456-00001",
		callbacksRegisterCommand(env), callbacksListCommand(env), callbacksRemoveCommand(env), callbacksParkedCommand(env))
}

func accountFlag(cmd *cobra.Command, account *string) {
	cmd.Flags().StringVar(account, "account", "", "the carrier account, as 0000123456-00001 (required)")
	_ = cmd.MarkFlagRequired("account") // the flag is defined one line above
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if *account == "" {
			return misuse(cmd, errors.New("--account is empty"))
		}
		return nil
	}
}

func callbacksRegisterCommand(env *app.Env) *cobra.Command {
	var account string
	var replace bool
	cmd := &cobra.Command{
		Use: "register", Short: "Make SIMSHIFT_CALLBACK_URL an account's listener for profile actions", Args: cobra.NoArgs,
		Example: "  simshift callbacks register --account 0000123456-00001 --callback-url https://fleet.example.com:9001/callbacks/thingspace",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.RegisterCallbacks(cmd.Context(), env, account, replace)
		},
	}
	accountFlag(cmd, &account)
	cmd.Flags().BoolVar(&replace, "replace", false, "take over from another URL that stands there")
	return cmd
}

func callbacksListCommand(env *app.Env) *cobra.Command {
	var account string
	var format app.Format
	cmd := &cobra.Command{
		Use: "list", Short: "List an account's listeners", Args: cobra.NoArgs,
		Example: "  simshift callbacks list --account 0000123456-00001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.ListCallbacks(cmd.Context(), env, account, format)
		},
	}
	accountFlag(cmd, &account)
	formatFlag(cmd, &format, app.Table, app.JSON)
	return cmd
}

func callbacksRemoveCommand(env *app.Env) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use: "remove", Short: "Remove an account's listener for profile actions", Args: cobra.NoArgs,
		Example: "  simshift callbacks remove --account 0000123456-00001",
		RunE:    func(cmd *cobra.Command, _ []string) error { return app.RemoveCallbacks(cmd.Context(), env, account) },
	}
	accountFlag(cmd, &account)
	return cmd
}

func callbacksParkedCommand(env *app.Env) *cobra.Command {
	var format app.Format
	var most int64
	var replay, forget bool
	cmd := &cobra.Command{
		Use: "parked [ID ...]", Short: "List callbacks that fit no known request; workers try them again by themselves",
		Long: `Lists the callbacks that fit no known request, the oldest first. Workers try them again at every sweep and keep them
for seven days. --replay tries them again now, all of them or those of the given ids; --forget drops those of the given ids.`,
		Args: cobra.ArbitraryArgs,
		Example: "  simshift callbacks parked\n  simshift callbacks parked --most 1000 -o json\n  simshift callbacks parked --replay\n" +
			"  simshift callbacks parked --forget 0a1b2c3d4e5f6071",
		RunE: func(cmd *cobra.Command, ids []string) error {
			switch {
			case replay && forget:
				return misuse(cmd, errors.New("--replay and --forget exclude each other"))
			case (replay || forget) && cmd.Flags().Changed("output"):
				return misuse(cmd, errors.New("-o is for the list: --replay and --forget print no data"))
			case replay:
				return app.ReplayParked(cmd.Context(), env, ids)
			case forget:
				return app.ForgetParked(cmd.Context(), env, ids)
			case len(ids) > 0:
				return misuse(cmd, errors.New("say what to do with them: --replay or --forget"))
			}
			return app.ParkedCallbacks(cmd.Context(), env, most, format)
		},
	}
	cmd.Flags().BoolVar(&replay, "replay", false, "try them again now")
	cmd.Flags().BoolVar(&forget, "forget", false, "drop them for good")
	cmd.Flags().Int64Var(&most, "most", 50, "how many to list, the oldest first")
	formatFlag(cmd, &format, app.Table, app.JSON)
	return cmd
}
