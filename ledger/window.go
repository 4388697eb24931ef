package ledger

import (
	"context"
	"strconv"
	"time"
)

// SentIn is how many devices of a job were sent in the window that began then. It is counted only where windows are bounded.
func (l *Ledger) SentIn(ctx context.Context, job string, window time.Time) (int64, error) {
	text, err := l.rdb.HGet(ctx, jobKey(job), "sent:"+strconv.FormatInt(window.Unix(), 10)).Result()
	return number(text), none(err, "read what a window has sent")
}
