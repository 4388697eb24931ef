package simulator

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// window counts what happened within a span that ends now, and remembers the most there ever was.
type window struct {
	span   time.Duration
	stamps []stamp // the oldest first
	sum    int
	peak   int
}

type stamp struct {
	at    time.Time
	count int
}

// at gives the count in the window that ends now.
func (w *window) at(now time.Time) int {
	old := 0
	for old < len(w.stamps) && now.Sub(w.stamps[old].at) >= w.span {
		w.sum -= w.stamps[old].count
		old++
	}
	w.stamps = w.stamps[:copy(w.stamps, w.stamps[old:])]
	return w.sum
}

func (w *window) add(now time.Time, count int) {
	w.at(now)
	w.stamps = append(w.stamps, stamp{now, count})
	w.sum += count
	w.peak = max(w.peak, w.sum)
}

// limit is a window that must not hold more than most; most 0 is no limit.
type limit struct {
	window
	most int
}

// jitterAllowance is what the windows of the limits are taken short: see [RateLimit].
const jitterAllowance = 0.05

func newLimit(span time.Duration, most int) limit {
	return limit{window{span: time.Duration(float64(span) * (1 - jitterAllowance))}, most}
}

// requestLimit turns requests a second into a window that holds at least one.
func requestLimit(perSecond float64) limit {
	if perSecond <= 0 {
		return limit{}
	}
	span := time.Second
	if perSecond < 1 {
		span = time.Duration(float64(time.Second) / perSecond)
	}
	return newLimit(span, max(1, int(math.Ceil(perSecond*span.Seconds()-1e-6))))
}

// exceeded tells whether count more would be too much now, and when there is room again.
func (l *limit) exceeded(now time.Time, count int) (after time.Duration, exceeded bool) {
	if l.most == 0 || l.at(now)+count <= l.most {
		return 0, false
	}
	room := l.most - l.sum
	for _, s := range l.stamps {
		if room += s.count; room >= count {
			return l.span - now.Sub(s.at), true
		}
	}
	return l.span, true
}

// admitRequest counts an enable request with good credentials against the limit.
func (s *Simulator) admitRequest() *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.admitTo(&s.tally.requestLimit, s.cfg.Now(), 1, TooManyRequests)
}

// admitDevices counts the devices of a sound request against the limit. It needs the lock.
func (s *Simulator) admitDevices(now time.Time, count int) *refusal {
	if no := s.admitTo(&s.tally.deviceLimit, now, count, TooManyDevices); no != nil {
		return no
	}
	s.tally.minute.add(now, count)
	return nil
}

func (s *Simulator) admitTo(l *limit, now time.Time, count int, kind IncidentKind) *refusal {
	after, exceeded := l.exceeded(now, count)
	if exceeded {
		s.incident(kind, eid{}, "",
			fmt.Sprintf("%d more than the %d of %v that are allowed", l.sum+count-l.most, l.most, l.span))
		if s.cfg.RateLimit.Refuse {
			return statusRefusal(http.StatusTooManyRequests, strconv.Itoa(int(math.Ceil(after.Seconds()))))
		}
	}
	l.add(now, count)
	return nil
}
