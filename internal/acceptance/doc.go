// Package acceptance holds the program to its promises from outside: the real binary in several processes, a real
// Redis, real sockets, and the simulated carrier's own book as the judge. It has no code that others use.
package acceptance
