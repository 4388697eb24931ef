package app

import (
	"errors"
	"fmt"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// Exit codes of every command.
const (
	ExitOK         = 0
	ExitError      = api.Broken
	ExitUsage      = api.Misuse
	ExitIncomplete = api.Incomplete
	ExitRefused    = api.Refused
)

// Failure is an error with the exit code it ends the program with, and what the user can do next.
type Failure = api.Failure

// usage is a failure of use or configuration.
func usage(hint, format string, args ...any) error { return api.Misused(hint, format, args...) }

// refuse is a failure for safety's sake.
func refuse(hint, format string, args ...any) error {
	return &Failure{Code: ExitRefused, Err: fmt.Errorf(format, args...), Hint: hint}
}

// ExitCode gives the code to end the program with.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	if f := new(Failure); errors.As(err, &f) {
		return f.Code
	}
	return ExitError
}

// Hint gives what the user can do about an error, or "".
func Hint(err error) string {
	if f := new(Failure); errors.As(err, &f) {
		return f.Hint
	}
	if errors.Is(err, jobs.ErrNotFound) {
		return "`simshift jobs list` shows every job"
	}
	return ""
}
