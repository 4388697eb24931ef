package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Roles of a profile, as callbacks name them.
const (
	Lead  = "LEAD"  // a Verizon US profile
	Local = "LOCAL" // a Global profile
)

// MaxDevices is the most devices that the carrier takes in one request.
const MaxDevices = 10_000

// Config says which carrier is played. The zero value is usable.
type Config struct {
	Key, Secret        string // OAuth client; default "key" and "secret"
	Username, Password string // of the session login; default "user" and "pass"

	Seed  uint64 // decides everything that is left to chance
	Moods Moods

	Accounts  []string // the accounts there are; empty: any
	Plans     []string // the service plans there are; empty: any
	LeadWords []string // a plan with a word that starts with one of these is Lead; default us, vz, verizon, domestic
	Role      string   // the role of all other plans, Lead or Local; default Local

	RateLimit    RateLimit
	Connections  int               // most callbacks under way at once, 1 to 10,000; default 64
	Transport    http.RoundTripper // carries the callbacks; default a keep-alive transport of the simulator's own
	EnforcePorts bool              // take listener URLs only on the ports that ThingSpace allows

	Book   io.Writer        // receives every event as a JSON line, up to a second late; a slow one slows the carrier
	Now    func() time.Time // default time.Now; a clock that jumps must be followed by Simulator.Wake
	NewID  func() string    // makes request ids and tokens, called by many goroutines; default random UUIDs
	Logger *slog.Logger     // default discards
}

// RateLimit is how much the carrier bears. Whatever exceeds a limit is booked; the windows are taken 5% short, so that
// a client that keeps the limit is not blamed for the network's jitter.
type RateLimit struct {
	RequestsPerSecond float64 // enable requests with good credentials; 0: no limit. Below 1: one per 1/limit seconds
	DevicesPerMinute  int     // devices of accepted requests; 0: no limit
	Refuse            bool    // answer what exceeds a limit with 429 and Retry-After
}

func (c Config) withDefaults() Config {
	c.Key, c.Secret = cmp.Or(c.Key, "key"), cmp.Or(c.Secret, "secret")
	c.Username, c.Password = cmp.Or(c.Username, "user"), cmp.Or(c.Password, "pass")
	c.Role = cmp.Or(c.Role, Local)
	c.Connections = cmp.Or(c.Connections, 64)
	if c.LeadWords == nil {
		c.LeadWords = []string{"us", "vz", "verizon", "domestic"}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Role != Lead && c.Role != Local:
		return fmt.Errorf("role must be %s or %s, not %q", Lead, Local, c.Role)
	case c.Connections < 1 || c.Connections > 10_000:
		return fmt.Errorf("connections must be 1 to 10000, not %d", c.Connections)
	case !(c.RateLimit.RequestsPerSecond >= 0) || c.RateLimit.RequestsPerSecond > 1e6:
		return fmt.Errorf("requests per second must be 0 to 1000000, not %v", c.RateLimit.RequestsPerSecond)
	case c.RateLimit.DevicesPerMinute < 0:
		return errors.New("devices per minute must not be negative")
	case slices.Contains(c.LeadWords, ""):
		return errors.New("an empty lead word would match every plan: leave it out")
	}
	return nil
}
