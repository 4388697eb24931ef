// Package access decides who may do what on the private listener: people with tokens and roles, and which role a path needs.
package access

import (
	"context"
	"net/http"
)

// Role is what a person may do. Each role may do what those before it may.
type Role int

// The roles there are.
const (
	Anyone   Role = iota // needs no token: the login page, what a load balancer asks
	Viewer               // looks
	Operator             // changes jobs and limits
	Approver             // lets large jobs go that somebody else imported
)

// Person is whose token a request carries.
type Person struct {
	Name string
	Role Role
}

type personKey struct{}

// WithPerson says whose request it is.
func WithPerson(ctx context.Context, p Person) context.Context {
	return context.WithValue(ctx, personKey{}, p)
}

// PersonOf tells whose request it is. It is nobody's where the route needs no token.
func PersonOf(ctx context.Context) (Person, bool) {
	p, known := ctx.Value(personKey{}).(Person)
	return p, known
}

// Route is a path of the private listener. Every path is one: what is no route is answered 404.
type Route struct {
	Method string // GET also answers HEAD
	Path   string // a pattern of [http.ServeMux], without the method
	Needs  Role
	Handle http.HandlerFunc
}
