package simulator

import (
	"strings"
	"unicode"
)

// leads tells whether a plan is a Verizon plan: one of its words starts with a lead word, in any case. Only starts
// count, so that a "Global Plus" is not a plan of the US.
func (s *Simulator) leads(plan string) bool {
	for _, word := range strings.FieldsFunc(strings.ToLower(plan), func(c rune) bool { return !unicode.IsLetter(c) }) {
		for _, start := range s.cfg.LeadWords {
			if strings.HasPrefix(word, strings.ToLower(start)) {
				return true
			}
		}
	}
	return s.cfg.Role == Lead
}
