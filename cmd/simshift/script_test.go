package main

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"github.com/simshift/simshift/internal/app"
	"github.com/simshift/simshift/internal/redistest"
)

// testsPerProcessor is how many tests run at a time for each processor, unless -parallel says otherwise: they wait for a
// played carrier most of the time.
const testsPerProcessor = 3

func TestMain(m *testing.M) {
	// testing has defined the flag, and the command line, which is read after this, may say otherwise.
	_ = flag.Set("test.parallel", strconv.Itoa(testsPerProcessor*runtime.GOMAXPROCS(0)))
	testscript.Main(m, map[string]func(){"simshift": main})
}

// The commands as a person types them. Each script has a Redis of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			test, ok := env.T().(testing.TB)
			if !ok {
				test = t
			}
			env.Setenv("SIMSHIFT_REDIS_URL", redistest.Start(test).URL())
			return nil
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// Every command says what it is for, and every one that does something shows how.
func TestEveryCommandHasHelpAndAnExample(t *testing.T) {
	t.Parallel()
	for _, cmd := range commands() {
		if cmd.Short == "" || !strings.Contains(cmd.Example, "simshift") {
			t.Errorf("%s has no short help or no example", cmd.CommandPath())
		}
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			// What stands in backquotes in a flag's text is the name of its value; without, it is the name of a type of Go.
			if name, _ := pflag.UnquoteUsage(flag); strings.Contains(name, " ") || name == "strings" || name == "stringArray" {
				t.Errorf("the help of %s calls the value of --%s %q", cmd.CommandPath(), flag.Name, name)
			}
		})
	}
}

// No secret may be given as a flag: every user of the machine can read a command line.
func TestSecretsHaveNoFlags(t *testing.T) {
	t.Parallel()
	flags := root(&app.Env{Flags: map[string]string{}}).PersistentFlags()
	for _, setting := range app.Settings {
		if found := flags.Lookup(setting.Flag()) != nil; found == setting.Secret {
			t.Errorf("%s: secret %v, flag %v", setting.Name, setting.Secret, found)
		}
	}
}
