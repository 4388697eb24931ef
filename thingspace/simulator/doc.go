// Package simulator plays the carrier: the part of ThingSpace that enables eSIM profiles, its credentials, its
// callbacks, its faults and its moods. A client written for the real thing works against it unchanged. It shares no
// code with the client, because it judges it.
//
// [New] makes a [Simulator], [Simulator.Handler] serves the carrier's paths and, under /_simulator/, the book.
// Whatever the carrier does to a device is drawn from the seed, the EID and the number of the attempt alone, so a
// seed replays a run whatever the order of arrival.
//
// # When an accept is resolved
//
// Each device of an accepted request is an accept. It is in flight until it resolves, which happens once:
//
//   - its final callback goes out: at the start of the first delivery, before a byte is sent, whatever the listener
//     answers. So nobody can learn the outcome of an accept that still counts as in flight;
//   - its final callback is never sent (the device is silent, the callback is lost, no listener is registered): when
//     the device reaches its final state inside the carrier.
//
// Copies, resends, warnings and callbacks of other profiles resolve nothing. An accept of an EID that has another one
// in flight is booked as [DoubleInFlight]. It is still carried out: of several accepts the latest decides the
// device's state, and each sends its callback.
package simulator
