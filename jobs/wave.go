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
}

// ParseWave reads a wave's name, group:attempt:again:due, as the ledger's scripts make it.
func ParseWave(name string) (RetryWave, error) {
	var group, attempt, again int
	var due int64
	if n, err := fmt.Sscanf(name, "%d:%d:%d:%d", &group, &attempt, &again, &due); n != 4 || err != nil {
		return RetryWave{}, fmt.Errorf("%q is no retry wave", name)
	}
	return RetryWave{Name: name, Group: group, Attempt: attempt, Repeat: again == 1, Due: time.Unix(due, 0).UTC()}, nil
}
