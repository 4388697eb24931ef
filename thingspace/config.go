package thingspace

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// DefaultBaseURL is the carrier's own address.
const DefaultBaseURL = "https://thingspace.verizon.com/api"

// DefaultTimeout is how long an enable request may take as a whole.
const DefaultTimeout = 60 * time.Second

// Config is where the carrier is and who we are there. It never prints its secrets.
type Config struct {
	BaseURL  string        // without a trailing path of the API's own; empty: DefaultBaseURL
	Key      string        // the application's key
	Secret   string        // the application's secret
	Username string        // of the contact record that logs in
	Password string        // of the same
	Timeout  time.Duration // for a whole request, its answer read to the end; zero: DefaultTimeout
}

// Validate tells everything that is missing or wrong, each by the name of its setting.
func (c Config) Validate() error {
	var faults []error
	for _, setting := range []struct{ name, value string }{
		{"KEY", c.Key}, {"SECRET", c.Secret}, {"USERNAME", c.Username}, {"PASSWORD", c.Password},
	} {
		if setting.value == "" {
			faults = append(faults, fmt.Errorf("SIMSHIFT_THINGSPACE_%s is not set: set it, or SIMSHIFT_THINGSPACE_%[1]s_FILE",
				setting.name))
		}
	}
	if !wellFormed(c.BaseURL) {
		// The value is not quoted: it may hold a password.
		faults = append(faults, errors.New("SIMSHIFT_THINGSPACE_URL must look like "+DefaultBaseURL+
			": http or https, a host, no user, no query"))
	}
	if c.Timeout < 0 {
		faults = append(faults, fmt.Errorf("the carrier's time-out must not be negative, but is %v", c.Timeout))
	}
	return errors.Join(faults...)
}

func wellFormed(base string) bool {
	u, err := url.Parse(cmp.Or(base, DefaultBaseURL))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// String names the place and the user, and nothing secret.
func (c Config) String() string {
	if !wellFormed(c.BaseURL) {
		return "an unusable address as " + c.Username // it may hold a password
	}
	return fmt.Sprintf("%s as %s", cmp.Or(c.BaseURL, DefaultBaseURL), c.Username)
}

// Format is String, whatever the verb: even %#v and %d must not print secrets.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

func (c Config) withDefaults() Config {
	c.BaseURL = strings.TrimRight(cmp.Or(c.BaseURL, DefaultBaseURL), "/")
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	return c
}

// scope sets the credentials of one user at one place apart from any other's: a token is never sent where it does not
// belong, and failed logins are counted for the record they could lock.
func (c Config) scope() string {
	sum := sha256.Sum256([]byte(c.BaseURL + "\x00" + c.Username))
	return hex.EncodeToString(sum[:6])
}
