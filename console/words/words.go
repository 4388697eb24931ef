// Package words writes figures for people: numbers, parts of a whole, lengths of time.
package words

import (
	"fmt"
	"strconv"
	"strings"
)

// thin stands between thousands: a narrow space at which no line breaks.
const thin = "\u202f"

// Number writes a number with its thousands set apart.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "\u2212", digits[1:]
	}
	first := (len(digits)-1)%3 + 1
	var b strings.Builder
	b.WriteString(sign)
	b.WriteString(digits[:first])
	for i := first; i < len(digits); i += 3 {
		b.WriteString(thin)
		b.WriteString(digits[i : i+3])
	}
	return b.String()
}

// Devices writes a number of devices.
func Devices(n int64) string {
	if n == 1 {
		return "1 device"
	}
	return Number(n) + " devices"
}

// Share is a part of a whole in words: never 100% or 0% of what is not all or nothing.
func Share(n, of int64) string {
	part := 100 * float64(n) / float64(max(1, of))
	switch {
	case n > 0 && part < 0.05:
		return "<0.1%"
	case n < of && part > 99.9:
		return ">99.9%"
	case n == 0 || n == of:
		return fmt.Sprintf("%.0f%%", part)
	}
	return fmt.Sprintf("%.1f%%", part)
}

// Span writes a length of time in its two largest units.
func Span(seconds int64) string {
	for _, unit := range []struct {
		size  int64
		name  string
		small int64
		minor string
	}{{86400, "d", 3600, "h"}, {3600, "h", 60, "min"}, {60, "min", 1, "s"}} {
		if seconds < unit.size {
			continue
		}
		text := fmt.Sprintf("%d %s", seconds/unit.size, unit.name)
		if rest := seconds % unit.size / unit.small; rest > 0 {
			text += fmt.Sprintf(" %d %s", rest, unit.minor)
		}
		return text
	}
	return fmt.Sprintf("%d s", seconds)
}
