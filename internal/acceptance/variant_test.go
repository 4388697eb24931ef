package acceptance_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// edit exchanges a piece of source, which must stand in the file exactly once.
type edit struct{ file, old, new string }

// variants are builds of the program with edits, by their name; made when first asked for.
var variants sync.Map // name -> func() (path string, err error)

// variant builds the program with a piece of its source exchanged: without one safeguard, or with a death at a named
// point. The source itself stays as it is (go build -overlay), and the program knows nothing of it.
func variant(t *testing.T, name string, edits ...edit) string {
	t.Helper()
	made, _ := variants.LoadOrStore(name, sync.OnceValues(func() (string, error) { return buildVariant(name, edits) }))
	path, err := made.(func() (string, error))()
	if err != nil {
		t.Fatalf("variant %s: %v", name, err)
	}
	return path
}

func buildVariant(name string, edits []edit) (string, error) {
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	for _, e := range edits {
		original := filepath.Join(root, e.file)
		changed, known := overlay.Replace[original]
		source := original
		if known {
			source = changed
		} else {
			changed = filepath.Join(binaries, name+"-"+strings.ReplaceAll(e.file, "/", "-"))
		}
		text, err := os.ReadFile(source)
		if err != nil {
			return "", err
		}
		if strings.Count(string(text), e.old) != 1 {
			return "", &staleEdit{e}
		}
		if err := os.WriteFile(changed, []byte(strings.Replace(string(text), e.old, e.new, 1)), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[original] = changed
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	file, path := filepath.Join(binaries, name+".json"), filepath.Join(binaries, "simshift-"+name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", err
	}
	return path, build(tested("-overlay", file, "-o", path)...)
}

// staleEdit says that a piece of source is not where an edit looks for it.
type staleEdit struct{ edit }

func (e *staleEdit) Error() string {
	return "the edit of " + e.file + " is stale: this must stand there exactly once: " + e.old
}
