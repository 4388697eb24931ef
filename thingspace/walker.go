package thingspace

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// walker reads JSON that is known to be valid, in one pass and without copying: a callback is decoded thousands of times a
// second. Its methods move past exactly one value each. None recurses by itself, so nesting costs no stack.
//
// It never fails: where a value has another shape than was asked for, it is passed over.
type walker struct {
	src string
	at  int
}

// next is the first byte of the value ahead.
func (w *walker) next() byte {
	for w.at < len(w.src) {
		switch c := w.src[w.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			w.at++
		default:
			return c
		}
	}
	return 0
}

// fields calls visit with the name of each field of the object ahead; visit must move past the field's value.
func (w *walker) fields(visit func(name string)) {
	if w.next() != '{' {
		w.skip()
		return
	}
	w.at++
	for w.next() == '"' {
		visit(w.text())
	}
	w.at++
}

// each calls visit at each element of the array ahead, or once at a value that is no array: the carrier's documents do not
// agree which it is. visit must move past the element.
func (w *walker) each(visit func()) {
	if w.next() != '[' {
		visit()
		return
	}
	w.at++
	for c := w.next(); c != ']' && c != 0; c = w.next() {
		visit()
	}
	w.at++
}

// scalar is the string ahead, or the number or boolean as it is written, without space around it; null and anything
// compound are empty.
func (w *walker) scalar() string {
	switch w.next() {
	case '"':
		return strings.TrimSpace(w.text())
	case '{', '[', 'n':
		w.skip()
		return ""
	}
	from := w.at
	w.skip()
	return w.src[from:w.at]
}

// text is the string ahead, unquoted and in valid UTF-8.
func (w *walker) text() string {
	from := w.at
	w.skip()
	quoted := w.src[from:w.at]
	if strings.IndexByte(quoted, '\\') < 0 && utf8.ValidString(quoted) {
		return quoted[1 : len(quoted)-1]
	}
	var text string
	_ = json.Unmarshal([]byte(quoted), &text) // valid, as all of it
	return text
}

// skip moves past the value ahead.
func (w *walker) skip() {
	w.next()
	for depth := 0; w.at < len(w.src); {
		switch w.src[w.at] {
		case '{', '[':
			depth++
			w.at++
		case '}', ']':
			depth--
			w.at++
		case '"':
			w.skipString()
		case ' ', '\t', '\r', '\n', ',', ':':
			w.at++
			continue
		default:
			w.skipLiteral()
		}
		if depth <= 0 {
			return
		}
	}
}

func (w *walker) skipString() {
	for w.at++; w.at < len(w.src); w.at++ {
		switch w.src[w.at] {
		case '\\':
			w.at++
		case '"':
			w.at++
			return
		}
	}
}

func (w *walker) skipLiteral() {
	for ; w.at < len(w.src); w.at++ {
		switch w.src[w.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return
		}
	}
}
