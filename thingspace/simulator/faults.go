package simulator

import (
	"fmt"
	"slices"
)

// Numbers of the faults that every simulator knows; 0 is no fault.
const (
	faultOfflineNumber = uint8(iota + 1)
	faultActiveNumber
	faultDoubleNumber
	faultNotFoundNumber
)

// faultTable numbers faults, so that a record keeps one byte of them. Numbers are never given up.
type faultTable []Fault

func newFaultTable() faultTable {
	return faultTable{{}, faultOffline, faultActive, faultDouble, faultNotFound}
}

func (t *faultTable) number(f Fault) (uint8, error) {
	at := slices.Index(*t, f)
	if at < 0 {
		if at = len(*t); at > 255 {
			return 0, fmt.Errorf("too many different faults over this simulator's life: at most %d", 255)
		}
		*t = append(*t, f)
	}
	return uint8(at), nil //nolint:gosec // at most 255
}
