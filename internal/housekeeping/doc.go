// Package housekeeping has no code of its own. Its tests hold what no compiler checks: that every package says what it
// is, that every script opens with its contract, and that the shipped configuration means what the program reads.
package housekeeping
