package csvimport

import (
	"fmt"

	"github.com/simshift/simshift/jobs"
)

// maxGroups is the most groups of account and plan in a file.
const maxGroups = 10_000

// intake writes parsed blocks to the spool: every entry four times, so that it is found beside those it must be seen
// with, by group (and row), EID, ICCID and IMEI; and once more by its previous ICCID, if it has one.
type intake struct {
	fleet   *Fleet
	numbers map[jobs.Group]uint16
}

func newIntake(fleet *Fleet) *intake {
	return &intake{fleet: fleet, numbers: make(map[jobs.Group]uint16)}
}

// take adds one block.
func (in *intake) take(b *block) error {
	f := in.fleet
	groups, err := in.number(b.groups)
	if err != nil {
		return err
	}
	for rest := b.entries; len(rest) > 0; rest = rest[f.width:] {
		p := packed(rest[:f.width])
		p.setGroup(groups[p.group()])
		if err := f.file(p); err != nil {
			return err
		}
	}
	for _, r := range b.rejects {
		if err := f.addReject(r); err != nil {
			return err
		}
	}
	f.warned.add(&b.warned)
	f.rounded.add(b.rounded)
	f.rows = max(f.rows, b.last)
	return nil
}

// number finds the fleet's numbers of a block's groups.
func (in *intake) number(groups []jobs.Group) ([]uint16, error) {
	numbers := make([]uint16, len(groups))
	for i, group := range groups {
		number, known := in.numbers[group]
		if !known {
			if len(in.numbers) == maxGroups {
				return nil, fmt.Errorf("%w: it has over %d pairs of account and plan; "+
					"are the columns account_name and service_plan what they say?", ErrFile, maxGroups)
			}
			number = uint16(len(in.numbers)) //nolint:gosec // below maxGroups
			in.numbers[group] = number
			in.fleet.groups = append(in.fleet.groups, GroupSummary{Group: group})
		}
		numbers[i] = number
	}
	return numbers, nil
}

// file adds one entry to the sorters. It counts as a device until something is found against it.
func (f *Fleet) file(p packed) error {
	f.devices++
	f.groups[p.group()].Devices++
	if err := f.byGroup.add(uint32(p.group()), p); err != nil {
		return err
	}
	if err := f.byEID.add(bucketOf(f.seed, p.eid()), p); err != nil {
		return err
	}
	if err := f.byICCID.add(bucketOf(f.seed, p.iccid()), p); err != nil {
		return err
	}
	if p.imei()[7] != 0 { // known: it ends in the nibble 0xF
		if err := f.byIMEI.add(bucketOf(f.seed, p.imei()), p); err != nil {
			return err
		}
	}
	if previous := p.previous(); previous.Known() {
		return f.byPrevious.add(bucketOf(f.seed, previous[:]), p)
	}
	return nil
}
