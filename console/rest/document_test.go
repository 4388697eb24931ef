package rest_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/console/rest"
	"github.com/simshift/simshift/internal/madepage"
)

// object is a part of the document.
type object = map[string]any

func routes() []access.Route {
	return rest.New(fixture.Empty(nil), nil, slog.New(slog.DiscardHandler)).Routes()
}

// The document is made from the routes, from the types that they take and give, and from operations: none of these can change
// without it.
func TestTheDocumentIsUpToDate(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document(t)); err != nil {
		t.Fatal(err)
	}
	const path = "openapi.json"
	is, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(is, want.Bytes()):
	case os.Getenv(madepage.Update) == "":
		t.Errorf("%s is not up to date (%v); %s=1 go test ./console/rest writes it", path, err, madepage.Update)
	default:
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// document makes it anew.
func document(t *testing.T) object {
	t.Helper()
	s := newSchemas(t)
	paths, known := object{}, maps.Clone(operations)
	for _, route := range routes() {
		name := route.Method + " " + strings.TrimPrefix(route.Path, rest.Root)
		o, there := known[name]
		if delete(known, name); !there {
			t.Errorf("%s: what does it do? enter it in operations", name)
			continue
		}
		path, _ := paths[route.Path].(object)
		if path == nil {
			path = object{}
			paths[route.Path] = path
		}
		path[strings.ToLower(route.Method)] = s.operation(t, route, o)
	}
	for name := range known {
		t.Errorf("%s is no route", name)
	}
	problem := s.of(t, api.Problem{})
	s.of(t, api.Result{})
	s.of(t, api.Tick{})
	return object{
		"openapi": "3.1.1",
		"info": object{
			"title": "simshift", "version": "1", "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "The desk of simshift, over HTTP: what `simshift` does as a command, programs can do here. Jobs are named by their id, " +
				"the beginning of their id, or their name. Times are of RFC 3339, in UTC. Fields and parameters that are not known are refused. " +
				"Answers may get further fields. docs/api.md is an introduction.",
		},
		"servers":  []any{object{"url": "/", "description": "the private listener of `simshift serve`"}},
		"paths":    paths,
		"security": []any{object{"token": []string{access.Viewer.String()}}},
		"components": object{
			"schemas": s.made,
			"securitySchemes": object{"token": object{
				"type": "http", "scheme": "bearer",
				"description": "A token that `simshift tokens add` made. Its role is viewer, operator or approver; each may do what those " +
					"before it may.",
			}},
			"responses": object{"Problem": object{
				"description": "What went wrong, and what to do about it: problem details (RFC 9457).",
				"content":     object{"application/problem+json": object{"schema": problem}},
			}},
		},
	}
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// pathWords tell of what stands in a path.
var pathWords = map[string]string{
	"job":      "Its id, the beginning of its id, or its name.",
	"upload":   "The id of an upload.",
	"identity": "An EID, ICCID or IMEI.",
}

func (s *schemas) operation(t *testing.T, route access.Route, o operation) object {
	t.Helper()
	summary, rest, _ := strings.Cut(o.does, ". ")
	made := object{
		"operationId": o.id, "summary": strings.TrimSuffix(summary, "."), "security": []any{object{"token": []string{route.Needs.String()}}},
		"tags": []string{strings.Split(route.Path, "/")[3]}, "responses": s.responses(t, o),
	}
	if rest != "" {
		made["description"] = o.does
	}
	if list := s.parameters(t, route, o); len(list) > 0 {
		made["parameters"] = list
	}
	if content := s.body(t, o); len(content) > 0 {
		made["requestBody"] = object{"content": content, "required": o.csv}
	}
	return made
}

func (s *schemas) responses(t *testing.T, o operation) object {
	t.Helper()
	content := object{}
	switch kind, is := o.gives.(string); {
	case !is:
		content["application/json"] = object{"schema": s.of(t, o.gives)}
	default:
		content[kind] = object{"schema": object{"type": "string"}}
		if o.id == "results" {
			content[ndjson] = object{"schema": object{"type": "string", "description": "Each line is a Result."}}
		}
	}
	status := "200"
	if o.makes {
		status = "201"
	}
	return object{
		status:    object{"description": "Done.", "content": content},
		"default": object{"$ref": "#/components/responses/Problem"},
	}
}

func (s *schemas) body(t *testing.T, o operation) object {
	t.Helper()
	content := object{}
	if o.takes != nil {
		content["application/json"] = object{"schema": s.of(t, o.takes)}
	}
	if o.csv {
		content[csvText] = object{"schema": object{"type": "string"}}
	}
	return content
}

func (s *schemas) parameters(t *testing.T, route access.Route, o operation) (list []object) {
	t.Helper()
	for _, found := range pathParameter.FindAllStringSubmatch(route.Path, -1) {
		list = append(list, object{
			"name": found[1], "in": "path", "required": true, "description": pathWords[found[1]], "schema": object{"type": "string"},
		})
	}
	for _, p := range o.query {
		schema := s.of(t, p.like)
		if p.most > 0 {
			schema.WithMinimum(0).WithMaximum(float64(p.most))
		}
		for _, word := range p.one {
			schema.Enum = append(schema.Enum, word)
		}
		list = append(list, object{"name": p.name, "in": "query", "description": p.text, "schema": schema})
	}
	if o.csv && o.takes != nil { // the order, where the body is the fleet
		list = append(list, object{"name": "file", "in": "query", "description": "The file's name, for people, where the body is the fleet.",
			"schema": object{"type": "string"}})
		list = append(list, s.orderInQuery(t)...)
	}
	return list
}

// orderInQuery has the fields of an order as parameters.
func (s *schemas) orderInQuery(t *testing.T) (list []object) {
	t.Helper()
	s.of(t, api.Order{})
	fields := s.made[reflect.TypeFor[api.Order]().Name()].Properties
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		schema := *fields[name].TypeObject
		one := object{"name": name, "in": "query", "schema": &schema}
		if schema.Description != nil {
			one["description"], schema.Description = *schema.Description, nil
		}
		list = append(list, one)
	}
	return list
}
