package app

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// localZone is the name of this machine's time zone, from TZ or from where /etc/localtime points. "UTC" where it has none:
// the plan shows it, so that a person sees what the windows mean.
func localZone() string {
	if name := strings.TrimPrefix(os.Getenv("TZ"), ":"); name != "" {
		if _, err := time.LoadLocation(name); err == nil {
			return name
		}
	}
	path, err := filepath.EvalSymlinks("/etc/localtime")
	if err != nil {
		return "UTC"
	}
	if _, name, found := strings.Cut(path, "zoneinfo/"); found {
		if _, err := time.LoadLocation(name); err == nil {
			return name
		}
	}
	return "UTC"
}
