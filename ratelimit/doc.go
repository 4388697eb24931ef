// Package ratelimit decides when a batch may go to the carrier, for all workers together.
//
// A worker asks for a turn ([Limiter.Reserve]). It gets one for now or for a moment very soon, which it then waits for
// itself ([Turn.Await]), or is told when to ask again. Three things can make it wait:
//
//	the rates      requests and devices in a time: one turn starts when the cost of the one before it has passed, and no
//	               stretch of that time holds more than the limit, unless one batch alone does
//	a hold         a time, or until a person says otherwise, in which an account or everything stands still
//	the occupancy  the most devices that may be with the carrier without an answer
//
// A part of all that is sent can have limits of its own beside those of the whole ([Limiter.Part]).
//
// All of it lives in Redis and is counted on Redis's clock, so that it is one limit over all workers whatever their own
// clocks say, and so that it can be changed while they run. Behind it each process keeps a second limiter of its own
// (golang.org/x/time/rate), which holds the rates should Redis lose its memory. Without Redis nobody gets a turn.
//
// Turns are paced, never saved up: after a quiet hour the second request still waits for the first one's cost. The
// carrier counts what arrives in a time, and a burst at the edge of two of its windows would be counted in both. A
// batch goes whole, so a limit on devices is used up only by batches that divide it: see [Limits.BatchSize].
package ratelimit
