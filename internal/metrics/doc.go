// Package metrics keeps the figures that Prometheus scrapes. A process counts for itself what passes through it: callbacks,
// requests to the carrier, turns of the limiter. What all processes share is read from Redis when it is asked for, by
// [Deployment]. docs/metrics.md lists every figure; a test holds it against what is exposed.
package metrics
