// Command simshift moves fleets of eSIM devices between carrier profiles through ThingSpace's bulk enable call.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/simshift/simshift/internal/app"
)

func main() { os.Exit(run()) }

// flagMissing matches the error of wrong use for which cobra has no type.
var flagMissing = regexp.MustCompile(`^required flag`)

// run is main with its exit code. Signals become a context here and nowhere else; a second one ends at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	env := &app.Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Terminal: term.IsTerminal(int(os.Stderr.Fd())),
		Asks:     term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		Getenv:   os.Getenv, Flags: map[string]string{}, Now: time.Now,
	}
	return execute(ctx, env, os.Args[1:])
}

// execute carries out a command line and gives its exit code. What went wrong is told, with what to do about it.
func execute(ctx context.Context, env *app.Env, args []string) int {
	line := root(env)
	line.SetArgs(args)
	cmd, err := line.ExecuteContextC(ctx)
	if err != nil && flagMissing.MatchString(err.Error()) {
		err = misuse(cmd, err)
	}
	if err != nil {
		fmt.Fprintln(env.Err, "simshift:", err)
		if hint := app.Hint(err); hint != "" {
			fmt.Fprintln(env.Err, "  to go on:", hint)
		}
	}
	return app.ExitCode(err)
}
