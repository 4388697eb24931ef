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
// books.
func withoutCredentials(body []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var whole any
	if decoder.Decode(&whole) != nil {
		return nil
	}
	strip(whole)
	clean, err := json.Marshal(whole)
	if err != nil {
		return nil
	}
	return clean
}

func strip(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if strings.EqualFold(name, "username") || strings.EqualFold(name, "password") {
				delete(v, name)
				continue
			}
			strip(inner)
		}
	case []any:
		for _, inner := range v {
			strip(inner)
		}
	}
}
