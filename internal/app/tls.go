package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// lookEvery is how often the files of a certificate are looked at, at most.
const lookEvery = time.Second

// certificate is a pair of PEM files that may be replaced while it is in use. A pair that can not be used, as while one
// file is new and the other not yet, leaves the one before it in place.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	read   [2]stamp // of the files, good or bad, that were read last
	looked time.Time
}

// stamp changes when a file does. The zero stamp is a file that can not be looked at.
type stamp struct {
	changed, size int64
}

// openCertificate fails where the files are no good pair.
func openCertificate(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*certificate, error) {
	if certFile == "" || keyFile == "" {
		return nil, usage("set both, or neither where a proxy ends TLS",
			"of SIMSHIFT_CALLBACK_TLS_CERT and SIMSHIFT_CALLBACK_TLS_KEY only one is set")
	}
	if isPEM(certFile) || isPEM(keyFile) { // never in an error: it is the key
		return nil, usage("name the file itself, not a file that holds its name: without _FILE",
			"SIMSHIFT_CALLBACK_TLS_CERT or SIMSHIFT_CALLBACK_TLS_KEY is not a file's name, but what is in it")
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now, log: log, looked: now()}
	c.read = c.stamps()
	var err error
	if c.pair, err = c.load(); err != nil {
		return nil, certificateFailure(err)
	}
	return c, nil
}

func isPEM(text string) bool { return strings.Contains(text, "-----BEGIN") }

func certificateFailure(err error) error {
	hint := "SIMSHIFT_CALLBACK_TLS_CERT names the certificate chain, the listener's own first, and SIMSHIFT_CALLBACK_TLS_KEY its key, " +
		"both as PEM"
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		hint = "let SIMSHIFT_CALLBACK_TLS_CERT and SIMSHIFT_CALLBACK_TLS_KEY name files that this user can read"
	}
	return usage(hint, "the callback listener's certificate: %w", err)
}

// get gives the pair for a handshake. It looks at the files first, if nobody has for a second.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked).Abs() >= lookEvery {
		c.looked = now
		c.refresh()
	}
	return c.pair, nil
}

// refresh reads files that have changed. The stamps are taken before the files are read: what changes meanwhile is read
// again next time.
func (c *certificate) refresh() {
	there := c.stamps()
	if there == c.read {
		return
	}
	c.read = there
	pair, err := c.load()
	if err != nil {
		c.log.Error("the callback listener's new certificate can not be used; it goes on with the one before", "error", err)
		return
	}
	c.pair = pair
	c.log.Info("the callback listener's certificate was read again", "expires", pair.Leaf.NotAfter)
}

func (c *certificate) stamps() (stamps [2]stamp) {
	for i, file := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(file); err == nil {
			stamps[i] = stamp{info.ModTime().UnixNano(), info.Size()}
		}
	}
	return stamps
}

func (c *certificate) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("read %s and %s: %w", c.certFile, c.keyFile, err)
	}
	return &pair, nil
}
