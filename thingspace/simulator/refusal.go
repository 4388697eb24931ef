package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// refusal is a synchronous error, in one of the shapes that ThingSpace and the gateways before it use.
type refusal struct {
	status     int
	code       string
	body       string
	mediaType  string
	retryAfter string
}

// refuse words an error of the carrier's own: its code is Service.CLASS.Name.
func refuse(status int, code, message string) *refusal {
	code = "UnifiedWebService." + code
	return jsonRefusal(status, code, errorBody{code, message})
}

// errorBody is the shape that the document gives for every error.
type errorBody struct {
	Code    string `json:"errorCode"`
	Message string `json:"errorMessage"`
}

// refuseInput is the commonest: the request is not as it must be.
func refuseInput(name, format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "INPUT_INVALID."+name, fmt.Sprintf(format, args...))
}

// gatewayRefusal words an error of the API gateway before the carrier.
func gatewayRefusal(status int, code, message, description string) *refusal {
	type fault struct {
		Code        string `json:"code"`
		Message     string `json:"message"`
		Description string `json:"description"`
	}
	return jsonRefusal(status, code, struct {
		Fault fault `json:"fault"`
	}{fault{code, message, description}})
}

// tokenRefusal words an error of the token path, after RFC 6749, section 5.2.
func tokenRefusal(status int, code, description string) *refusal {
	return jsonRefusal(status, code, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
}

func jsonRefusal(status int, code string, body any) *refusal {
	text, err := json.Marshal(body)
	if err != nil { // strings alone can not fail
		text = nil
	}
	return &refusal{status: status, code: code, body: string(text), mediaType: "application/json"}
}

// The gateway's refusals of the bearer and of the path.
var (
	missingBearer = gatewayRefusal(http.StatusUnauthorized, "900902", "Missing Credentials",
		"Required OAuth credentials not provided. Make sure your API invocation call has a header: "+
			"\"Authorization: Bearer ACCESS_TOKEN\"")
	wrongBearer = gatewayRefusal(http.StatusUnauthorized, "900901", "Invalid Credentials",
		"Access failure for API: /m2m/v1, version: v1. Make sure you have given the correct access token")
	noSuchPath = gatewayRefusal(http.StatusBadRequest, "900906",
		"No matching resource found in the API for the given request",
		"Access failure for API: /m2m/v1, version: v1. Check the API documentation and add a proper REST resource path")
)

// statusRefusal is what a proxy or gateway says of its own: a fault at 429 and 503, XML at 403, an error page at other
// 5xx. Elsewhere it is what the document promises: a three-digit errorCode.
func statusRefusal(status int, retryAfter string) *refusal {
	text := http.StatusText(status)
	r := &refusal{}
	switch {
	case status == http.StatusTooManyRequests:
		r = gatewayRefusal(status, "900800", "Message throttled out", "You have exceeded your quota")
	case status == http.StatusServiceUnavailable:
		r = gatewayRefusal(status, "303001", "Runtime Error", "Currently, the endpoint is suspended")
	case status == http.StatusForbidden:
		r.mediaType = "application/xml"
		r.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error><code>403</code><message>Forbidden</message></error>\n"
	case status >= 500:
		r.mediaType = "text/html"
		r.body = fmt.Sprintf("<html><head><title>%d %s</title></head><body><h1>%s</h1></body></html>\n", status, text, text)
	default:
		r = jsonRefusal(status, "", errorBody{strconv.Itoa(status), text})
	}
	r.status, r.code, r.retryAfter = status, strconv.Itoa(status), retryAfter
	return r
}

func (r *refusal) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", r.mediaType)
	if r.retryAfter != "" {
		w.Header().Set("Retry-After", r.retryAfter)
	}
	w.WriteHeader(r.status)
	_, err := w.Write([]byte(r.body)) //nolint:gosec // what a client sent stands in it as JSON, with < escaped
	return err
}

// writeJSON answers 200.
func writeJSON(w http.ResponseWriter, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(append(text, '\n'))
	return err
}
