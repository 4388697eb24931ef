package app

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"

	"github.com/simshift/simshift/console/access"
)

// Tokens that are given and taken back at the same time are all given, and all taken back.
func TestTokensAreChangedByOneAtATime(t *testing.T) {
	t.Parallel()
	const people = 20
	path := filepath.Join(t.TempDir(), "tokens")
	env := func() *Env {
		return &Env{
			Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }, Flags: map[string]string{"CONSOLE_TOKENS_FILE": path},
		}
	}
	together := func(do func(name string) error, from, to int) {
		var wg sync.WaitGroup
		for i := from; i < to; i++ {
			wg.Go(func() {
				if err := do(fmt.Sprintf("person-%02d", i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	add := func(name string) error { return AddToken(context.Background(), env(), name, "viewer") }
	remove := func(name string) error { return RemoveToken(context.Background(), env(), name) }
	together(add, 0, people)
	var both sync.WaitGroup
	both.Go(func() { together(remove, 0, people/2) })
	both.Go(func() { together(add, people, people+people/2) })
	both.Wait()

	list, err := access.ReadHolders(path)
	if err != nil || len(list) != people {
		t.Fatalf("%d people have a token, %v; %d should", len(list), err, people)
	}
	for _, h := range list {
		if h.Name < fmt.Sprintf("person-%02d", people/2) {
			t.Errorf("%s has a token that was taken back", h.Name)
		}
	}
}
