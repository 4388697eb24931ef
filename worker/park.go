package worker

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/simshift/simshift/jobs"
)

// park makes of a callback what is kept of it until its request is known.
func park(r *Received, why string) jobs.Parked {
	raw := withoutCredentials(r.Raw)
	sum := sha256.Sum256(raw)
	return jobs.Parked{
		ID: hex.EncodeToString(sum[:8]), At: r.At, Reason: why, RequestID: r.RequestID, EID: r.EID, Raw: string(raw),
	}
}

// withoutCredentials gives the callback without the secret it came with, wherever that stands: it has no business in the
// books. All else stays byte for byte but for space between: the callback is decoded again when its request becomes known,
// and of a name that comes twice the order decides.
func withoutCredentials(body []byte) []byte {
	c := copier{body: body, source: json.NewDecoder(bytes.NewReader(body))}
	c.source.UseNumber() // one that no float64 holds is JSON all the same
	if c.value() != nil {
		return nil
	}
	return c.clean
}

// copier copies JSON token by token, as it is written.
type copier struct {
	body   []byte
	source *json.Decoder
	clean  []byte
}

// next is the next token, and how it is written.
func (c *copier) next() (token json.Token, written []byte, err error) {
	from := c.source.InputOffset()
	token, err = c.source.Token()
	return token, bytes.TrimLeft(c.body[from:c.source.InputOffset()], " \t\r\n,:"), err
}

// value copies one value, without credentials in it.
func (c *copier) value() error {
	token, written, err := c.next()
	if err != nil {
		return err
	}
	c.clean = append(c.clean, written...)
	if token == json.Delim('{') {
		return c.inside(c.field)
	}
	if token == json.Delim('[') {
		return c.inside(c.element)
	}
	return nil
}

// inside copies all of an object or array after its opening.
func (c *copier) inside(one func(first bool) (copied bool, err error)) error {
	for first := true; c.source.More(); {
		copied, err := one(first)
		if err != nil {
			return err
		}
		first = first && !copied
	}
	_, closing, err := c.next()
	c.clean = append(c.clean, closing...)
	return err
}

func (c *copier) element(first bool) (copied bool, err error) {
	c.part(first)
	return true, c.value()
}

func (c *copier) field(first bool) (copied bool, err error) {
	token, written, err := c.next()
	if err != nil {
		return false, err
	}
	if name, _ := token.(string); strings.EqualFold(name, "username") || strings.EqualFold(name, "password") {
		var secret json.RawMessage
		return false, c.source.Decode(&secret)
	}
	c.part(first)
	c.clean = append(append(c.clean, written...), ':')
	return true, c.value()
}

func (c *copier) part(first bool) {
	if !first {
		c.clean = append(c.clean, ',')
	}
}
