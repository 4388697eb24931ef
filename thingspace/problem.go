package thingspace

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"math"
	"regexp"
	"strings"
	"unicode"
)

// The most runes of the carrier's code and words that are kept.
const (
	longestCode    = 200
	longestMessage = 300
)

// problem is what the body of a failed answer says.
type problem struct{ code, message string }

// readProblem finds code and words in any shape the carrier or its gateway answers with: its own JSON
// {errorCode, errorMessage}, the gateway's {fault: {code, message, description}}, OAuth's {error, error_description},
// XML with elements of such names, and as a last resort the bare text of a page.
func readProblem(body []byte, secrets []string) problem {
	body = bytes.TrimSpace(body)
	var p problem
	switch {
	case bytes.HasPrefix(body, []byte("{")), bytes.HasPrefix(body, []byte("[")):
		p = jsonProblem(body)
	case bytes.HasPrefix(body, []byte("<")):
		p = xmlProblem(body)
	}
	if p.code == "" && p.message == "" {
		p.message = markup.ReplaceAllString(string(body), " ")
	}
	return problem{
		code:    presentable(p.code, secrets, longestCode),
		message: presentable(p.message, secrets, longestMessage),
	}
}

// presentable makes foreign words fit for a line, without secrets. They are looked for on both sides of the tidying, which
// can put one together that stood there with other space in it.
func presentable(text string, secrets []string, runes int) string {
	text = oneLine(scrub(text, secrets), math.MaxInt)
	return oneLine(scrub(text, secrets), runes)
}

var markup = regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>|<[^>]*>`)

// errorBody is every JSON shape at once.
type errorBody struct {
	ErrorCode        loose `json:"errorCode"`
	ErrorMessage     loose `json:"errorMessage"`
	OAuthError       loose `json:"error"`
	OAuthDescription loose `json:"error_description"`
	Fault            struct {
		Code        loose `json:"code"`
		Message     loose `json:"message"`
		Description loose `json:"description"`
	} `json:"fault"`
}

func jsonProblem(body []byte) problem {
	var shape errorBody
	if body[0] == '[' {
		var list []errorBody
		_ = json.Unmarshal(body, &list) // whatever could be read counts
		if len(list) > 0 {
			shape = list[0]
		}
	} else {
		_ = json.Unmarshal(body, &shape)
	}
	switch {
	case shape.ErrorCode != "" || shape.ErrorMessage != "":
		return problem{string(shape.ErrorCode), string(shape.ErrorMessage)}
	case shape.Fault.Code != "" || shape.Fault.Message != "":
		return problem{string(shape.Fault.Code), join(string(shape.Fault.Message), string(shape.Fault.Description))}
	}
	return problem{string(shape.OAuthError), string(shape.OAuthDescription)}
}

// loose is a scalar that may come as a string, a number or a boolean. Anything else is empty.
type loose string

// UnmarshalJSON never fails: one odd field must not hide the others.
func (l *loose) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		var text string
		_ = json.Unmarshal(data, &text) // the decoder has checked the syntax
		*l = loose(strings.TrimSpace(text))
	case '{', '[', 'n':
		*l = ""
	default:
		*l = loose(data)
	}
	return nil
}

// xmlProblem takes the first text of each element that is named like a code, a message or a description.
func xmlProblem(body []byte) problem {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	decoder.Strict = false
	var element, code, message, description string
	for {
		token, err := decoder.RawToken()
		if err != nil {
			break
		}
		switch t := token.(type) {
		case xml.StartElement:
			if element = strings.ToLower(t.Name.Local); element == "html" {
				return problem{} // a page may have <code> in it, but no code
			}
		case xml.EndElement:
			element = ""
		case xml.CharData:
			text := strings.TrimSpace(string(t))
			switch element {
			case "code", "errorcode", "faultcode":
				keepFirst(&code, text)
			case "message", "errormessage", "faultstring":
				keepFirst(&message, text)
			case "description":
				keepFirst(&description, text)
			}
		}
	}
	if code == "" {
		return problem{} // an ordinary page: its text is all there is
	}
	return problem{code, join(message, description)}
}

func keepFirst(kept *string, text string) {
	if *kept == "" {
		*kept = text
	}
}

func join(message, description string) string {
	if message == "" || description == "" || strings.Contains(message, description) {
		return message + description
	}
	return message + ": " + description
}

// oneLine makes foreign words fit for a log line or a terminal: valid UTF-8, no control or formatting characters, runs of
// space made one, at most so many runes.
func oneLine(text string, runes int) string {
	var out strings.Builder
	space, count := false, 0
	for _, r := range text { // an invalid byte comes as U+FFFD
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = count > 0
			continue
		}
		if space && count < runes {
			out.WriteByte(' ')
			count++
		}
		if space = false; count >= runes {
			break
		}
		out.WriteRune(r)
		count++
	}
	return strings.TrimSpace(out.String())
}
