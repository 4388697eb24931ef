package csvimport

import (
	"context"
	"fmt"

	"github.com/simshift/simshift/jobs"
)

// Chunks hands out the devices, group by group as in [Summary].Groups, in the order of their rows within a group. The
// devices are valid until yield returns; an error of yield ends it and is returned as it is. It can be called again.
func (f *Fleet) Chunks(ctx context.Context, yield func(jobs.Chunk, []jobs.Device) error) error {
	c := chunker{
		yield:   yield,
		devices: make([]jobs.Device, 0, f.options.ChunkSize),
		buffer:  make([]byte, readSize),
	}
	for number, group := range f.groups {
		if group.Devices == 0 {
			continue
		}
		if err := c.group(ctx, f, number); err != nil {
			return err
		}
		c.next.Group++
	}
	return nil
}

// chunker gathers devices until a chunk is full.
type chunker struct {
	yield   func(jobs.Chunk, []jobs.Device) error
	next    jobs.Chunk
	devices []jobs.Device
	buffer  []byte
}

// group hands out one group.
func (c *chunker) group(ctx context.Context, f *Fleet, number int) error {
	for p, err := range f.byGroup.records(number, c.buffer) {
		if err != nil {
			return err
		}
		if row := packed(p).row(); f.rejected.has(row) || f.repeated.has(row) {
			continue
		}
		c.devices = append(c.devices, packed(p).device())
		if len(c.devices) < cap(c.devices) {
			continue
		}
		if err := c.hand(ctx); err != nil {
			return err
		}
	}
	return c.hand(ctx)
}

// hand passes on what has been gathered, if anything.
func (c *chunker) hand(ctx context.Context) error {
	if err := ctx.Err(); err != nil || len(c.devices) == 0 {
		return err
	}
	if c.next.Number == jobs.MaxChunks {
		return fmt.Errorf("%w: it makes over %d chunks; use a larger chunk size", ErrFile, jobs.MaxChunks)
	}
	c.next.Size = len(c.devices)
	if err := c.yield(c.next, c.devices); err != nil {
		return err
	}
	c.next.Number++
	c.devices = c.devices[:0]
	return nil
}
