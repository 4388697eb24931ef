package rest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
)

//go:embed openapi.json
var openAPI []byte

// document is the API's own description, OpenAPI 3.1.
func document(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
}

// queries are the parameters that the document names for a route, by method and path.
var queries = sync.OnceValue(func() map[string][]string {
	var read struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string } `json:"parameters"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(openAPI, &read); err != nil {
		panic(err) // a test holds the document against the routes
	}
	names := make(map[string][]string)
	for path, operations := range read.Paths {
		for method, operation := range operations {
			for _, p := range operation.Parameters {
				if p.In == "query" {
					names[strings.ToUpper(method)+" "+path] = append(names[strings.ToUpper(method)+" "+path], p.Name)
				}
			}
		}
	}
	return names
})

// strict refuses parameters that the document does not name: a misspelt one would be a filter that does not filter.
func (a *API) strict(route access.Route) access.Route {
	known, handle := queries()[route.Method+" "+route.Path], route.Handle
	route.Handle = func(w http.ResponseWriter, r *http.Request) {
		given, err := url.ParseQuery(r.URL.RawQuery)
		for name := range given {
			if !slices.Contains(known, name) {
				err = fmt.Errorf("there is no parameter %q", name)
			}
		}
		if err != nil {
			a.fail(w, r, api.Misused("see "+Root+"/openapi.json for those there are", "the query is not understood: %w", err))
			return
		}
		handle(w, r)
	}
	return route
}
