package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// Create begins a job in the phase Importing: it holds nothing and nothing of it runs until [Ledger.Commit].
func (l *Ledger) Create(ctx context.Context, job jobs.Job) error {
	text, err := json.Marshal(specOf(job))
	if err != nil {
		return fmt.Errorf("create job: %w", err)
	}
	// The index first: a half-written job that nobody can list could never be swept away.
	if err := l.rdb.ZAdd(ctx, indexKey, redis.Z{Score: float64(job.CreatedAt.UnixMilli()), Member: job.ID}).Err(); err != nil {
		return fmt.Errorf("create job: %w", err)
	}
	_, err = l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, specKey(job.ID), text, 0)
		p.HSet(ctx, jobKey(job.ID), "state", string(jobs.Importing), "touched", l.now().UnixMilli())
		return nil
	})
	if err != nil {
		return fmt.Errorf("create job: %w", err)
	}
	return nil
}

// AddChunk writes one chunk of the roster, all of it pending. Chunks are added once each, before Commit.
func (l *Ledger) AddChunk(ctx context.Context, job string, chunk jobs.Chunk, devices []jobs.Device) error {
	if len(devices) != chunk.Size || chunk.Size < 1 || chunk.Size > jobs.MaxChunk || chunk.Number >= jobs.MaxChunks {
		return fmt.Errorf("chunk %d of group %d: %d devices announced, %d given", chunk.Number, chunk.Group, chunk.Size, len(devices))
	}
	roster := make([]byte, 0, len(devices)*jobs.DeviceSize)
	for i := range devices {
		roster = devices[i].AppendBinary(roster)
	}
	previous := packPrevious(devices)
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, rosterKey(job, chunk.Number), roster, 0)
		p.Set(ctx, sieveKey(job, chunk.Number), sieveOf(devices), 0)
		if previous != nil {
			p.Set(ctx, previousKey(job, chunk.Number), previous, 0)
		}
		p.Set(ctx, stateKey(job, chunk.Number), make([]byte, len(devices)*recordSize), 0)
		p.HSet(ctx, chunksKey(job), strconv.Itoa(chunk.Number), fmt.Sprintf("%d:%d", chunk.Group, chunk.Size))
		p.HSet(ctx, jobKey(job), "touched", l.now().UnixMilli())
		return nil
	})
	if err != nil {
		return fmt.Errorf("write chunk %d: %w", chunk.Number, err)
	}
	return nil
}

// Commit makes an imported job real, in one step: from here on it holds its devices, and runs unless hold says what it
// waits for: a second person's approval. The file's digest is remembered as imported. It fails with [jobs.ErrConflict] when
// the job was abandoned meanwhile.
func (l *Ledger) Commit(ctx context.Context, job jobs.Job, devices int64, hold string, e jobs.Entry) error {
	// The file's mark comes first: it counts only once its job is committed, so a death between leaves nothing.
	if err := l.rdb.HSet(ctx, filesKey, job.FileSHA256, job.ID).Err(); err != nil {
		return fmt.Errorf("commit job: %w", err)
	}
	fields := []any{"devices", devices, countField(jobs.Pending), devices, "priority", job.Priority, weighedField, 1}
	if len(job.Policy.Waves) > 0 {
		fields = append(fields, "wave", 1, "opened", job.Policy.WaveEnds(devices)[0], wavesField, 1)
	}
	if job.Policy.Brake.On() {
		fields = append(fields, "brake", brakeText(job.Policy.Brake))
	}
	phase := jobs.Running
	if hold != "" {
		phase = jobs.Paused
		fields = append(fields, "paused_by", jobs.ByApproval, "hold", hold)
	}
	return l.move(ctx, job.ID, phase, []jobs.Phase{jobs.Importing}, e, fields...)
}

// brakeText is a brake as the scripts read it. A share of 2 is one that is never reached.
func brakeText(b jobs.Brake) string {
	share := b.Share
	if share == 0 {
		share = 2
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d %d %g", b.Last, b.Least, float64(share))
	for code, share := range b.Faults {
		fmt.Fprintf(&text, " %s=%g", code, float64(share))
	}
	return text.String()
}

// Abandon makes sure that an import can not commit any more. It changes nothing about a committed job.
func (l *Ledger) Abandon(ctx context.Context, job string) error {
	_, err := l.run(ctx, phaseScript, job, string(jobs.Abandoned), 1, "", string(jobs.Importing)).Result()
	if err != nil {
		return fmt.Errorf("abandon import: %w", err)
	}
	return nil
}

// ImportedAs gives the job that a file with this SHA-256 was imported as, or "".
func (l *Ledger) ImportedAs(ctx context.Context, sha256 string) (string, error) {
	id, err := l.rdb.HGet(ctx, filesKey, sha256).Result()
	if err != nil {
		return "", none(err, "look up file")
	}
	phase, err := l.rdb.HGet(ctx, jobKey(id), "state").Result()
	if err != nil {
		return "", none(err, "look up file")
	}
	if p := jobs.Phase(phase); p.Open() || p.Ended() {
		return id, nil
	}
	return "", nil
}
