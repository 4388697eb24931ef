package jobs

import (
	"fmt"
	"time"
)

// RetryWave is the devices of one group that failed the same attempt and are due together.
type RetryWave struct {
	Name    string
	Group   int
	Attempt int  // the attempt behind them
	Repeat  bool // some earlier request of theirs had an unknown outcome
	Due     time.Time
	Devices int // in its list, those that were taken before included
}

// Alike tells whether devices of both waves may travel in one request.
func (w RetryWave) Alike(other RetryWave) bool {
	return w.Group == other.Group && w.Attempt == other.Attempt && w.Repeat == other.Repeat
}

const waveForm = "%d:%d:%d:%d"

// ParseWave reads a wave's name, group:attempt:again:due, as the ledger's scripts make it.
func ParseWave(name string) (RetryWave, error) {
	var group, attempt, again int
	var due int64
	// Whatever Sscanf passes over, spaces and signs and what comes after, makes it another name.
	n, err := fmt.Sscanf(name, waveForm, &group, &attempt, &again, &due)
	exact := n == 4 && err == nil && fmt.Sprintf(waveForm, group, attempt, again, due) == name
	if !exact || group < 0 || attempt < 0 || again < 0 || again > 1 || due < 0 {
		return RetryWave{}, fmt.Errorf("%q is no retry wave", name)
	}
	return RetryWave{Name: name, Group: group, Attempt: attempt, Repeat: again == 1, Due: time.Unix(due, 0).UTC()}, nil
}
