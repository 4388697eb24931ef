package rest

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var openAPI []byte

// document is the API's own description, OpenAPI 3.1.
func document(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
}
