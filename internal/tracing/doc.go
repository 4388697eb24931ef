// Package tracing tells an OpenTelemetry collector of a job's life: its import, each request that was made for it, and the
// groups of callbacks that were written. A job is one trace, and the trace's id is the job's, without dashes; the spans of
// several processes find each other because their ids are made from what they are about, and nothing has to be stored or
// carried along.
//
//	import ─┬─ request (batch 1) ─┬─ callbacks
//	        │                     └─ callbacks
//	        └─ request (batch 2) ─── callbacks
package tracing
