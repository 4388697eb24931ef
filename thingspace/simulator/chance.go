package simulator

import "time"

// question names what is drawn, so that no two draws about the same thing are the same draw.
type question uint64

const (
	askKind question = iota + 1
	askTurns
	askFault
	askReached
	askLatency
	askLost
	askWarning
	askWarningTime
	askCopied
	askCopies
	askCopyTime
	askOther
	askContradict
	askTabular
	askStray
	askAccount
	askRequest
	askEarly
	askAnswer
)

// chance draws a fraction in [0, 1) from the seed alone: the same subject, turn and question always get the same.
func chance(seed, subject, turn uint64, about question) float64 {
	x := mix(seed + 0x9E3779B97F4A7C15*uint64(about))
	x = mix(x ^ subject)
	x = mix(x + turn)
	return float64(x>>11) / (1 << 53)
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// between picks a duration of the span by a fraction in [0, 1).
func (s Span) between(fraction float64) time.Duration {
	return s.Min + time.Duration(float64(s.Max-s.Min)*fraction)
}
