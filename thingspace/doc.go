// Package thingspace talks to the carrier, Verizon ThingSpace: it enables profiles in bulk, registers the listeners
// that callbacks go to, and decodes those callbacks.
//
// Three rules shape the client:
//
//   - A POST whose outcome is unknown is never sent again. Every failure of [Client.Enable] is an [*Error] whose
//     [Outcome] says what is known: not executed, refused, misdirected, or unknown. In doubt it says [Unknown].
//   - The whole deployment shares one bearer and one session token, kept in Redis ([SessionStore]) and renewed by one
//     process at a time.
//   - Five failed logins in a row lock the carrier's contact record until its support unlocks it. A login therefore
//     goes on record before it is sent, over all processes, until one succeeds. Two that were refused, or four that
//     were refused or are of unknown outcome (answer lost, process killed), stop every further one until a person
//     clears them ([ErrLoginHeld], [Client.LoginHold], [Client.ClearLoginHold]).
//
// [DecodeCallback] stands apart and needs no client.
package thingspace
