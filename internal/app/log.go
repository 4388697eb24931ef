package app

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// newLog makes the log that the settings ask for.
func newLog(env *Env) (*slog.Logger, error) {
	r := reader{env: env}
	level, format, identities := r.text("LOG_LEVEL"), r.text("LOG_FORMAT"), r.text("LOG_IDENTITIES")
	if r.err != nil {
		return nil, r.err
	}
	var options slog.HandlerOptions
	var parsed slog.Level
	if err := parsed.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("use debug, info, warn or error", "SIMSHIFT_LOG_LEVEL is %q", level)
	}
	options.Level = parsed
	switch identities {
	case "masked":
		options.ReplaceAttr = masked
	case "full":
	default:
		return nil, usage("use masked or full", "SIMSHIFT_LOG_IDENTITIES is %q", identities)
	}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(env.Err, &options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(env.Err, &options)), nil
	}
	return nil, usage("use text or json", "SIMSHIFT_LOG_FORMAT is %q", format)
}

// quiet is a log for commands that talk to a person themselves.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// masked takes identities out of whatever is logged: also out of the carrier's own words, which may name a device.
func masked(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(mask(a.Value.String()))
	case slog.KindAny:
		if text := fmt.Sprint(a.Value.Any()); mask(text) != text {
			a.Value = slog.StringValue(mask(text))
		}
	default:
	}
	return a
}

// identity matches what may be one: an IMEI has 15 digits, an ICCID 18 to 20, an EID 32.
var identity = regexp.MustCompile(`[0-9]{15,}`)

// mask leaves the last four digits of each identity in a text, for a person to tell one device from its neighbour.
func mask(text string) string {
	return identity.ReplaceAllStringFunc(text, func(digits string) string {
		shown := len(digits) - 4
		return strings.Repeat("*", shown) + digits[shown:]
	})
}
