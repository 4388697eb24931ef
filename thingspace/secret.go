package thingspace

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

const redacted = "[secret]"

// Secret is a credential that came in a callback. No formatting verb, logger or encoder prints it; string(s) is the
// value.
type Secret string

// Format prints a placeholder, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String is a placeholder.
func (Secret) String() string { return redacted }

// LogValue is a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// longSecret is the length in bytes from which a secret is looked for inside words too. A shorter one ("pass") is
// replaced only where it stands alone: it says less than the words it would maim ("password").
const longSecret = 8

// scrub takes the secrets out of words that somebody else wrote: a carrier may quote what it refuses.
func scrub(text string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) >= longSecret {
			text = strings.ReplaceAll(text, secret, redacted)
		} else if secret != "" {
			text = replaceWord(text, secret)
		}
	}
	return text
}

// replaceWord redacts word where neither a letter nor a digit touches it.
func replaceWord(text, word string) string {
	var out strings.Builder
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			out.WriteString(text[from:])
			return out.String()
		}
		at += from
		end := at + len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[end:])
		out.WriteString(text[from:at])
		if wordy(before) || wordy(after) {
			out.WriteString(word)
		} else {
			out.WriteString(redacted)
		}
		from = end
	}
}

func wordy(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
