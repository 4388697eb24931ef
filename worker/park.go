package worker

import (
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

// withoutCredentials gives the callback without the secret it came with, which has no business in the books.
func withoutCredentials(body []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return body
	}
	for name := range fields {
		if strings.EqualFold(name, "username") || strings.EqualFold(name, "password") {
			delete(fields, name)
		}
	}
	clean, err := json.Marshal(fields)
	if err != nil {
		return body
	}
	return clean
}
