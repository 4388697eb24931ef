package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// Members lists every device a batch was formed with.
func (l *Ledger) Members(ctx context.Context, b jobs.Batch) ([]jobs.Member, error) {
	members, _, err := l.members(ctx, b, false)
	return members, err
}

// OpenMembers lists the devices of a batch that are not settled yet: those to send.
func (l *Ledger) OpenMembers(ctx context.Context, b jobs.Batch) ([]jobs.Member, error) {
	members, records, err := l.members(ctx, b, true)
	if err != nil {
		return nil, err
	}
	open := members[:0]
	for i, member := range members {
		if records[i].openIn(b.Number) {
			open = append(open, member)
		}
	}
	return open, nil
}

func (l *Ledger) members(ctx context.Context, b jobs.Batch, withRecords bool) ([]jobs.Member, []record, error) {
	places, err := l.places(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	members := make([]jobs.Member, len(places))
	records := make([]record, len(places))
	// A list is spread over chunks, in ascending order mostly; a stretch is one piece. Read runs of neighbours together.
	first := 0
	for _, run := range runs(places) {
		chunk, from, to := run[0].Chunk(), run[0].Pos(), run[len(run)-1].Pos()
		roster, states, err := l.readChunk(ctx, b.Job, chunk, from, to-from+1, withRecords)
		if err != nil {
			return nil, nil, err
		}
		for i, place := range run {
			at := place.Pos() - from
			members[first+i] = jobs.Member{Place: place, Device: jobs.DecodeDevice(roster[at*jobs.DeviceSize:])}
			if withRecords {
				records[first+i] = decodeRecord(states[at*recordSize:])
			}
		}
		first += len(run)
	}
	return members, records, nil
}

// runs cuts places into stretches of one chunk in ascending order.
func runs(places []jobs.Place) [][]jobs.Place {
	var list [][]jobs.Place
	for from := 0; from < len(places); {
		to := from + 1
		for to < len(places) && places[to].Chunk() == places[from].Chunk() && places[to] > places[to-1] {
			to++
		}
		list = append(list, places[from:to])
		from = to
	}
	return list
}

func (l *Ledger) places(ctx context.Context, b jobs.Batch) ([]jobs.Place, error) {
	places := make([]jobs.Place, 0, b.Size)
	if !b.Listed {
		for i := range b.Size {
			places = append(places, jobs.PlaceAt(b.Chunk, b.From+i))
		}
		return places, nil
	}
	list, err := l.rdb.Get(ctx, listKey(b.Job, b.Number)).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read members of batch %d: %w", b.Number, err)
	}
	for at := 0; at+4 <= len(list); at += 4 {
		places = append(places, jobs.Place(binary.BigEndian.Uint32(list[at:])))
	}
	return places, nil
}

// readChunk reads size positions of a chunk: the packed devices, and their records where asked for.
func (l *Ledger) readChunk(ctx context.Context, job string, chunk, from, size int, withRecords bool) (roster, states []byte, err error) {
	var devices, records *redis.StringCmd
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		devices = p.GetRange(ctx, rosterKey(job, chunk), int64(from*jobs.DeviceSize), int64((from+size)*jobs.DeviceSize-1))
		if withRecords {
			records = p.GetRange(ctx, stateKey(job, chunk), int64(from*recordSize), int64((from+size)*recordSize-1))
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read chunk %d: %w", chunk, err)
	}
	roster = []byte(devices.Val())
	if len(roster) != size*jobs.DeviceSize {
		return nil, nil, fmt.Errorf("chunk %d of job %s is cut short: %d bytes of %d", chunk, job, len(roster), size*jobs.DeviceSize)
	}
	if withRecords {
		states = []byte(records.Val())
		if len(states) != size*recordSize {
			return nil, nil, fmt.Errorf("states of chunk %d of job %s are cut short: %d bytes of %d", chunk, job, len(states), size*recordSize)
		}
	}
	return roster, states, nil
}

// EIDs gives every eUICC of a job; an error is the last thing it gives.
func (l *Ledger) EIDs(ctx context.Context, job string) iter.Seq2[jobs.EID, error] {
	return func(yield func(jobs.EID, error) bool) {
		s, err := l.spec(ctx, job)
		if err != nil {
			yield(jobs.EID{}, err)
			return
		}
		for _, chunk := range s.chunks {
			roster, _, err := l.readChunk(ctx, job, chunk.Number, 0, chunk.Size, false)
			if err != nil {
				yield(jobs.EID{}, err)
				return
			}
			for device := range slices.Chunk(roster, jobs.DeviceSize) {
				if !yield(jobs.EID(device[:len(jobs.EID{})]), nil) {
					return
				}
			}
		}
	}
}
