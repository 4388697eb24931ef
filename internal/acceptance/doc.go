// Package acceptance holds the program to its promises from outside: the real binary in several processes, a real
// Redis, real sockets, and the simulated carrier's own book as the judge. It has no code that others use.
//
//	night_test.go       a deployment for one test; process_test.go, a process of it
//	storm_test.go       a deployment in which everything dies; mischief_test.go, the ways; recovery_test.go, the stopwatch
//	chaos_test.go       the chaos run (`make chaos`)
//	fault_*_test.go     a test named after each fault of docs/reliability.md
//	safeguards_test.go  the program without each safeguard, whose test must fail (`make safeguards`)
//	variant_test.go     builds of the program with a piece of its source exchanged
package acceptance
