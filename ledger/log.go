package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/simshift/simshift/jobs"
)

// entry is a log's entry as it is stored, and as the scripts write it.
type entry struct {
	At    int64  `json:"at"` // ms
	Who   string `json:"who"`
	From  string `json:"from,omitempty"`
	Act   string `json:"act"`
	Words string `json:"words"`
}

// entryText is an entry as scripts take it, dated now.
func (l *Ledger) entryText(e jobs.Entry) string {
	text, _ := json.Marshal(entry{l.now().UnixMilli(), e.Who, e.From, e.Act, e.Words}) // texts and a number: can not fail
	return string(text)
}

// Note writes an act or a decision into a job's log, dated now.
func (l *Ledger) Note(ctx context.Context, job string, e jobs.Entry) error {
	if err := l.rdb.RPush(ctx, logKey(job), l.entryText(e)).Err(); err != nil {
		return fmt.Errorf("write the log of job %s: %w", job, err)
	}
	return nil
}

// Log reads a job's log, the oldest entry first, without the first from entries.
func (l *Ledger) Log(ctx context.Context, job string, from int64) ([]jobs.Entry, error) {
	texts, err := l.rdb.LRange(ctx, logKey(job), from, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read the log of job %s: %w", job, err)
	}
	entries := make([]jobs.Entry, 0, len(texts))
	for _, text := range texts {
		var e entry
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return nil, fmt.Errorf("read the log of job %s: %w", job, err)
		}
		entries = append(entries, jobs.Entry{At: time.UnixMilli(e.At).UTC(), Who: e.Who, From: e.From, Act: e.Act, Words: e.Words})
	}
	return entries, nil
}
