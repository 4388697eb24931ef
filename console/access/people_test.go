package access_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/console/access"
)

func TestATokenIsKnownForWhatItIs(t *testing.T) {
	t.Parallel()
	one, other := access.NewToken(), access.NewToken()
	if one == other || !strings.HasPrefix(one, "simshift_") || len(one) != 52 {
		t.Errorf("tokens are %s and %s", one, other)
	}
}

func TestAMistakeInATokensFileIsNamedByItsLineAndNotRepeated(t *testing.T) {
	t.Parallel()
	digest := access.DigestOf("x").String()
	for text, want := range map[string]string{
		"dana operator simshift_secret\n":                           "line 1: a token's digest is sha256:",
		"# who\n\ndana operator\n":                                  "line 3: a line has three fields",
		"dana boss " + digest:                                       "dana has no role that is known",
		"dana simshift_secret " + digest:                            "dana has no role that is known",
		"dana operator " + digest + "00":                            "a token's digest is sha256:",
		"dana operator " + digest[:len(digest)-1] + "g":             "a token's digest is sha256:",
		"dana operator " + strings.TrimPrefix(digest, "sha256:"):    "a token's digest is sha256:",
		"dana operator " + digest + "\nalex viewer " + digest:       "the name or the token of alex stands twice",
		"Gate operator " + digest:                                   "is the program itself",
		"da\u200bna operator " + digest:                             "a name is one word",
		strings.Repeat("x", 101) + " operator " + digest:            "a name is one word",
		"simshift_secret operator " + strings.Repeat("x", 100*1024): "too long",
	} {
		_, err := access.ParseHolders(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

func TestAFileThatOthersMayWriteIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o640: true, 0o644: true, 0o620: false, 0o602: false} {
		if err := os.Chmod(h.path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := access.ReadHolders(h.path); (err == nil) != good {
			t.Errorf("with the mode %o: %v", mode, err)
		}
	}
}

// A file that is broken for a while, or away, locks nobody out; the log says so once, and not what stands in the file.
func TestABrokenTokensFileLeavesThePeopleThereWere(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	looks := func(name string) int {
		h.now = h.now.Add(time.Second)
		return h.ask(t, http.MethodGet, "/who/x", "", h.bearer(name)).Code
	}
	spoil := map[string]func(){
		"broken": func() { h.writeText(t, "otto operator "+h.tokens["otto"]+"\n") },
		"away": func() {
			if err := os.Remove(h.path); err != nil {
				t.Fatal(err)
			}
		},
	}
	for what, do := range spoil {
		do()
		for range 3 {
			if got := looks("otto"); got != http.StatusOK {
				t.Errorf("%s: otto is answered %d", what, got)
			}
		}
		if log := h.log.String(); strings.Count(log, "can not be used") != 1 || strings.Contains(log, h.tokens["otto"]) {
			t.Errorf("%s: the log says\n%s", what, log)
		}
		h.write(t, h.people)
		looks("otto")
		h.log.text.Reset()
	}
	h.write(t, h.without("otto"))
	if got := looks("otto"); got != http.StatusUnauthorized {
		t.Errorf("a second after his token was taken back, otto is answered %d", got)
	}
	if got := looks("anna"); got != http.StatusOK {
		t.Errorf("anna is answered %d", got)
	}
}

func FuzzATokensFileIsReadAsItIsWritten(f *testing.F) {
	f.Add("# who\ndana operator " + access.DigestOf("x").String() + "\n")
	f.Add("ä viewer " + access.DigestOf("y").String() + "\r\n\tb approver " + access.DigestOf("z").String())
	f.Add("#a viewer sha256:\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := access.ParseHolders(strings.NewReader(text))
		if err != nil {
			return
		}
		var once, again bytes.Buffer
		if err := access.WriteHolders(&once, list); err != nil {
			t.Fatal(err)
		}
		list, err = access.ParseHolders(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := access.WriteHolders(&again, list); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(once.String(), again.String()); diff != "" {
			t.Error(diff)
		}
	})
}
