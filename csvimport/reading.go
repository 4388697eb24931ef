package csvimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// reading is the pipeline of the first phase: one goroutine frames, several parse, one takes in what they made.
type reading struct {
	source *source
	framer *framer
	header header
	fleet  *Fleet

	free  chan *block // empty
	todo  chan *block // framed
	order chan *block // the same ones, for the intake
}

// parallel is how many goroutines share what can be shared.
func parallel() int { return min(runtime.GOMAXPROCS(0), 4) }

// run reads the whole file into the fleet.
func (r *reading) run(ctx context.Context) error {
	blocks := parallel() + 3
	r.free, r.todo, r.order = make(chan *block, blocks), make(chan *block, blocks), make(chan *block, blocks)
	for range blocks {
		r.free <- &block{done: make(chan struct{}, 1)}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		// The parsers end with todo and the intake with order, whatever the framing ended in.
		defer close(r.order)
		defer close(r.todo)
		return r.frame(ctx)
	})
	for range parallel() {
		group.Go(func() error {
			r.parse()
			return nil
		})
	}
	group.Go(func() error { return r.takeIn() })
	return group.Wait()
}

// frame cuts the text into blocks. Sending never waits: each channel can hold every block there is.
func (r *reading) frame(ctx context.Context) error {
	for more := true; more; {
		var b *block
		select {
		case b = <-r.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if more, err = r.fill(b); err != nil {
			return err
		}
		r.order <- b
		r.todo <- b
	}
	return nil
}

// fill frames one block, and tells whether there may be another.
func (r *reading) fill(b *block) (more bool, err error) {
	b.reset(r.header)
	for cut, rows := 0, 0; cut < blockBytes && rows < blockRows; rows++ {
		record, err := r.framer.next()
		if errors.Is(err, io.EOF) {
			b.read = r.source.read.Load()
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if record.row > math.MaxUint32 {
			return false, fmt.Errorf("%w: it has over %d rows", ErrFile, uint32(math.MaxUint32))
		}
		b.put(record)
		cut += len(record.text) + 1
	}
	b.read = r.source.read.Load()
	return true, nil
}

// put takes a record to be parsed, or refuses it.
func (b *block) put(r record) {
	b.last = r.row
	number := uint32(r.row) //nolint:gosec // checked by fill
	if r.fault != "" {
		b.refuse(number, flaw{code: r.fault})
		return
	}
	b.text = append(append(b.text, r.text...), '\n')
	b.ends = append(b.ends, int64(len(b.text)))
	b.rows = append(b.rows, number)
}

func (r *reading) parse() {
	parser := newParser(r.fleet.options, r.header)
	for b := range r.todo {
		b.err = parser.parse(b)
		b.done <- struct{}{}
	}
}

// takeIn takes the blocks in the file's order.
func (r *reading) takeIn() error {
	intake := newIntake(r.fleet)
	for b := range r.order {
		<-b.done
		if b.err != nil {
			return b.err
		}
		if err := intake.take(b); err != nil {
			return err
		}
		if progress := r.fleet.options.Progress; progress != nil {
			progress(b.read, r.fleet.rows)
		}
		r.free <- b
	}
	return nil
}
