package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// tokenPrefix makes a token known for what it is, to people and to scanners for secrets.
const tokenPrefix = "simshift_"

// NewToken makes a token of 256 random bits.
func NewToken() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
}

// Digest is what is kept of a secret instead of it. A fast hash is right for 256 random bits: nobody tries them all, and
// what slows down the guessing of passwords would slow down every request here.
type Digest [sha256.Size]byte

// DigestOf gives the digest of a token.
func DigestOf(token string) Digest { return sha256.Sum256([]byte(token)) }

const digestPrefix = "sha256:"

func (d Digest) String() string { return digestPrefix + hex.EncodeToString(d[:]) }

func parseDigest(text string) (d Digest, err error) {
	digits, ok := strings.CutPrefix(text, digestPrefix)
	if n, err := hex.Decode(d[:], []byte(digits[:min(len(digits), 2*len(d))])); !ok || err != nil || n != len(d) || len(digits) != 2*len(d) {
		return d, errors.New("a token's digest is sha256: and 64 hexadecimal digits, never the token itself")
	}
	return d, nil
}
