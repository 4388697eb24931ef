package simulator

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTheAgendaGivesTheEarliestFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a agenda
		var held []int64
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if len(a) > 0 && rapid.Bool().Draw(t, "take") {
				slices.Sort(held)
				if got := a.take().due; got != held[0] {
					t.Fatalf("took %d, want %d", got, held[0])
				}
				held = held[1:]
				continue
			}
			due := rapid.Int64Range(0, 50).Draw(t, "due")
			a.add(event{due: due})
			held = append(held, due)
		}
		if len(a) != len(held) {
			t.Fatalf("%d on the agenda, want %d", len(a), len(held))
		}
	})
}

func TestTheOutboxKeepsItsOrderWhileItReclaimsSpace(t *testing.T) {
	var o outbox
	next := uint32(0)
	for n := range uint32(20_000) {
		o.add(event{accept: n})
		if n%3 != 0 {
			if got := o.take().accept; got != next {
				t.Fatalf("took %d, want %d", got, next)
			}
			next++
		}
	}
	if o.len() != 20_000-int(next) || len(o.events) > 2*o.len()+2048 {
		t.Errorf("%d waiting in %d", o.len(), len(o.events))
	}
}

func TestPackedDigitsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{19,20}`).Draw(t, "digits")
		var id iccid
		if !pack(id[:], digits, 19, 20) {
			t.Fatal("refused")
		}
		if got := string(appendDigits(nil, id[:])); got != digits {
			t.Fatalf("%s became %s", digits, got)
		}
	})
}

func TestChanceIsEvenAndIndependentByQuestion(t *testing.T) {
	const draws = 100_000
	sum, product := 0.0, 0.0
	for n := range uint64(draws) {
		a, b := chance(1, n, 0, askKind), chance(1, n, 0, askLost)
		if a < 0 || a >= 1 {
			t.Fatalf("drew %v", a)
		}
		sum += a
		product += (a - 0.5) * (b - 0.5)
	}
	if mean := sum / draws; math.Abs(mean-0.5) > 0.005 {
		t.Errorf("mean %v", mean)
	}
	if covariance := product / draws; math.Abs(covariance) > 0.002 {
		t.Errorf("covariance %v", covariance)
	}
}

func TestTheRequestLimitHoldsAtLeastOne(t *testing.T) {
	for perSecond, want := range map[float64]limit{
		2:    newLimit(time.Second, 2),
		2.5:  newLimit(time.Second, 3),
		0.25: newLimit(4*time.Second, 1),
		0:    {},
	} {
		got := requestLimit(perSecond)
		if got.most != want.most || got.span != want.span {
			t.Errorf("%v a second: %d in %v, want %d in %v", perSecond, got.most, got.span, want.most, want.span)
		}
	}
}
