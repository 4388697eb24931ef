package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/simshift/simshift/internal/app"
)

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("no such command: %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
	}
	return misuse(cmd, err)
}

// misuse turns an error of the command line into exit code 2 with a hint.
func misuse(cmd *cobra.Command, err error) error {
	return &app.Failure{Code: app.ExitUsage, Err: err, Hint: "`" + cmd.CommandPath() + " --help` shows the usage and examples"}
}

// usageErrors makes every command's wrong arguments an error of use.
func usageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if told := new(app.Failure); err == nil || errors.As(err, &told) {
				return err
			}
			return misuse(cmd, wrongWords(cmd, args))
		}
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

// wrongWords tells what a command takes beside its flags, and what it got.
func wrongWords(cmd *cobra.Command, args []string) error {
	_, takes, _ := strings.Cut(cmd.Use, " ")
	switch {
	case takes == "":
		return fmt.Errorf("`%s` takes flags only, not %q", cmd.CommandPath(), args)
	case len(args) == 0:
		return fmt.Errorf("`%s %s` wants to know its %[2]s", cmd.CommandPath(), takes)
	}
	return fmt.Errorf("`%s %s` does not take %d words: %q", cmd.CommandPath(), takes, len(args), args)
}

// written tells how the values of a flag are written, by their type.
var written = map[string]string{
	"int": "a whole number", "int64": "a whole number", "uint64": "a whole number that is not negative",
	"float64": "a number, as 0.05", "duration": "a duration, as 90s, 15m or 6h",
}

// wrongFlag is an unknown flag, or a value that a flag can not have.
func wrongFlag(cmd *cobra.Command, err error) error {
	if wrong := new(pflag.InvalidValueError); errors.As(err, &wrong) {
		if want := written[wrong.GetFlag().Value.Type()]; want != "" {
			err = fmt.Errorf("--%s is %q, but must be %s", wrong.GetFlag().Name, wrong.GetValue(), want)
		}
	}
	return misuse(cmd, err)
}
