package checker

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/simshift/simshift/thingspace/simulator"
)

// Book is what the carrier wrote down, as far as the checker asks for it.
type Book struct {
	DoubleInFlight int
	Doubles        []string // the first few of them, in words
	Requests       []Request
	accepts        map[string][]*accept // by EID, in the order in which they were accepted
	enabled        map[string]string    // EID -> the ICCID enabled on it
}

// Request is an enable request that the carrier accepted.
type Request struct {
	ID  string
	At  time.Time // when it was received
	EID []string
}

// accept is one device of an accepted request.
type accept struct {
	request string
	at      time.Time
	outcome string    // success, contradicted, failed or unreached; empty: not reached
	fault   string    // of a failed one
	told    time.Time // when a listener first answered its callback with 2xx; zero: never
	heard   bool      // the same, or for a copy of it under a request id that nobody knows
}

// ReadBook reads the carrier's summary page, its devices and requests (with their EIDs) as JSON lines, and its journal.
func ReadBook(summary, devices, requests, journal io.Reader) (*Book, error) {
	b := &Book{accepts: make(map[string][]*accept), enabled: make(map[string]string)}
	var sum simulator.Summary
	if err := json.NewDecoder(summary).Decode(&sum); err != nil {
		return nil, fmt.Errorf("read the book's summary: %w", err)
	}
	b.DoubleInFlight = sum.DoubleInFlight
	index := make(map[[2]string]*accept)
	return b, errors.Join(
		lines(devices, func(d *simulator.DeviceEntry) { b.enabled[d.EID] = d.ICCID }),
		lines(requests, func(r *simulator.RequestEntry) { b.accepted(r, index) }),
		lines(journal, func(e *entry) { b.note(e, index) }),
	)
}

func (b *Book) accepted(r *simulator.RequestEntry, index map[[2]string]*accept) {
	if r.Outcome != simulator.Accepted {
		return
	}
	b.Requests = append(b.Requests, Request{r.RequestID, r.ReceivedAt, r.EIDs})
	for _, eid := range r.EIDs {
		a := &accept{request: r.RequestID, at: r.ReceivedAt}
		b.accepts[eid] = append(b.accepts[eid], a)
		index[[2]string{eid, r.RequestID}] = a
	}
}

// entry is a line of the journal.
type entry struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"`
	Kind    string    `json:"kind"`
	Request string    `json:"request_id"`
	EID     string    `json:"eid"`
	Outcome string    `json:"outcome"`
	Fault   string    `json:"fault"`
	Status  int       `json:"status"`
	Detail  string    `json:"detail"`
}

func (b *Book) note(e *entry, index map[[2]string]*accept) {
	a := index[[2]string{e.EID, e.Request}]
	switch {
	case e.Event == string(simulator.DoubleInFlight):
		if len(b.Doubles) < examplesMost {
			b.Doubles = append(b.Doubles, fmt.Sprintf("%s %s of %s: %s", e.At.Format(time.RFC3339Nano), e.EID, e.Request, e.Detail))
		}
	case a == nil:
	case e.Event == "final":
		a.outcome, a.fault = e.Outcome, e.Fault
	case e.Event == "callback" && e.Status/100 == 2:
		own := e.Kind == "final" || e.Kind == "duplicate"
		a.heard = a.heard || own || e.Kind == "stray"
		if own && a.told.IsZero() {
			a.told = e.At
		}
	}
}

// heard gives the accepts of a device whose outcome a listener has thanked for.
func (b *Book) heard(eid string) []*accept {
	return slices.DeleteFunc(slices.Clone(b.accepts[eid]), func(a *accept) bool { return !a.heard })
}

func lines[T any](in io.Reader, visit func(*T)) error {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 4<<20) // a request of 10,000 devices is one line
	for scanner.Scan() {
		one := new(T)
		if err := json.Unmarshal(scanner.Bytes(), one); err != nil {
			// The last line may be half written: a carrier does not stop while its book is read.
			if broken := scanner.Text(); scanner.Scan() {
				return fmt.Errorf("read the book: %w in %.200s", err, broken)
			}
			break
		}
		visit(one)
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read the book: %w", err)
	}
	return nil
}
