package housekeeping

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// root is the repository. os.Root keeps a careless pattern inside it.
func root(t *testing.T) fs.FS {
	t.Helper()
	dir, err := os.OpenRoot("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir.FS()
}

// walk calls visit with every file of ours that has the ending.
func walk(t *testing.T, files fs.FS, ending string, visit func(name string)) {
	t.Helper()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && name != "." && (base[0] == '.' || base == "testdata" || base == "bin" || base == "tools") {
			return fs.SkipDir
		}
		if !entry.IsDir() && strings.HasSuffix(name, ending) {
			visit(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, files fs.FS, name string) string {
	t.Helper()
	text, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	files := root(t)
	documented := make(map[string]bool)
	walk(t, files, ".go", func(name string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		mode := parser.PackageClauseOnly | parser.ParseComments
		file, err := parser.ParseFile(token.NewFileSet(), name, read(t, files, name), mode)
		if err != nil {
			t.Error(err)
			return
		}
		begins := "Package " + file.Name.Name + " "
		if file.Name.Name == "main" {
			begins = "Command " + path.Base(path.Dir(name)) + " "
		}
		dir := path.Dir(name)
		documented[dir] = documented[dir] || strings.HasPrefix(file.Doc.Text(), begins)
	})
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no package comment that begins with its name", dir)
		}
	}
	if len(documented) < 5 {
		t.Errorf("only %d packages were found", len(documented))
	}
}

// A script is read by people who do not see the Go around it: it opens with what it does, its arguments and what it
// returns. A prelude has none of its own, and tells the keys.
func TestEveryScriptOpensWithItsContract(t *testing.T) {
	t.Parallel()
	files := root(t)
	scripts := 0
	walk(t, files, ".lua", func(name string) {
		scripts++
		contract, code := opening(read(t, files, name))
		must := []string{"eturns"}
		if path.Base(name) == "prelude.lua" {
			must = []string{"KEYS[1]"}
		} else if strings.Contains(code, "ARGV[") {
			must = append(must, "ARGV")
		}
		for _, word := range must {
			if !strings.Contains(contract, word) {
				t.Errorf("%s: its opening comment says nothing of %s", name, word)
			}
		}
	})
	if scripts == 0 {
		t.Error("no script was found")
	}
}

// opening splits a script into the comment it begins with and the rest.
func opening(text string) (contract, code string) {
	end := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			break
		}
		end += len(line)
	}
	return text[:end], text[end:]
}

func TestScriptsAskNoClockButTheLimitersWhichIsOneForAllWorkers(t *testing.T) {
	t.Parallel()
	files := root(t)
	walk(t, files, ".lua", func(name string) {
		if !strings.HasPrefix(name, "ratelimit/") && strings.Contains(read(t, files, name), "'TIME'") {
			t.Errorf("%s asks Redis for the time: take it as an argument", name)
		}
	})
}
