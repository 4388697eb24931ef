// Package notify tells the world outside of one piece of news: it posts it to a webhook, signed as Standard Webhooks have
// it, or runs a command. It tries once; when to try again is for others to decide.
//
// What it is told in confidence, a webhook's address and its secret, stands in no error and no log.
package notify
