package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/gofrs/flock"

	"github.com/simshift/simshift/console/access"
)

// AddToken gives somebody a token: it prints it, once, and writes its digest into the tokens file, which it makes if need be.
func AddToken(ctx context.Context, env *Env, name, roleName string) error {
	role, err := access.ParseRole(roleName)
	if err != nil {
		return usage("a viewer looks, an operator changes jobs, an approver also lets large jobs go", "--role: %w", err)
	}
	if err := access.CheckName(name); err != nil {
		return usage("name who will use it, as in `simshift tokens add dana --role operator`", "%w", err)
	}
	token := access.NewToken()
	err = changeHolders(ctx, env, func(path string) ([]access.Holder, error) {
		list, err := readHolders(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if slices.ContainsFunc(list, func(h access.Holder) bool { return h.Name == name }) {
			return nil, refuse("`simshift tokens remove "+name+"` takes the old one back", "%s has a token already", name)
		}
		return append(list, access.Holder{Person: access.Person{Name: name, Role: role}, Digest: access.DigestOf(token)}), nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Err, "%s has the role %s now; the token is shown this once, and gives the same to whoever has it\n", name, role)
	if _, err := fmt.Fprintln(env.Out, token); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// ListTokens prints who has a token.
func ListTokens(_ context.Context, env *Env, format Format) error {
	path, err := tokensFile(env)
	if err != nil {
		return err
	}
	list, err := readHolders(path)
	if err != nil {
		return err
	}
	type line struct {
		Name string `json:"name"`
		Role string `json:"role"`
	}
	lines := make([]line, len(list))
	for i, h := range list {
		lines[i] = line{h.Name, h.Role.String()}
	}
	if format == JSON {
		return printJSON(env.Out, lines)
	}
	w := tabwriter.NewWriter(env.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tROLE")
	for _, one := range lines {
		fmt.Fprintf(w, "%s\t%s\n", one.Name, one.Role)
	}
	return w.Flush()
}

// RemoveToken takes somebody's token back.
func RemoveToken(ctx context.Context, env *Env, name string) error {
	err := changeHolders(ctx, env, func(path string) ([]access.Holder, error) {
		list, err := readHolders(path)
		if err != nil {
			return nil, err
		}
		kept := slices.DeleteFunc(slices.Clone(list), func(h access.Holder) bool { return h.Name == name })
		if len(kept) == len(list) {
			return nil, &Failure{Code: ExitError, Err: fmt.Errorf("%q has no token", name), Hint: "`simshift tokens list` shows who has one"}
		}
		return kept, nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Err, "the token of %s is worth nothing any more; a console notices within a second\n", name)
	return nil
}

func tokensFile(env *Env) (path string, err error) {
	r := reader{env: env}
	path = r.text("CONSOLE_TOKENS_FILE")
	if r.err != nil || path == "" {
		return "", cmp.Or(r.err, usage("name it with --console-tokens-file or SIMSHIFT_CONSOLE_TOKENS_FILE", "there is no tokens file"))
	}
	return path, nil
}

func readHolders(path string) ([]access.Holder, error) {
	list, err := access.ReadHolders(path)
	if err != nil {
		return nil, usage("correct it, or make it anew with `simshift tokens add`; only its owner may write it", "the tokens file: %w", err)
	}
	return list, nil
}

// changeHolders writes the tokens file anew. Whoever else changes it meanwhile waits: a token that was taken back must not come
// back with the list of one who had read it before. The lock is on the folder, so that none lies about beside the file.
func changeHolders(ctx context.Context, env *Env, change func(path string) ([]access.Holder, error)) error {
	path, err := tokensFile(env)
	if err != nil {
		return err
	}
	lock := flock.New(filepath.Dir(path), flock.SetFlag(os.O_RDONLY))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return &Failure{Code: ExitError, Err: fmt.Errorf("write %s: lock its folder: %w", path, err), Hint: inFolder}
	}
	defer func() { _ = lock.Close() }()
	list, err := change(path)
	if err != nil {
		return err
	}
	return writeHolders(path, list)
}

const inFolder = "name a file in a folder that can be written with --console-tokens-file"

func writeHolders(path string, list []access.Holder) error {
	var text bytes.Buffer
	_ = access.WriteHolders(&text, list) // a Buffer does not fail
	return writeWhole(path, text.Bytes(), inFolder)
}
