package csvimport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync/atomic"
)

// source is the input as raw bytes. It is read once from front to back, hashed on the way, and once more for the text of
// rejected rows: from the input itself where that can seek, else from a copy in the spool.
type source struct {
	ctx   context.Context // of the first reading; an io.Reader can not be told otherwise
	input io.Reader
	hash  hash.Hash
	read  atomic.Int64

	seeker io.ReadSeeker // nil: copied to the spool
	start  int64
	size   int64 // of a seekable input; 0: unknown

	spool  *spool
	copied []extent
}

// extent is a stretch of the spool.
type extent struct{ at, size int64 }

func newSource(ctx context.Context, input io.Reader, spool *spool) *source {
	s := &source{ctx: ctx, input: input, hash: sha256.New(), spool: spool}
	if seeker, can := input.(io.ReadSeeker); can {
		s.measure(seeker)
	}
	return s
}

// measure keeps the input as seekable if it is: pipes and terminals are files too, and refuse.
func (s *source) measure(seeker io.ReadSeeker) {
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if _, back := seeker.Seek(start, io.SeekStart); err != nil || back != nil || end <= start {
		return
	}
	s.seeker, s.start, s.size = seeker, start, end-start
}

// Read is the first reading.
func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.input.Read(p)
	s.hash.Write(p[:n])
	s.read.Add(int64(n))
	if n > 0 && s.seeker == nil {
		if err := s.copy(p[:n]); err != nil {
			return 0, err
		}
	}
	return n, err
}

func (s *source) copy(p []byte) error {
	at, err := s.spool.append(p)
	if err != nil {
		return err
	}
	if last := len(s.copied) - 1; last >= 0 && s.copied[last].at+s.copied[last].size == at {
		s.copied[last].size += int64(len(p))
		return nil
	}
	s.copied = append(s.copied, extent{at, int64(len(p))})
	return nil
}

func (s *source) sum() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// again is the second reading: the same bytes, or [ErrChanged] at their end.
func (s *source) again() (io.Reader, error) {
	if s.seeker == nil {
		parts := make([]io.Reader, len(s.copied))
		for i, part := range s.copied {
			parts[i] = io.NewSectionReader(s.spool.file, part.at, part.size)
		}
		return io.MultiReader(parts...), nil
	}
	if _, err := s.seeker.Seek(s.start, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the file a second time: %w", err)
	}
	return &verified{
		input: io.LimitReader(s.seeker, s.read.Load()),
		hash:  sha256.New(),
		want:  s.hash.Sum(nil),
	}, nil
}

// verified ends in [ErrChanged] instead of io.EOF if what it read has not the wanted hash.
type verified struct {
	input io.Reader
	hash  hash.Hash
	want  []byte
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.input.Read(p)
	v.hash.Write(p[:n])
	if errors.Is(err, io.EOF) && !bytes.Equal(v.hash.Sum(nil), v.want) {
		return n, ErrChanged
	}
	return n, err
}
