package main

import (
	"context"
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

// importFleet reads the file, checks it, drops what is listed twice, writes a hash for each device and queues the batches.
func importFleet(ctx context.Context, rdb *redis.Client, file *os.File) error {
	var rows []*row
	if err := gocsv.UnmarshalFile(file, &rows); err != nil {
		return err
	}
	seen := make(map[string]bool, len(rows))
	devices := rows[:0]
	for _, r := range rows {
		if err := r.check(); err != nil {
			return err
		}
		if !seen[r.EID] {
			seen[r.EID] = true
			devices = append(devices, r)
		}
	}
	queue := asynq.NewClientFromRedisClient(rdb)
	batches := 0
	for batch := range slices.Chunk(devices, batchSize) {
		if err := writeBatch(ctx, rdb, batches, batch); err != nil {
			return err
		}
		if _, err := queue.EnqueueContext(ctx, asynq.NewTask("submit", []byte(batchKey(batches)))); err != nil {
			return err
		}
		batches++
	}
	return rdb.HSet(ctx, "job", "devices", len(devices), "batches", batches).Err()
}

func writeBatch(ctx context.Context, rdb *redis.Client, number int, batch []*row) error {
	for part := range slices.Chunk(batch, pipeSize) {
		_, err := rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for _, r := range part {
				pipe.HSet(ctx, deviceKey(r.EID), "eid", r.EID, "iccid", r.ICCID, "imei", r.IMEI, "account", r.Account,
					"plan", r.Plan, "state", "pending", "attempts", 0)
				pipe.RPush(ctx, batchKey(number), r.EID)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// result is a device as the results list it.
type result struct {
	EID       string `csv:"eid" redis:"eid"`
	ICCID     string `csv:"iccid" redis:"iccid"`
	IMEI      string `csv:"imei" redis:"imei"`
	Account   string `csv:"account_name" redis:"account"`
	Plan      string `csv:"service_plan" redis:"plan"`
	State     string `csv:"state" redis:"state"`
	Attempts  int    `csv:"attempts" redis:"attempts"`
	Fault     string `csv:"fault" redis:"fault"`
	RequestID string `csv:"request_id" redis:"request_id"`
	SettledAt string `csv:"settled_at" redis:"settled_at"`
}

// export writes all devices in the order of their file.
func export(ctx context.Context, rdb *redis.Client, out io.Writer) error {
	batches, err := rdb.HGet(ctx, "job", "batches").Int()
	if err != nil {
		return err
	}
	if err := gocsv.Marshal([]*result{}, out); err != nil { // the header
		return err
	}
	for batch := range batches {
		eids, err := rdb.LRange(ctx, batchKey(batch), 0, -1).Result()
		if err != nil {
			return err
		}
		for part := range slices.Chunk(eids, pipeSize) {
			if err := exportPart(ctx, rdb, part, out); err != nil {
				return err
			}
		}
	}
	return nil
}

func exportPart(ctx context.Context, rdb *redis.Client, eids []string, out io.Writer) error {
	answers := make([]*redis.MapStringStringCmd, len(eids))
	_, err := rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, eid := range eids {
			answers[i] = pipe.HGetAll(ctx, deviceKey(eid))
		}
		return nil
	})
	if err != nil {
		return err
	}
	results := make([]*result, len(eids))
	for i, answer := range answers {
		results[i] = new(result)
		if err := answer.Scan(results[i]); err != nil {
			return err
		}
	}
	return gocsv.MarshalWithoutHeaders(results, out)
}
