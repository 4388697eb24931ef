package access

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/simshift/simshift/internal/filewatch"
)

// Keyring knows the people of a tokens file. It reads the file again when it has changed; one that can not be read or
// understood leaves the people of before, whom somebody trusted once, and says so in the log.
type Keyring struct {
	path string
	now  func() time.Time
	log  *slog.Logger

	mu     sync.Mutex
	people map[Digest]Person
	file   *filewatch.Files // nil: there is none
}

// OpenKeyring fails where the file is no good. With no path it has no people.
func OpenKeyring(path string, now func() time.Time, log *slog.Logger) (*Keyring, error) {
	k := &Keyring{path: path, now: now, log: log}
	if path == "" {
		return k, nil
	}
	k.file = filewatch.Over(now(), path)
	return k, k.load()
}

// Empty tells whether nobody has a token.
func (k *Keyring) Empty() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh()
	return len(k.people) == 0
}

// Find gives the person whose token it is. Tokens are compared by their digests, whose places in a map tell nothing of the
// token.
func (k *Keyring) Find(token string) (Person, Digest, bool) {
	digest := DigestOf(token)
	person, known := k.holder(digest)
	return person, digest, known
}

// holder gives the person whose token has a digest, as long as the person has it.
func (k *Keyring) holder(digest Digest) (Person, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh()
	person, known := k.people[digest]
	return person, known
}

// refresh reads the file if it has changed.
func (k *Keyring) refresh() {
	if k.file == nil || !k.file.Changed(k.now()) {
		return
	}
	if err := k.load(); err != nil {
		k.log.Error("the changed tokens file can not be used; those who had tokens keep them", "error", err)
		return
	}
	k.log.Info("the tokens file was read again", "people", len(k.people))
}

func (k *Keyring) load() error {
	list, err := ReadHolders(k.path)
	if err != nil {
		return err
	}
	k.people = make(map[Digest]Person, len(list))
	for _, h := range list {
		k.people[h.Digest] = h.Person
	}
	return nil
}

// ReadHolders reads a tokens file. One that others may write is refused: whoever can write it has every role.
func ReadHolders(path string) ([]Holder, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, errors.New(path + " can be written by others than its owner")
	}
	list, err := ParseHolders(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}
