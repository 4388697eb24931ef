package redistest

import "syscall"

// dieWithParent asks the kernel to kill the child when the test process dies, by whatever cause.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
