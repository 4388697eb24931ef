package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is what the program was built from, as Go notes it: a tag, or the time and the hash of a commit.
func version() string {
	made := "unknown"
	if info, known := debug.ReadBuildInfo(); known {
		made = info.Main.Version
	}
	return fmt.Sprintf("%s (%s, %s/%s)", made, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
