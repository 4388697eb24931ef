package worker

import (
	"container/list"
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/simshift/simshift/jobs"
)

type indexBooks interface {
	Job(ctx context.Context, id string) (jobs.Job, error)
	Batch(ctx context.Context, job string, batch int64) (jobs.Batch, error)
	Members(ctx context.Context, b jobs.Batch) ([]jobs.Member, error)
}

// index finds the devices of one batch by their identities. Nothing in it ever changes, so it is made once.
type index struct {
	id      jobs.BatchID
	target  jobs.Target
	policy  jobs.Policy
	attempt int
	members []indexed
	taken   atomic.Bool // the batch has the request id of its route
	// slots is an open hash table of positions in members plus one: a map would cost four times as much, and a night of
	// ten million devices has a thousand of these.
	slots []uint16
}

// indexed is what callbacks name a device by, and where it stands: 40 bytes.
type indexed struct {
	EID   jobs.EID
	ICCID jobs.ICCID
	IMEI  jobs.IMEI
	Place jobs.Place
}

func newIndex(id jobs.BatchID, job jobs.Job, batch jobs.Batch, devices []jobs.Member) *index {
	x := &index{
		id: id, target: job.Target, policy: job.Policy, attempt: batch.Attempt, members: make([]indexed, len(devices)),
		slots: make([]uint16, 1<<bits.Len(uint(2*len(devices)))),
	}
	for i := range devices {
		d := &devices[i]
		x.members[i] = indexed{d.EID, d.ICCID, d.IMEI, d.Place}
		at := x.home(d.EID)
		for x.slots[at] != 0 {
			at = (at + 1) % len(x.slots)
		}
		x.slots[at] = uint16(i + 1) // a batch has at most jobs.MaxChunk devices
	}
	return x
}

// home is where an EID is looked for first. The last digits differ within a fleet, the first ones do not.
func (x *index) home(eid jobs.EID) int {
	hash := binary.BigEndian.Uint64(eid[8:]) * 0x9E3779B97F4A7C15 // Fibonacci hashing, Knuth 6.4
	return int(hash>>32) & (len(x.slots) - 1)
}

// eid finds a device by its EID.
func (x *index) eid(eid jobs.EID) (*indexed, bool) {
	for at := x.home(eid); x.slots[at] != 0; at = (at + 1) % len(x.slots) {
		if m := &x.members[x.slots[at]-1]; m.EID == eid {
			return m, true
		}
	}
	return nil, false
}

// find looks for a device by its EID, or where a callback brings none, by ICCID, then IMEI.
func (x *index) find(eid, iccid, imei string) (*indexed, bool) {
	if eid != "" {
		id, err := jobs.ParseEID(eid)
		if err != nil {
			return nil, false
		}
		return x.eid(id)
	}
	if iccid != "" {
		return x.iccid(iccid)
	}
	for i := range x.members {
		if m := &x.members[i]; imei != "" && m.IMEI.String() == imei {
			return m, true
		}
	}
	return nil, false
}

// iccid finds a device by its ICCID as it stands, or else by one that differs in a check digit, if only one does.
func (x *index) iccid(said string) (near *indexed, found bool) {
	count := 0
	for i := range x.members {
		m := &x.members[i]
		if m.ICCID.String() == said {
			return m, true
		}
		if sameICCID(m.ICCID, said) {
			near = m
			count++
		}
	}
	return near, count == 1
}

// sameICCID compares with or without the check digit: 19 and 20 digits are written for one profile.
func sameICCID(own jobs.ICCID, said string) bool {
	text := own.String()
	if len(said) < len(text) {
		return len(said) == len(text)-1 && strings.HasPrefix(text, said)
	}
	return said == text || len(said) == len(text)+1 && strings.HasPrefix(said, text)
}

// indexedMost is how many devices all indexes of a process hold together: at 47 bytes each, 560 MB. That is a night of ten
// million in flight; with fewer, callbacks that come from all over it would have the rosters read again and again.
const indexedMost = 12_000_000

// indexes keeps the indexes used last.
type indexes struct {
	books indexBooks

	mu      sync.Mutex
	ground  int // which Redis they were read from
	byID    map[jobs.BatchID]*list.Element
	recent  *list.List // of *index, the latest first
	devices int
}

func newIndexes(books indexBooks) *indexes {
	return &indexes{books: books, byID: make(map[jobs.BatchID]*list.Element), recent: list.New()}
}

// of drops what was read from another Redis: it may have lost a batch and given its number to another one.
func (x *indexes) of(ground int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ground == ground {
		return
	}
	x.ground, x.devices = ground, 0
	clear(x.byID)
	x.recent.Init()
}

// get gives a batch's index, reading its members from the ledger the first time.
func (x *indexes) get(ctx context.Context, id jobs.BatchID) (*index, error) {
	x.mu.Lock()
	if known := x.byID[id]; known != nil {
		x.recent.MoveToFront(known)
		x.mu.Unlock()
		return known.Value.(*index), nil //nolint:forcetypeassert // only indexes are stored
	}
	ground := x.ground
	x.mu.Unlock()

	batch, err := x.books.Batch(ctx, id.Job, id.Batch)
	if err != nil {
		return nil, err
	}
	job, err := x.books.Job(ctx, id.Job)
	if err != nil {
		return nil, err
	}
	members, err := x.books.Members(ctx, batch)
	if err != nil {
		return nil, fmt.Errorf("index batch %d: %w", id.Batch, err)
	}
	made := newIndex(id, job, batch, members)

	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ground != ground {
		return made, nil // read from another Redis, perhaps: good for this once, and not to be kept
	}
	if known := x.byID[id]; known != nil {
		return known.Value.(*index), nil //nolint:forcetypeassert // only indexes are stored
	}
	x.byID[id] = x.recent.PushFront(made)
	x.devices += len(made.members)
	for x.devices > indexedMost && x.recent.Len() > 1 {
		oldest := x.recent.Remove(x.recent.Back()).(*index) //nolint:forcetypeassert // only indexes are stored
		delete(x.byID, oldest.id)
		x.devices -= len(oldest.members)
	}
	return made, nil
}
