package jobs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Share is a part of a whole, 0 to 1. Its text is a percentage, such as "95%" or "0.5%".
type Share float64

// ParseShare reads a percentage.
func ParseShare(text string) (Share, error) {
	number, found := strings.CutSuffix(strings.TrimSpace(text), "%")
	percent, err := strconv.ParseFloat(number, 64)
	if !found || err != nil || !(percent >= 0 && percent <= 100) { // written so that NaN is refused
		return 0, fmt.Errorf("%q is no percentage: write it as 95%%, from 0%% to 100%%", text)
	}
	return Share(percent / 100), nil
}

func (s Share) String() string {
	return strconv.FormatFloat(math.Round(float64(s)*1e6)/1e4, 'f', -1, 64) + "%"
}

// MarshalText gives the percentage.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts what [ParseShare] accepts.
func (s *Share) UnmarshalText(text []byte) (err error) {
	*s, err = ParseShare(string(text))
	return err
}

// Wave is the size of a wave of the fleet: so many devices, or such a part of it. Its text is "100" or "5%".
type Wave struct {
	Devices int64
	Share   Share // of the whole fleet, where Devices is 0
}

// ParseWaves reads a list of wave sizes, such as "100,5%,100%".
func ParseWaves(text string) ([]Wave, error) {
	var waves []Wave
	for part := range strings.SplitSeq(text, ",") {
		var w Wave
		if err := w.UnmarshalText([]byte(strings.TrimSpace(part))); err != nil {
			return nil, err
		}
		waves = append(waves, w)
	}
	return waves, nil
}

func (w Wave) String() string {
	if w.Devices > 0 {
		return strconv.FormatInt(w.Devices, 10)
	}
	return w.Share.String()
}

// MarshalText gives the size.
func (w Wave) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads a number of devices or a percentage of the fleet.
func (w *Wave) UnmarshalText(text []byte) (err error) {
	*w = Wave{}
	if strings.HasSuffix(string(text), "%") {
		w.Share, err = ParseShare(string(text))
	} else {
		w.Devices, err = strconv.ParseInt(string(text), 10, 64)
	}
	if err != nil || w.Devices < 0 || w.Devices == 0 && w.Share == 0 {
		return fmt.Errorf("%q is no size of a wave: write a number of devices or a part of the fleet, as in 100,5%%,100%%", text)
	}
	return nil
}

// WaveEnds tells for each wave after how many of a fleet's devices it ends. Each wave is as large as its size says, of what
// the waves before it leave; a fleet that is not used up by them has its rest as the last wave. A fleet without waves is one
// wave.
func (p Policy) WaveEnds(devices int64) []int64 {
	var ends []int64
	end := int64(0)
	for _, w := range p.Waves {
		size := w.Devices
		if size == 0 {
			size = int64(math.Ceil(float64(w.Share) * float64(devices)))
		}
		if end += min(size, devices-end); end >= devices {
			break
		}
		ends = append(ends, end)
	}
	return append(ends, devices)
}

// WaveRoom tells how many more devices of each group may be sent, of which so many are taken, until the waves so far hold
// upTo devices: each group has its part of a wave, so that a small first wave tries every large account and plan. What they
// have room for adds up to what is left of the wave, whatever the remainders: else it would never end.
func WaveRoom(groups, taken []int64, upTo int64) []int64 {
	var devices, before int64
	left := upTo
	for group, size := range groups {
		devices += size
		left -= taken[group]
	}
	room := make([]int64, len(groups))
	for group, size := range groups {
		part := share(upTo, before+size, devices) - share(upTo, before, devices)
		// By its remainder, a part can be one less than it was of the wave before.
		room[group] = min(max(0, part-taken[group]), left)
		left -= room[group]
		before += size
	}
	return room
}

func share(upTo, before, devices int64) int64 {
	if devices == 0 {
		return 0
	}
	return upTo * before / devices
}

// Brake pauses a job whose answers fail too often.
type Brake struct {
	Share  Share            `json:"share,omitempty"`  // of failures among the latest answers; 0: only single faults are braked
	Faults map[string]Share `json:"faults,omitempty"` // the same for one fault each, by its code
	Last   int              `json:"last,omitempty"`   // how many answers it looks at, 1 to 1,000,000
	Least  int              `json:"least,omitempty"`  // how many there must be before it judges, 1 to Last
}

// On tells whether there is any brake.
func (b Brake) On() bool { return b.Share > 0 || len(b.Faults) > 0 }

// Set adds a brake by its text: "10%", or "CODE=2%" for one fault.
func (b *Brake) Set(text string) error {
	code, percentage, single := strings.Cut(text, "=")
	if !single {
		percentage = text
	}
	share, err := ParseShare(percentage)
	if err == nil && (share == 0 || single && (code == "" || strings.ContainsAny(code, " \t\n"))) {
		err = fmt.Errorf("%q would brake at once or never", text)
	}
	if err != nil {
		return fmt.Errorf("%w; a brake is a share of failures, as 10%%, or of one fault, as REQUEST_FAILED.DeviceNotFound=2%%", err)
	}
	if !single {
		b.Share = share
		return nil
	}
	if b.Faults == nil {
		b.Faults = make(map[string]Share)
	}
	b.Faults[code] = share
	return nil
}

func (b Brake) validate() error {
	switch {
	case !b.On():
		return nil
	case b.Last < 1 || b.Last > 1_000_000:
		return fmt.Errorf("brake-last must be 1 to 1000000, not %d", b.Last)
	case b.Least < 1 || b.Least > b.Last:
		return fmt.Errorf("brake-least must be 1 to brake-last (%d), not %d", b.Last, b.Least)
	}
	return nil
}
