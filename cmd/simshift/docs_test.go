package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/simshift/simshift/internal/app"
)

// Every command that a document or a help text prints must be one that the program understands.
func TestEveryPrintedCommandIsUnderstood(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, path := range []string{
		"../../README.md", "../../CONTRIBUTING.md", "../../docs/operations.md", "../../docs/api.md", "../../docs/reliability.md",
		"../../docs/scale.md", "../../docs/console.md", "../../docker-compose.yml",
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".md") {
			text = []byte(strings.Join(fenced.FindAllString(string(text), -1), "\n"))
		}
		lines = append(lines, printedCommands(string(text))...)
	}
	for _, cmd := range commands() {
		lines = append(lines, printedCommands(cmd.Example)...)
	}
	if len(lines) < 30 {
		t.Fatalf("only %d commands were found", len(lines))
	}
	for _, line := range lines {
		if err := understood(line); err != nil {
			t.Errorf("simshift %s: %v", line, err)
		}
	}
}

var (
	commandLine = regexp.MustCompile(`(?m)^\s*(?:[A-Z_]+=\S+ )*(?:gunzip [^|]*\| )?(?:simshift|go run \./cmd/simshift) ([^\n]*)`)
	fenced      = regexp.MustCompile("(?s)```sh\n.*?```|(?m)^    simshift .*$")
	words       = regexp.MustCompile(`'[^']*'|\S+`)
)

// printedCommands finds command lines that begin with simshift, without their redirections and comments.
func printedCommands(text string) []string {
	var lines []string
	for _, found := range commandLine.FindAllStringSubmatch(text, -1) {
		line, _, _ := strings.Cut(found[1], " #")
		line, _, _ = strings.Cut(line, " >")
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// understood parses a command line without running it.
func understood(line string) error {
	var args []string
	for _, word := range words.FindAllString(line, -1) {
		args = append(args, strings.Trim(word, "'"))
	}
	cmd, rest, err := root(&app.Env{Flags: map[string]string{}}).Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return err
	}
	if cmd.Args == nil {
		return nil
	}
	return cmd.Args(cmd, cmd.Flags().Args())
}

// Every make target that a document prints is one of the Makefile's.
func TestEveryPrintedTargetIsThere(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	printed := regexp.MustCompile("(?m)(?:^    |^|`)make ([a-z]+)\\b")
	for _, path := range []string{"../../README.md", "../../CONTRIBUTING.md", "../../CHANGELOG.md", "../../docs/reliability.md",
		"../../docs/performance.md", "../../docs/scale.md",
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range printed.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(string(makefile), "\n.PHONY: "+found[1]+"\n") {
				t.Errorf("%s prints make %s, which is not in the Makefile", path, found[1])
			}
		}
	}
}
