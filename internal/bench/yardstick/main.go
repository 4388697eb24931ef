// Command yardstick is what simshift is measured against: CSV readers that do nothing else, a handler that only decodes, and the
// program that one would write on the first day, with the same four packages. It shares no code with simshift.
//
//	yardstick read-csv|read-unmarshaller|read-callback FILE
//	yardstick bare
//	yardstick import FILE
//	yardstick serve
//	yardstick export
//
// The day-one program is kept as a competent person would write it before anything was measured: a hash for each device, a
// transaction for each callback, pipelines of a thousand where there are many devices at once. It finds Redis by
// SIMSHIFT_REDIS_URL.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "yardstick:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say what to do: the comment at the top of main.go lists it")
	}
	if read, ok := readers[args[0]]; ok && len(args) == 2 {
		return withFile(args[1], read)
	}
	if args[0] == "bare" {
		return listen(ctx, bare)
	}
	options, err := redis.ParseURL(os.Getenv("SIMSHIFT_REDIS_URL"))
	if err != nil {
		return err
	}
	rdb := redis.NewClient(options)
	defer rdb.Close() //nolint:errcheck // the process ends
	switch {
	case args[0] == "import" && len(args) == 2:
		return withFile(args[1], func(file *os.File) error { return importFleet(ctx, rdb, file) })
	case args[0] == "serve":
		return listen(ctx, settling(rdb))
	case args[0] == "export":
		return export(ctx, rdb, os.Stdout)
	}
	return fmt.Errorf("no such yardstick: %q", args)
}

func withFile(path string, use func(*os.File) error) error {
	file, err := os.Open(path) //nolint:gosec // the harness names it
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return use(file)
}
