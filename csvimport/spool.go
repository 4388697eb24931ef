package csvimport

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
)

// spool is one temporary file that everything is appended to. It has no name while it is used, where the system allows
// that, so that nothing is left behind however the process ends.
type spool struct {
	file  *os.File
	dir   string
	named bool

	mu       sync.Mutex // guards size and scratch: sorters of several goroutines append
	size     int64
	scratch  []byte
	forecast func(size int64) int64 // the size at the end, estimated from the present one
}

func newSpool(dir string) (*spool, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	file, err := os.CreateTemp(dir, "simshift-import-*")
	if err != nil {
		return nil, fmt.Errorf("%w: %w; choose a folder that can be written", ErrSpool, err)
	}
	return &spool{
		file: file, dir: dir,
		named:    os.Remove(file.Name()) != nil,
		forecast: func(size int64) int64 { return size },
	}, nil
}

// append writes p at the end and tells where that is.
func (s *spool) append(p []byte) (at int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(p)
}

// appendMade writes size bytes that make fills in: a buffer is shared between all who need one.
func (s *spool) appendMade(size int, fill func(p []byte)) (at int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cap(s.scratch) < size {
		s.scratch = make([]byte, size)
	}
	fill(s.scratch[:size])
	return s.write(s.scratch[:size])
}

func (s *spool) write(p []byte) (at int64, err error) {
	at = s.size
	if _, err := s.file.WriteAt(p, at); err != nil {
		return 0, s.explain(err)
	}
	s.size += int64(len(p))
	return at, nil
}

func (s *spool) explain(err error) error {
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w in %s: %w", ErrSpool, s.dir, err)
	}
	if want := s.forecast(s.size); want > s.size {
		return fmt.Errorf("%w: the disk of %s is full; of about %d bytes needed, %d could be written; "+
			"free space there or set TMPDIR to another folder: %w", ErrSpool, s.dir, want, s.size, err)
	}
	return fmt.Errorf("%w: the disk of %s is full after %d bytes; free space there or set TMPDIR to another folder: %w",
		ErrSpool, s.dir, s.size, err)
}

// release gives back the memory that only writing needs.
func (s *spool) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scratch = nil
}

func (s *spool) close() error {
	err := s.file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}
