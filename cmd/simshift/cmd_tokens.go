package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func tokensCommand(env *app.Env) *cobra.Command {
	return group("tokens", "Decide who may use the console and the API",
		"  simshift tokens add alex --role operator --console-tokens-file tokens\n  simshift tokens list --console-tokens-file tokens",
		tokensAddCommand(env), tokensListCommand(env), tokensRemoveCommand(env))
}

func tokensAddCommand(env *app.Env) *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Give somebody a token; prints it once", Args: cobra.ExactArgs(1),
		Long: `Makes a token, prints it, and writes its digest with the name and the role into the tokens file, which is made if need be.
A running console knows it within a second. A viewer looks; an operator also changes jobs; an approver also lets large
jobs go that somebody else imported. NAME is what the jobs' logs then say.`,
		Example: "  simshift tokens add alex --role operator --console-tokens-file tokens\n" +
			"  simshift tokens add prometheus --role viewer --console-tokens-file tokens > prometheus.token",
		RunE: func(cmd *cobra.Command, args []string) error { return app.AddToken(cmd.Context(), env, args[0], role) },
	}
	cmd.Flags().StringVar(&role, "role", "", "what the person may do: viewer, operator or approver")
	_ = cmd.MarkFlagRequired("role") // the flag is there
	return cmd
}

func tokensListCommand(env *app.Env) *cobra.Command {
	var format app.Format
	cmd := &cobra.Command{
		Use: "list", Short: "Show who has a token, and with which role", Args: cobra.NoArgs,
		Example: "  simshift tokens list --console-tokens-file tokens",
		RunE:    func(cmd *cobra.Command, _ []string) error { return app.ListTokens(cmd.Context(), env, format) },
	}
	formatFlag(cmd, &format, app.Table, app.JSON)
	return cmd
}

func tokensRemoveCommand(env *app.Env) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Take somebody's token back; it ends what a browser was logged in with, too", Args: cobra.ExactArgs(1),
		Example: "  simshift tokens remove dana --console-tokens-file tokens",
		RunE:    func(cmd *cobra.Command, args []string) error { return app.RemoveToken(cmd.Context(), env, args[0]) },
	}
}
