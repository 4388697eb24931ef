package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

const (
	runTimeout = 30 * time.Second // how long a command may run
	endTimeout = 2 * time.Second  // how long what it left behind may keep its output open
	outputMost = 4 << 10          // bytes of a failed command's output that are logged
	fieldMost  = 1 << 10          // bytes of a field in a command's environment
)

// Command runs a program for each piece of news.
type Command struct {
	path    string
	inherit []string // NAME=value, all that it gets of our own environment
	timeout time.Duration
	log     *slog.Logger
}

// ErrCommand is a command that can not be run.
var ErrCommand = errors.New("not the whole path of a program that may be run")

// NewCommand makes a command of the program at path. No shell has a part in it. Of our environment the program gets PATH,
// HOME and LANG. It fails with [ErrCommand].
func NewCommand(path string, getenv func(string) string, log *slog.Logger) (*Command, error) {
	if !filepath.IsAbs(path) {
		return nil, ErrCommand
	}
	if _, err := exec.LookPath(path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCommand, err)
	}
	c := &Command{path: path, timeout: runTimeout, log: log}
	for _, name := range []string{"PATH", "HOME", "LANG"} {
		if value := getenv(name); value != "" {
			c.inherit = append(c.inherit, name+"="+value)
		}
	}
	return c, nil
}

// Path is where the program is.
func (c *Command) Path() string { return c.path }

// Send runs the program with the news as JSON on its standard input and some of it as SIMSHIFT_NEWS_*. It succeeds when the
// program ends with 0; when ctx or the time is over, the program and all that it started are killed.
func (c *Command) Send(ctx context.Context, news News) error {
	body, err := json.Marshal(news)
	if err != nil {
		return fmt.Errorf("notify by %s: %w", c.path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var said output
	cmd := exec.CommandContext(ctx, c.path) //nolint:gosec // the operator names it
	cmd.Env = append(environment(news), c.inherit...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = bytes.NewReader(body), &said, &said, endTimeout
	asGroup(cmd)
	err = cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil { // it ended well, and left something behind
		return nil
	}
	if ctx.Err() != nil {
		err = errors.New("killed, for its time was over")
	}
	c.log.WarnContext(ctx, "the command for news failed", "command", c.path, "job", news.Job, "error", err, "output", string(said.kept))
	return fmt.Errorf("notify by %s: %w", c.path, err)
}

func environment(news News) (env []string) {
	for _, field := range [][2]string{
		{"ID", news.ID}, {"JOB", news.Job}, {"NAME", news.Name}, {"STATE", news.State}, {"ACT", news.Act}, {"WHO", news.Who},
		{"AT", news.At.Format(time.RFC3339)}, {"WORDS", news.Words},
	} {
		env = append(env, "SIMSHIFT_NEWS_"+field[0]+"="+oneLine(field[1]))
	}
	return env
}

// oneLine makes a text fit for an environment, which takes no NUL and nothing very long.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), fieldMost)], "")
}

// output keeps the beginning of what is written to it.
type output struct{ kept []byte }

func (o *output) Write(p []byte) (int, error) {
	o.kept = append(o.kept, p[:min(len(p), outputMost-len(o.kept))]...)
	return len(p), nil
}
