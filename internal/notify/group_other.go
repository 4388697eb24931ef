//go:build !unix

package notify

import "os/exec"

// asGroup has no counterpart here: the command alone is killed.
func asGroup(*exec.Cmd) {}
