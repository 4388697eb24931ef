package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/filewatch"
)

// pairFiles are a certificate's files, which a test can replace.
type pairFiles struct {
	t         *testing.T
	cert, key string
	times     time.Time // each writing is later than the one before, whatever the file system's clock can tell apart
}

func newPairFiles(t *testing.T) *pairFiles {
	t.Helper()
	folder := t.TempDir()
	return &pairFiles{t: t, cert: filepath.Join(folder, "tls.crt"), key: filepath.Join(folder, "tls.key"), times: time.Unix(1e9, 0)}
}

// pairOf makes up a certificate with a serial number by which to know it.
func pairOf(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: from, NotAfter: from.AddDate(1, 0, 0)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

func (f *pairFiles) write(path string, text []byte) {
	f.t.Helper()
	f.times = f.times.Add(time.Second)
	if err := errors.Join(os.WriteFile(path, text, 0o600), os.Chtimes(path, f.times, f.times)); err != nil {
		f.t.Fatal(err)
	}
}

// serves tells the serial number of the certificate that a handshake would be given.
func serves(t *testing.T, c *certificate) int64 {
	t.Helper()
	pair, err := c.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.Int64()
}

func TestANewCertificateIsServedWithinASecondAndABadOneNever(t *testing.T) {
	t.Parallel()
	files := newPairFiles(t)
	cert, key := pairOf(t, 1)
	files.write(files.cert, cert)
	files.write(files.key, key)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var talk bytes.Buffer
	c, err := openCertificate("CALLBACK", files.cert, files.key, func() time.Time { return now }, slog.New(slog.NewTextHandler(&talk, nil)))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(what string, serial int64, complaints int) {
		t.Helper()
		if got := serves(t, c); got != serial {
			t.Errorf("%s: certificate %d is served, not %d", what, got, serial)
		}
		if got := strings.Count(talk.String(), "level=ERROR"); got != complaints {
			t.Errorf("%s: %d complaints, want %d", what, got, complaints)
		}
	}
	cert, key = pairOf(t, 2)
	files.write(files.cert, cert)
	files.write(files.key, key)
	now = now.Add(filewatch.Every - 1)
	expect("within the second", 1, 0)
	now = now.Add(1)
	expect("after the second", 2, 0)

	cert, key = pairOf(t, 3)
	files.write(files.cert, cert)
	for range 3 {
		now = now.Add(filewatch.Every)
		expect("one file is new, the other not yet", 2, 1)
	}
	files.write(files.key, key)
	now = now.Add(filewatch.Every)
	expect("both are new", 3, 1)

	if err := os.Remove(files.cert); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		now = now.Add(filewatch.Every)
		expect("a file is away", 3, 2)
	}
	files.write(files.cert, cert)
	now = now.Add(filewatch.Every)
	expect("it is back", 3, 2)
	if strings.Contains(talk.String(), "PRIVATE") {
		t.Error("the key is in the log")
	}
}

func TestAMissingOrBadCertificateAtTheStartSaysWhatToDo(t *testing.T) {
	t.Parallel()
	files := newPairFiles(t)
	cert, key := pairOf(t, 1)
	_, otherKey := pairOf(t, 2)
	files.write(files.cert, cert)
	files.write(files.key, key)
	other, rubbish := files.key+".other", files.key+".rubbish"
	files.write(other, otherKey)
	files.write(rubbish, []byte("rubbish"))
	for name, c := range map[string]struct{ cert, key, hint string }{
		"no key":          {files.cert, "", "set both, or neither"},
		"no certificate":  {"", files.key, "set both, or neither"},
		"no such file":    {files.cert, files.key + ".gone", "files that this user can read"},
		"another's key":   {files.cert, other, "its key"},
		"rubbish":         {rubbish, files.key, "certificate chain"},
		"not a file name": {files.cert, string(key), "without _FILE"},
	} {
		_, err := openCertificate("CALLBACK", c.cert, c.key, time.Now, slog.New(slog.DiscardHandler))
		if ExitCode(err) != ExitUsage || !strings.Contains(Hint(err), c.hint) {
			t.Errorf("%s: %v (%d), to go on: %s", name, err, ExitCode(err), Hint(err))
		}
		if err != nil && strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: the key is in the error", name)
		}
	}
}
