// Package api is what an operator can see of a deployment and do with it: the [Desk], and the words that go over it. The
// JSON of its types is the contract of /api/v1 and of every `-o json`.
//
// There are several desks: internal/app has the one on Redis, package client the one that asks another process over HTTP,
// package fixture one with made-up jobs. Commands, handlers and pages do not know which one they work at.
package api
