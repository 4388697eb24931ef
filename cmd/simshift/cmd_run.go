package main

import (
	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

func serveCommand(env *app.Env) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Receive the carrier's callbacks", Args: cobra.NoArgs,
		Long: `Receives the carrier's callbacks and writes each into Redis before it answers 2xx.

The listener serves callbacks and nothing else. Run one or more; they share everything through Redis.`,
		Example: "  SIMSHIFT_CALLBACK_USERNAME=simshift SIMSHIFT_CALLBACK_PASSWORD_FILE=/run/secrets/callback simshift serve\n" +
			"  simshift serve --callback-tls-cert fleet.crt --callback-tls-key fleet.key --callback-allow verizon\n" +
			"  simshift serve --callback-listen 127.0.0.1:9001 --callback-trusted-proxies 127.0.0.1",
		RunE: func(cmd *cobra.Command, _ []string) error { return app.Serve(cmd.Context(), env) },
	}
}

func workCommand(env *app.Env) *cobra.Command {
	return &cobra.Command{
		Use: "work", Short: "Send batches and keep deadlines; run as many as wanted", Args: cobra.NoArgs,
		Long: `Takes batches from the queues, sends them within the limits, and ends what is overdue.

Run as many as wanted on as many machines: limits hold over all of them together. SIGTERM finishes what has begun.`,
		Example: "  simshift work\n  simshift work --rate-requests 5/s --rate-devices 60000/min",
		RunE:    func(cmd *cobra.Command, _ []string) error { return app.Work(cmd.Context(), env) },
	}
}
