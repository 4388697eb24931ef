package ledger

import (
	"context"
	"fmt"

	"github.com/simshift/simshift/jobs"
)

// findStep is how many chunks one script call goes over: a few microseconds for one that its sieve rules out, and half a
// millisecond for one that is searched.
const findStep = 50

// Find gives every device of a job with this identity: an EID (32 digits), an ICCID (19 or 20) or an IMEI (15).
// The packed rosters are searched where they are, those that their sieve does not rule out.
func (l *Ledger) Find(ctx context.Context, job, identity string) ([]jobs.Outcome, error) {
	offset, needle, err := packed(identity)
	if err != nil {
		return nil, err
	}
	s, err := l.spec(ctx, job)
	if err != nil {
		return nil, err
	}
	var found []jobs.Outcome
	for from := 0; from < len(s.chunks); from += findStep {
		step := s.chunks[from:min(from+findStep, len(s.chunks))]
		args := []any{offset, needle, jobs.DeviceSize}
		for _, hash := range hashes(needle) {
			args = append(args, hash)
		}
		for _, chunk := range step {
			args = append(args, chunk.Number)
		}
		places, err := l.run(ctx, findScript, job, args...).Int64Slice()
		if err != nil {
			return nil, fmt.Errorf("find device: %w", err)
		}
		for _, place := range places {
			outcome, err := l.at(ctx, s, jobs.Place(place)) //nolint:gosec // made from a Place
			if err != nil {
				return nil, err
			}
			found = append(found, outcome)
		}
	}
	return found, nil
}

// at reads the device at a place.
func (l *Ledger) at(ctx context.Context, s *spec, place jobs.Place) (out jobs.Outcome, err error) {
	device, rec, err := l.readChunk(ctx, s.ID, place.Chunk(), place.Pos(), 1, true)
	if err != nil {
		return out, err
	}
	book, err := l.newBook(ctx, s)
	if err != nil {
		return out, err
	}
	if err := book.learn(ctx, rec); err != nil {
		return out, err
	}
	book.outcome(s.chunks[place.Chunk()], place.Pos(), device, rec, &out)
	return out, nil
}

// CheckIdentity tells whether something could be an EID, an ICCID or an IMEI.
func CheckIdentity(identity string) error {
	_, _, err := packed(identity)
	return err
}

// packed gives an identity's packed form and its offset in a packed device.
func packed(identity string) (offset int, needle []byte, err error) {
	switch len(identity) {
	case 32:
		id, err := jobs.ParseEID(identity)
		return 0, id[:], err
	case 19, 20:
		id, err := jobs.ParseICCID(identity)
		return 16, id[:], err
	case 15:
		id, err := jobs.ParseIMEI(identity)
		return 26, id[:], err
	}
	return 0, nil, fmt.Errorf("%q is neither an EID (32 digits), an ICCID (19 or 20) nor an IMEI (15)", identity)
}
