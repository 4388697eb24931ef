package csvimport

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// newText turns raw bytes into UTF-8 with LF line ends and no byte order mark. Bytes that are no UTF-8 pass: they are the
// affair of single rows.
func newText(raw io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(raw, 128<<10)
	head, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	var decoded io.Reader = buffered
	switch endian, marked := utf16Order(head); {
	case bytes.Equal(head, []byte{0xFF, 0xFE, 0, 0}), bytes.Equal(head, []byte{0, 0, 0xFE, 0xFF}):
		return nil, fmt.Errorf("%w: the text is UTF-32; save it as CSV in UTF-8", ErrFile)
	case marked:
		decoded = transform.NewReader(buffered, unicode.UTF16(endian, unicode.UseBOM).NewDecoder())
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		_, _ = buffered.Discard(3) // they have been peeked at
	}
	return &lines{text: decoded}, nil
}

// utf16Order tells UTF-16 by its byte order mark, or by NULs in one half of the first two characters.
func utf16Order(head []byte) (unicode.Endianness, bool) {
	if len(head) < 2 {
		return unicode.LittleEndian, false
	}
	half := len(head) == 4 && (head[0] == 0) != (head[1] == 0) && (head[0] == 0) == (head[2] == 0) &&
		(head[1] == 0) == (head[3] == 0)
	switch {
	case head[0] == 0xFE && head[1] == 0xFF, half && head[0] == 0:
		return unicode.BigEndian, true
	case head[0] == 0xFF && head[1] == 0xFE, half:
		return unicode.LittleEndian, true
	}
	return unicode.LittleEndian, false
}

// lines makes every CRLF and every lone CR an LF.
type lines struct {
	text io.Reader
	cr   bool // the byte before was a CR, and stands as LF already
}

func (l *lines) Read(p []byte) (int, error) {
	for {
		n, err := l.text.Read(p)
		n = l.normalise(p[:n])
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// normalise rewrites p in place and returns its new length, which is never more.
func (l *lines) normalise(p []byte) int {
	length, rest := 0, p
	for len(rest) > 0 {
		if l.cr && rest[0] == '\n' {
			rest = rest[1:]
		}
		at := bytes.IndexByte(rest, '\r')
		if l.cr = at >= 0; !l.cr {
			return length + copy(p[length:], rest)
		}
		rest[at] = '\n'
		length += copy(p[length:], rest[:at+1])
		rest = rest[at+1:]
	}
	return length
}
