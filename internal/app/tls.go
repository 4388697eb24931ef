package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/simshift/simshift/internal/filewatch"
)

// certificate is a pair of PEM files that may be replaced while it is in use. A pair that can not be used, as while one
// file is new and the other not yet, leaves the one before it in place.
type certificate struct {
	listener          string // whose it is: the beginning of the settings' names
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu    sync.Mutex
	pair  *tls.Certificate
	files *filewatch.Files
}

// readCertificate opens the pair that the settings of a listener name, CALLBACK or CONSOLE; nil where they name none.
func readCertificate(env *Env, listener string, log *slog.Logger) (*certificate, error) {
	r := reader{env: env}
	cert, key := r.text(listener+"_TLS_CERT"), r.text(listener+"_TLS_KEY")
	if r.err != nil || cert == "" && key == "" {
		return nil, r.err
	}
	return openCertificate(listener, cert, key, env.Now, log)
}

// openCertificate fails where the files are no good pair.
func openCertificate(listener, certFile, keyFile string, now func() time.Time, log *slog.Logger) (*certificate, error) {
	c := &certificate{listener: listener, certFile: certFile, keyFile: keyFile, now: now, log: log}
	if certFile == "" || keyFile == "" {
		return nil, usage("set both, or neither where a proxy ends TLS", "of %s only one is set", c.settings("and"))
	}
	if isPEM(certFile) || isPEM(keyFile) { // never in an error: it is the key
		return nil, usage("name the file itself, not a file that holds its name: without _FILE",
			"%s is not a file's name, but what is in it", c.settings("or"))
	}
	c.files = filewatch.Over(now(), certFile, keyFile)
	var err error
	if c.pair, err = c.load(); err != nil {
		return nil, c.failure(err)
	}
	return c, nil
}

func isPEM(text string) bool { return strings.Contains(text, "-----BEGIN") }

// settings names both settings.
func (c *certificate) settings(and string) string {
	return fmt.Sprintf("SIMSHIFT_%s_TLS_CERT %s SIMSHIFT_%[1]s_TLS_KEY", c.listener, and)
}

// whose is how the listener is called in words.
func (c *certificate) whose() string { return "the " + strings.ToLower(c.listener) + " listener" }

func (c *certificate) failure(err error) error {
	hint := fmt.Sprintf("SIMSHIFT_%s_TLS_CERT names the certificate chain, the listener's own first, and SIMSHIFT_%[1]s_TLS_KEY its key, "+
		"both as PEM", c.listener)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		hint = "let " + c.settings("and") + " name files that this user can read"
	}
	return usage(hint, "%s's certificate: %w", c.whose(), err)
}

// get gives the pair for a handshake. It looks at the files first, if nobody has for a second.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files.Changed(c.now()) {
		c.refresh()
	}
	return c.pair, nil
}

func (c *certificate) refresh() {
	pair, err := c.load()
	if err != nil {
		c.log.Error("a new certificate can not be used; the listener goes on with the one before", "listener", c.listener, "error", err)
		return
	}
	c.pair = pair
	c.log.Info("a certificate was read again", "listener", c.listener, "expires", pair.Leaf.NotAfter)
}

func (c *certificate) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("read %s and %s: %w", c.certFile, c.keyFile, err)
	}
	return &pair, nil
}
