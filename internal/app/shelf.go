package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// shelf keeps texts by number, on the disk: in memory it takes twelve bytes for each. Everything is put before the first
// is got.
type shelf struct {
	file    *os.File
	writer  *bufio.Writer
	numbers []uint32 // ascending
	ends    []int64  // of each text, in the file
	size    int64
	buffer  []byte
}

// newShelf makes an empty one in TMPDIR. Its file has no name while it is used, so that nothing is left behind.
func newShelf() (*shelf, error) {
	file, err := os.CreateTemp("", "simshift-join-*")
	if err == nil {
		err = os.Remove(file.Name())
	}
	if err != nil {
		return nil, &Failure{Code: ExitError, Err: fmt.Errorf("make a temporary file: %w", err),
			Hint: "set TMPDIR to a folder that can be written"}
	}
	return &shelf{file: file, writer: bufio.NewWriterSize(file, 1<<16)}, nil
}

// put adds a text. The numbers must ascend.
func (s *shelf) put(number uint32, text []byte) error {
	s.size += int64(len(text))
	s.numbers, s.ends = append(s.numbers, number), append(s.ends, s.size)
	_, err := s.writer.Write(text)
	return explainTemp(err)
}

// flush ends the putting.
func (s *shelf) flush() error { return explainTemp(s.writer.Flush()) }

// get gives the text of a number, which is valid until the next one is asked for.
func (s *shelf) get(number uint32) (text []byte, known bool, err error) {
	at, known := slices.BinarySearch(s.numbers, number)
	if !known {
		return nil, false, nil
	}
	from := int64(0)
	if at > 0 {
		from = s.ends[at-1]
	}
	s.buffer = slices.Grow(s.buffer[:0], int(s.ends[at]-from))[:s.ends[at]-from]
	if _, err := s.file.ReadAt(s.buffer, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, true, explainTemp(err)
	}
	return s.buffer, true, nil
}

func (s *shelf) close() error { return s.file.Close() }

func explainTemp(err error) error {
	if err == nil {
		return nil
	}
	return &Failure{Code: ExitError, Err: fmt.Errorf("use a temporary file: %w", err),
		Hint: "free space in TMPDIR, or set TMPDIR to another folder"}
}
