package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/gocarina/gocsv"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

const (
	batchSize = 10_000 // the most devices of a request
	pipeSize  = 1000   // commands sent to Redis at once
)

// row is a device as its file names it.
type row struct {
	EID     string `csv:"eid"`
	ICCID   string `csv:"iccid"`
	IMEI    string `csv:"imei"`
	Account string `csv:"account_name"`
	Plan    string `csv:"service_plan"`
}

func (r *row) check() error {
	if len(r.EID) != 32 || len(r.ICCID) < 19 || !luhn(r.ICCID) || len(r.IMEI) != 15 || !luhn(r.IMEI) {
		return fmt.Errorf("the digits of device %q are wrong", r.EID)
	}
	return nil
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func deviceKey(eid string) string { return "device:" + eid }
func batchKey(batch int) string   { return fmt.Sprintf("batch:%d", batch) }

// importer collects a batch at a time, and remembers whom it has seen.
type importer struct {
	rdb   *redis.Client
	queue *asynq.Client
	seen  map[string]bool
	batch []row
	full  int // batches written
}

// importFleet reads the file, checks it, drops what is listed twice, writes a hash for each device and queues the batches.
func importFleet(ctx context.Context, rdb *redis.Client, file *os.File) error {
	m := &importer{rdb: rdb, queue: asynq.NewClientFromRedisClient(rdb), seen: make(map[string]bool)}
	err := gocsv.UnmarshalToCallbackWithError(file, func(r row) error { return m.take(ctx, r) })
	if err == nil && len(m.batch) > 0 {
		err = m.flush(ctx)
	}
	if err != nil {
		return err
	}
	return rdb.HSet(ctx, "job", "devices", len(m.seen), "batches", m.full).Err()
}

func (m *importer) take(ctx context.Context, r row) error {
	if err := r.check(); err != nil {
		return err
	}
	if m.seen[r.EID] {
		return nil
	}
	m.seen[r.EID] = true
	if m.batch = append(m.batch, r); len(m.batch) < batchSize {
		return nil
	}
	return m.flush(ctx)
}

// flush writes the batch and queues it.
func (m *importer) flush(ctx context.Context) error {
	key := batchKey(m.full)
	for part := range slices.Chunk(m.batch, pipeSize) {
		_, err := m.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for _, r := range part {
				pipe.HSet(ctx, deviceKey(r.EID), "eid", r.EID, "iccid", r.ICCID, "imei", r.IMEI, "account", r.Account,
					"plan", r.Plan, "state", "pending", "attempts", 0, "batch", m.full)
				pipe.RPush(ctx, key, r.EID)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	m.batch = m.batch[:0]
	m.full++
	_, err := m.queue.EnqueueContext(ctx, asynq.NewTask("submit", []byte(key)))
	return err
}

// columns are the results' header, and the names of a device's fields.
var columns = []string{"eid", "iccid", "imei", "account", "plan", "state", "attempts", "fault", "request_id", "settled_at"}

// export writes all devices in the order of their file.
func export(ctx context.Context, rdb *redis.Client, out io.Writer) error {
	batches, err := rdb.HGet(ctx, "job", "batches").Int()
	if err != nil {
		return err
	}
	w := csv.NewWriter(out)
	if err := w.Write(columns); err != nil {
		return err
	}
	for batch := range batches {
		eids, err := rdb.LRange(ctx, batchKey(batch), 0, -1).Result()
		if err != nil {
			return err
		}
		for part := range slices.Chunk(eids, pipeSize) {
			if err := exportPart(ctx, rdb, part, w); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}

func exportPart(ctx context.Context, rdb *redis.Client, eids []string, w *csv.Writer) error {
	answers := make([]*redis.SliceCmd, len(eids))
	_, err := rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, eid := range eids {
			answers[i] = pipe.HMGet(ctx, deviceKey(eid), columns...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	record := make([]string, len(columns))
	for _, answer := range answers {
		for i, value := range answer.Val() {
			record[i], _ = value.(string) // no such field yet: empty
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
	return nil
}
