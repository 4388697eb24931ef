package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/jobs"
)

const (
	wholeEID   = "89049032123451234512345678901235"
	wholeICCID = "8914800000000000002"
	wholeIMEI  = "350000000000006"
)

func TestIdentitiesAreMaskedWhereverTheyStand(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                 "",
		"no digits at all": "no digits at all",
		wholeEID:           strings.Repeat("*", 28) + "1235",
		"the device " + wholeIMEI + ", and " + wholeICCID + "F": "the device ***********0006, and ***************0002F",
		"0000123456-00001": "0000123456-00001", // an account
		"2026-03-01T22:00:00.123456789Z 12345678901234": "2026-03-01T22:00:00.123456789Z 12345678901234",
		"0198c5a2-7844-7849-8d55-1f14c2205bc3":          "0198c5a2-7844-7849-8d55-1f14c2205bc3",
	} {
		if got := mask(text); got != want {
			t.Errorf("%q is masked as %q, not as %q", text, got, want)
		}
	}
}

func TestALogTellsOfIdentitiesWhatItIsSetTo(t *testing.T) {
	t.Parallel()
	eid, err := jobs.ParseEID(wholeEID)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json"} {
		for _, identities := range []string{"masked", "full"} {
			var said bytes.Buffer
			env := &Env{Err: &said, Now: time.Now, Getenv: func(string) string { return "" },
				Flags: map[string]string{"LOG_FORMAT": format, "LOG_IDENTITIES": identities}}
			log, err := newLog(env)
			if err != nil {
				t.Fatal(err)
			}
			log.Info("of "+wholeEID,
				"text", wholeICCID, "error", fmt.Errorf("sent: %w", errors.New("no "+wholeIMEI)), "eid", eid,
				"list", []string{wholeEID}, slog.Group("in", "a group", wholeIMEI), "batch", 7, "long", 300*time.Hour)
			for _, identity := range []string{wholeEID, wholeICCID, wholeIMEI} {
				if told := strings.Contains(said.String(), identity); told != (identities == "full") {
					t.Errorf("%s, %s: %s", format, identities, &said)
				}
			}
			if !strings.Contains(said.String(), "1235") || strings.Contains(said.String(), "!ERROR") {
				t.Errorf("%s, %s: %s", format, identities, &said)
			}
		}
	}
}
