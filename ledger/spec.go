package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// spec is what the import fixed.
type spec struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Target     jobs.Target  `json:"target"`
	Policy     jobs.Policy  `json:"policy"`
	Groups     []jobs.Group `json:"groups"`
	Duplicates int64        `json:"duplicates"`
	Rejected   int64        `json:"rejected"`
	File       string       `json:"file"`
	FileSHA256 string       `json:"file_sha256"`
	Reading    jobs.Reading `json:"reading"`
	RevertOf   string       `json:"revert_of,omitempty"`
	Reason     string       `json:"reason,omitempty"`
	CreatedAt  time.Time    `json:"created_at"`
	CreatedBy  string       `json:"created_by,omitempty"`

	chunks []jobs.Chunk // by number; read with the spec
}

func specOf(j jobs.Job) spec {
	return spec{
		ID: j.ID, Name: j.Name, Target: j.Target, Policy: j.Policy, Groups: j.Groups, Duplicates: j.Duplicates,
		Rejected: j.Rejected, File: j.File, FileSHA256: j.FileSHA256, Reading: j.Reading, RevertOf: j.RevertOf, Reason: j.Reason,
		CreatedAt: j.CreatedAt.UTC(), CreatedBy: j.CreatedBy,
	}
}

func (s *spec) job() jobs.Job {
	return jobs.Job{
		ID: s.ID, Name: s.Name, Target: s.Target, Policy: s.Policy, Groups: s.Groups, Duplicates: s.Duplicates,
		Rejected: s.Rejected, File: s.File, FileSHA256: s.FileSHA256, Reading: s.Reading, RevertOf: s.RevertOf, Reason: s.Reason,
		CreatedAt: s.CreatedAt, CreatedBy: s.CreatedBy, Chunks: len(s.chunks),
	}
}

// spec reads what the import of job fixed. It is kept in memory once the job is committed.
func (l *Ledger) spec(ctx context.Context, job string) (*spec, error) {
	if known, ok := l.specs.Load(job); ok {
		return known.(*spec), nil //nolint:forcetypeassert // only specs are stored
	}
	// The phase first: a roster that is read while it is committed may be a part, and must not be kept.
	phase, err := l.rdb.HGet(ctx, jobKey(job), "state").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read job %s: %w", job, err)
	}
	text, err := l.rdb.Get(ctx, specKey(job)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, notFound(job)
	}
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", job, err)
	}
	s := new(spec)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read job %s: its spec is damaged: %w", job, err)
	}
	if s.chunks, err = l.chunks(ctx, job); err != nil {
		return nil, err
	}
	if p := jobs.Phase(phase); p.Open() || p.Ended() {
		l.specs.Store(job, s)
	}
	return s, nil
}

func (l *Ledger) chunks(ctx context.Context, job string) ([]jobs.Chunk, error) {
	fields, err := l.rdb.HGetAll(ctx, chunksKey(job)).Result()
	if err != nil {
		return nil, fmt.Errorf("read chunks of job %s: %w", job, err)
	}
	chunks := make([]jobs.Chunk, 0, len(fields))
	for number, text := range fields {
		group, size, _ := strings.Cut(text, ":")
		chunk := jobs.Chunk{}
		var errs [3]error
		chunk.Number, errs[0] = strconv.Atoi(number)
		chunk.Group, errs[1] = strconv.Atoi(group)
		chunk.Size, errs[2] = strconv.Atoi(size)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, fmt.Errorf("read chunks of job %s: %w", job, err)
		}
		chunks = append(chunks, chunk)
	}
	slices.SortFunc(chunks, func(a, b jobs.Chunk) int { return a.Number - b.Number })
	return chunks, nil
}

// Chunks lists the parts of a committed job's roster, by number.
func (l *Ledger) Chunks(ctx context.Context, job string) ([]jobs.Chunk, error) {
	s, err := l.spec(ctx, job)
	if err != nil {
		return nil, err
	}
	return s.chunks, nil
}
