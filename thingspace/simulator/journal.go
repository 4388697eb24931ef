package simulator

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"sync"
	"time"
)

// journal writes the book as JSON lines: {"at":...,"event":...} and what else the event has. It keeps the order in
// which it is called. A nil journal writes nothing.
type journal struct {
	mu     sync.Mutex
	out    *bufio.Writer
	buffer []byte
	err    error // the first; nothing is written after it
}

// field is one more member of a line; its value is an int, a string or a bool.
type field struct {
	name  string
	value any
}

func newJournal(w io.Writer) *journal {
	if w == nil {
		return nil
	}
	return &journal{out: bufio.NewWriterSize(w, 64<<10)}
}

// line writes an event. Empty strings and zeros are left out.
func (j *journal) line(now int64, name string, fields ...field) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	line := appendEvent(j.buffer[:0], now, name)
	for _, f := range fields {
		switch value := f.value.(type) {
		case string:
			line = appendText(line, f.name, value)
		case int:
			line = appendInt(line, f.name, value)
		default:
			if text, err := json.Marshal(value); err == nil {
				line = append(appendName(line, f.name), text...)
			}
		}
	}
	j.write(line)
}

// callback writes how a delivery went.
func (j *journal) callback(now int64, id eid, requestID string, d *delivery) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	line := appendEvent(j.buffer[:0], now, "callback")
	line = appendText(line, "kind", kindNames[d.kind])
	line = appendText(line, "request_id", requestID)
	line = appendDigits(append(appendName(line, "eid"), '"'), id[:])
	line = appendInt(append(line, '"'), "try", int(d.try))
	line = appendInt(line, "status", d.status)
	if d.err != nil {
		line = appendText(line, "error", d.err.Error())
	}
	j.write(line)
}

// final writes that a device reached the final state of an accept.
func (j *journal) final(now int64, id eid, a *accept, requestID, faultCode string) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	line := appendEvent(j.buffer[:0], now, "final")
	line = appendText(line, "outcome", a.outcome.String())
	line = appendText(line, "request_id", requestID)
	line = appendDigits(append(appendName(line, "eid"), '"'), id[:])
	line = appendDigits(append(appendName(append(line, '"'), "iccid"), '"'), a.target[:])
	line = appendText(append(line, '"'), "fault", faultCode)
	line = appendInt(line, "attempt", int(a.attempt))
	j.write(line)
}

// flush hands on what is buffered, and gives the first error of the journal's life.
func (j *journal) flush() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.out.Flush(); err != nil && j.err == nil {
		j.err = err
	}
	return j.err
}

// write ends a line. It needs the lock.
func (j *journal) write(line []byte) {
	j.buffer = append(line, "}\n"...)
	if _, err := j.out.Write(j.buffer); err != nil && j.err == nil {
		j.err = err
	}
}

func appendEvent(line []byte, now int64, name string) []byte {
	line = append(line, `{"at":"`...)
	line = time.Unix(0, now).UTC().AppendFormat(line, time.RFC3339Nano)
	line = append(line, '"')
	return appendText(line, "event", name)
}

func appendName(line []byte, name string) []byte {
	return append(appendQuoted(append(line, ','), name), ':')
}

func appendText(line []byte, name, text string) []byte {
	if text == "" {
		return line
	}
	return appendQuoted(appendName(line, name), text)
}

func appendInt(line []byte, name string, n int) []byte {
	if n == 0 {
		return line
	}
	return strconv.AppendInt(appendName(line, name), int64(n), 10)
}
