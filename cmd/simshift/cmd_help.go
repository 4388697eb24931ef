package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// addBuiltIns puts cobra's own commands into the form of ours: with examples, and errors of use.
func addBuiltIns(root *cobra.Command) {
	root.SetHelpCommand(helpCommand())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Short, cmd.Example = "Print the completion script of a shell", "  simshift completion bash > simshift.bash"
		cmd.Long = "Prints a script that makes a shell complete simshift's commands and flags. The help of each tells how to load it."
		cmd.Args = noSuchCommand
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		for _, shell := range cmd.Commands() {
			shell.Short = "Print the completion script of " + shell.Name()
			shell.Example = "  simshift completion " + shell.Name()
		}
	}
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND ...]", Short: "Show what a command does, its flags and examples", Args: cobra.ArbitraryArgs,
		Example: "  simshift help import\n  simshift help jobs limits",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = fmt.Errorf("no such command: %q", strings.Join(args, " "))
			}
			if err != nil {
				return misuse(cmd.Root(), err)
			}
			about.InitDefaultHelpFlag() // or it would not be listed
			return about.Help()
		},
	}
}
