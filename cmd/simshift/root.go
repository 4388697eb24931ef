package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/simshift/simshift/internal/app"
)

// root is the whole command line.
func root(env *app.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "simshift",
		Short:   "Move fleets of eSIM devices between carrier profiles",
		Version: version(),
		Long: `simshift moves whole fleets of eSIM devices between carrier profiles (US to Global, or back) through
ThingSpace's bulk enable call: CSV in, batches over Redis queues, one callback for each device, results out.

Exit codes: 0 all well; 1 error; 2 wrong use or configuration; 3 it worked, but some rows or devices did not
succeed; 4 refused for safety.`,
		Example: "  simshift demo                                # needs nothing installed or running\n" +
			"  simshift import fleet.csv --target global    # a real job\n" +
			"  simshift help import                         # its flags, with examples",
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
		Args:                       noSuchCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := staysHere(cmd); err != nil {
				return err
			}
			return settingsFromFlags(env, cmd.Root().PersistentFlags())
		},
	}
	cmd.SetIn(env.In)
	cmd.SetOut(env.Out)
	cmd.SetErr(env.Err)
	cmd.SetFlagErrorFunc(wrongFlag)
	addSettings(cmd.PersistentFlags())
	cmd.AddCommand(demoCommand(env), planCommand(env), importCommand(env), serveCommand(env), workCommand(env),
		jobsCommand(env), resultsCommand(env), deviceCommand(env), callbacksCommand(env), simulatorCommand(env),
		tokensCommand(env), doctorCommand(env))
	addBuiltIns(cmd)
	usageErrors(cmd)
	return cmd
}

// addSettings gives every setting that is no secret its flag.
func addSettings(flags *pflag.FlagSet) {
	for _, setting := range app.Settings {
		if setting.Secret {
			continue
		}
		// pflag would take what stands in backquotes for the name of the flag's value.
		text := strings.ReplaceAll(setting.Usage, "`", "'") + " (SIMSHIFT_" + setting.Name + ")"
		if setting.Default != "" {
			text += fmt.Sprintf(" (default %q)", setting.Default)
		}
		flags.String(setting.Flag(), "", text)
		flags.Lookup(setting.Flag()).DefValue = ""
	}
}

// settingsFromFlags notes the settings that were given as flags: they outrank the environment. A command's own flag of the
// same name is none of them.
func settingsFromFlags(env *app.Env, flags *pflag.FlagSet) error {
	for _, setting := range app.Settings {
		flag := flags.Lookup(setting.Flag())
		if !setting.Secret && flag != nil && flag.Changed {
			env.Flags[setting.Name] = flag.Value.String()
		}
	}
	return nil
}

// stays are the commands that do not work through a server, and why.
var stays = map[string]string{ //nolint:gosec // words about tokens are none
	"serve": "it is the server", "work": "it needs Redis itself", "demo": "it has all it needs", "simulator": "it plays the carrier",
	"doctor": "it checks what this machine reaches", "callbacks register": "it asks the carrier itself",
	"callbacks list": "it asks the carrier itself", "callbacks remove": "it asks the carrier itself",
	"tokens add": "tokens are in a file where the server is", "tokens list": "tokens are in a file where the server is",
	"tokens remove": "tokens are in a file where the server is",
}

// staysHere refuses a server to a command that would not ask it. In the environment it may stand: that is for all commands.
func staysHere(cmd *cobra.Command) error {
	why := stays[strings.TrimPrefix(cmd.CommandPath(), "simshift ")]
	if given := cmd.Root().PersistentFlags().Changed; why == "" || !given("server") && !given("token-file") {
		return nil
	}
	return &app.Failure{Code: app.ExitUsage, Err: fmt.Errorf("`%s` does not go through a server: %s", cmd.CommandPath(), why),
		Hint: "leave out --server and --token-file"}
}

// group makes a command that only holds others.
func group(use, short, example string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}

// formatFlag adds -o with the formats that a command knows; the first is the default.
func formatFlag(cmd *cobra.Command, format *app.Format, known ...app.Format) {
	*format = known[0]
	names := make([]string, len(known))
	for i, one := range known {
		names[i] = string(one)
	}
	cmd.Flags().VarP(&choice{format, names}, "output", "o", "how to print: "+strings.Join(names, ", "))
}

// choice is a flag with a few values.
type choice struct {
	format *app.Format
	known  []string
}

func (c *choice) String() string { return string(*c.format) }
func (c *choice) Type() string   { return "format" }
func (c *choice) Set(text string) error {
	if !slices.Contains(c.known, text) {
		return fmt.Errorf("must be %s", strings.Join(c.known, " or "))
	}
	*c.format = app.Format(text)
	return nil
}
