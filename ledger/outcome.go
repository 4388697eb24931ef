package ledger

import (
	"container/heap"
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// resultWindow is how many devices of all groups together are held in memory while results are read in row order.
const resultWindow = 64 * 1024

// Outcomes gives every device of a job to yield, in the order of the CSV's rows, in constant memory: the roster keeps
// each group in row order, so this is a merge over the groups.
func (l *Ledger) Outcomes(ctx context.Context, job string, yield func(*jobs.Outcome) error) error {
	return l.outcomes(ctx, job, false, yield)
}

// outcomes is that with or without the devices' previous ICCIDs.
func (l *Ledger) outcomes(ctx context.Context, job string, previous bool, yield func(*jobs.Outcome) error) error {
	s, err := l.spec(ctx, job)
	if err != nil {
		return err
	}
	book, err := l.newBook(ctx, s)
	if err != nil {
		return err
	}
	book.previous = previous
	var merge cursors
	window := max(64, min(jobs.MaxChunk, resultWindow/max(1, len(s.Groups))))
	for group := range s.Groups {
		c := &cursor{book: book, window: window}
		for _, chunk := range s.chunks {
			if chunk.Group == group {
				c.chunks = append(c.chunks, chunk)
			}
		}
		more, err := c.next(ctx)
		if err != nil {
			return err
		}
		if more {
			merge = append(merge, c)
		}
	}
	heap.Init(&merge)
	for len(merge) > 0 {
		first := merge[0]
		if err := yield(&first.outcome); err != nil {
			return err
		}
		more, err := first.next(ctx)
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&merge, 0)
		} else {
			heap.Pop(&merge)
		}
	}
	return nil
}

// book is what turns a record into an outcome: the batches' states and requests, and the faults' words.
type book struct {
	ledger   *Ledger
	spec     *spec
	batches  map[int64]batchEnd
	latest   int64    // the batch that was asked for last: neighbours are in one
	end      batchEnd // what it came to
	faults   []jobs.Fault
	previous bool // the devices' previous ICCIDs are wanted
}

type batchEnd struct {
	state   jobs.State
	request string
}

func (l *Ledger) newBook(ctx context.Context, s *spec) (*book, error) {
	faults, err := l.faults(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	return &book{ledger: l, spec: s, faults: faults, batches: make(map[int64]batchEnd)}, nil
}

// learn reads the batches that records speak of and that are not known yet.
func (b *book) learn(ctx context.Context, records []byte) error {
	wanted := make(map[int64]*redis.SliceCmd)
	_, err := b.ledger.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for at := 0; at < len(records); at += recordSize {
			n := decodeRecord(records[at:]).batch
			if _, known := b.batches[n]; n == 0 || known || wanted[n] != nil {
				continue
			}
			wanted[n] = p.HMGet(ctx, batchKey(b.spec.ID, n), "state", "request")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read batches: %w", err)
	}
	for n, read := range wanted {
		state, _ := read.Val()[0].(string)
		request, _ := read.Val()[1].(string)
		b.batches[n] = batchEnd{jobs.State(number(state)), request} //nolint:gosec // written from a State
	}
	return nil
}

// outcome reads one device; learn must have seen its record.
func (b *book) outcome(chunk jobs.Chunk, pos int, device, rec []byte, into *jobs.Outcome) {
	r := decodeRecord(rec)
	if r.batch != b.latest {
		b.latest, b.end = r.batch, b.batches[r.batch]
	}
	end := b.end
	*into = jobs.Outcome{
		Member: jobs.Member{Place: jobs.PlaceAt(chunk.Number, pos), Device: jobs.DecodeDevice(device)},
		Group:  b.spec.Groups[chunk.Group],
		State:  r.state, Reason: r.reason, Attempts: r.past + r.attempt, Batch: r.batch, RequestID: end.request,
	}
	if r.state == inBatch {
		into.State = end.state
		if end.state == jobs.Queued {
			into.Attempts-- // the one it is queued for has not happened
		}
		return
	}
	if r.state != jobs.Pending {
		into.ChangedAt = r.changed
	}
	if r.fault > 0 && r.fault < len(b.faults) {
		into.Fault = b.faults[r.fault]
	}
}

// Faults lists the different faults that have befallen devices of a job, in no order.
func (l *Ledger) Faults(ctx context.Context, job string) ([]jobs.Fault, error) {
	list, err := l.faults(ctx, job)
	if err != nil {
		return nil, err
	}
	return list[1:], nil
}

// faults lists a job's faults by their number; 0 is none.
func (l *Ledger) faults(ctx context.Context, job string) ([]jobs.Fault, error) {
	fields, err := l.rdb.HGetAll(ctx, faultsKey(job)).Result()
	if err != nil {
		return nil, fmt.Errorf("read faults: %w", err)
	}
	list := make([]jobs.Fault, len(fields)+1)
	for field, n := range fields {
		code, text, _ := strings.Cut(field, "\x00")
		if at := number(n); at > 0 && at < int64(len(list)) {
			list[at] = jobs.Fault{Code: code, Text: text}
		}
	}
	return list, nil
}

// cursor walks one group's devices in row order.
type cursor struct {
	book     *book
	chunks   []jobs.Chunk // still to read, the first one from position at
	at       int
	window   int
	roster   []byte
	records  []byte
	previous []byte     // empty where none is wanted or known
	chunk    jobs.Chunk // the one that roster and records are of
	pos      int        // of the first device in them
	outcome  jobs.Outcome
}

// next moves on to the next device; false at the end.
func (c *cursor) next(ctx context.Context) (bool, error) {
	if len(c.roster) == 0 {
		if len(c.chunks) == 0 {
			return false, nil
		}
		if err := c.read(ctx); err != nil {
			return false, err
		}
	}
	c.book.outcome(c.chunk, c.pos, c.roster, c.records, &c.outcome)
	if len(c.previous) > 0 {
		c.outcome.Previous, c.previous = jobs.ICCID(c.previous[:previousSize]), c.previous[previousSize:]
	}
	c.roster, c.records, c.pos = c.roster[jobs.DeviceSize:], c.records[recordSize:], c.pos+1
	return true, nil
}

func (c *cursor) read(ctx context.Context) (err error) {
	c.chunk, c.pos = c.chunks[0], c.at
	size := min(c.window, c.chunk.Size-c.at)
	c.roster, c.records, err = c.book.ledger.readChunk(ctx, c.book.spec.ID, c.chunk.Number, c.at, size, true)
	if err != nil {
		return err
	}
	if c.book.previous {
		if c.previous, err = c.book.ledger.readPrevious(ctx, c.book.spec.ID, c.chunk.Number, c.at, size); err != nil {
			return err
		}
	}
	if c.at += size; c.at == c.chunk.Size {
		c.chunks, c.at = c.chunks[1:], 0
	}
	return c.book.learn(ctx, c.records)
}

// cursors is a heap by row.
type cursors []*cursor

func (c cursors) Len() int           { return len(c) }
func (c cursors) Less(i, j int) bool { return c[i].outcome.Row < c[j].outcome.Row }
func (c cursors) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *cursors) Push(x any)        { *c = append(*c, x.(*cursor)) } //nolint:forcetypeassert // heap of cursors
func (c *cursors) Pop() any {
	old := *c
	last := old[len(old)-1]
	*c = old[:len(old)-1]
	return last
}
