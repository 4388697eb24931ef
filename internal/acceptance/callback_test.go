package acceptance_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madeup"
)

// seedDocument is the user's own description of the call; its example callback is read from there as it is printed.
const seedDocument = "testdata/enable-profile-api.txt"

// exampleCallback is the example of the document, with digits and the request id put in.
func exampleCallback(t *testing.T, d madeup.Identity, request string) string {
	t.Helper()
	text, err := os.ReadFile(seedDocument)
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "Example callback response:\n")
	example, _, ended := strings.Cut(after, "\nStatus 200")
	if !found || !ended {
		t.Fatal("the document has no example callback")
	}
	return strings.NewReplacer("d1f08526-5443-4054-9a29-4456490ea9f8", request, "20-digit ICCID", d.ICCID,
		"15-digit IMEI", d.IMEI, "32-digit EID", d.EID, "10-digit phone number", "5551234567").Replace(example)
}

// asTheTableSays turns the example into the other form that the document describes.
func asTheTableSays(example string) string {
	example = regexp.MustCompile(`("callbackCount"|"maxCallbackThreshold"): (\d)`).ReplaceAllString(example, `$1: "$2"`)
	example = strings.Replace(example, `"deviceResponse": {`, `"deviceResponse": [{`, 1)
	return strings.Replace(example, "},\n\"status\"", "}],\n\"status\"", 1)
}

// submitted starts a job whose carrier stays silent, and waits until its devices are submitted. It gives the request's id.
func (n *night) submitted(devices int) (id, request string) {
	n.t.Helper()
	id = n.imported(n.fleet(devices), "--attempts", "1", "--doubt-grace", "2s")
	n.until(func() bool {
		request = n.results(id)[0]["request_id"]
		return request != ""
	})
	return id, request
}

// until asks again and again; between processes there is no signal to wait for.
func (n *night) until(happened func() bool) {
	n.t.Helper()
	n.within(30*time.Second, happened)
}

func (n *night) within(patience time.Duration, happened func() bool) {
	n.t.Helper()
	deadline := time.Now().Add(3 * patience) // as in ends
	for look := 0; !happened(); look++ {
		if time.Now().After(deadline) {
			n.t.Fatalf("it did not happen within %v", patience)
		}
		rest(look)
	}
}

// rest lets some time pass between two looks, and more from look to look: what a look costs, whatever is waited for lacks.
func rest(look int) { <-time.After(50 * time.Millisecond << min(look, 3)) }

// post sends a callback to the listener and gives the status of the answer.
func (n *night) post(body string) int {
	n.t.Helper()
	status, err := n.tryPost(body)
	if err != nil {
		n.t.Fatal(err)
	}
	return status
}

// carriers sends no body that the listener has not asked for, however long a busy machine takes to refuse it.
var carriers = func() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = patience
	return &http.Client{Transport: transport}
}()

func (n *night) tryPost(body string) (int, error) {
	n.t.Helper()
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, n.setting("CALLBACK_URL"), strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	request.Close = true // each callback comes on its own, as from another machine
	if len(body) > 64<<10 {
		// It is refused unread, and whoever is still writing then may see a reset before the answer.
		request.Header.Set("Expect", "100-continue")
	}
	response, err := carriers.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func TestTheDocumentsExampleCallbackSettlesItsDevice(t *testing.T) {
	t.Parallel()
	n := newNight(t, "--silent", "1", "--latency", "1h")
	n.env = append(n.env, "SIMSHIFT_CALLBACK_PASSWORD=") // the document's example carries no credentials
	n.serve()
	n.start("work")
	id, request := n.submitted(2)
	if status := n.post(exampleCallback(t, madeup.Device(0), request)); status != http.StatusOK {
		t.Fatalf("the document's example was answered %d", status)
	}
	table := asTheTableSays(exampleCallback(t, madeup.Device(1), request))
	if !strings.Contains(table, `"1"`) || !strings.Contains(table, "[{") {
		t.Fatalf("not in the table's form: %s", table)
	}
	if status := n.post(table); status != http.StatusOK {
		t.Fatalf("the table's form was answered %d", status)
	}
	for _, row := range n.results(id) {
		if row["state"] != "succeeded" || row["request_id"] != request {
			t.Errorf("%v", row)
		}
	}
	n.watch(id, 0)
}

func TestCallbacksThatAreNotTheCarriersAreRefused(t *testing.T) {
	t.Parallel()
	n := newNight(t, "--silent", "1", "--latency", "1h")
	n.serve()
	n.start("work")
	id, request := n.submitted(1)
	example := strings.TrimSpace(exampleCallback(t, madeup.Device(0), request))
	with := func(user, password string) string {
		return fmt.Sprintf(`{"username":%q,"password":%q,%s`, user, password, example[1:])
	}
	for name, body := range map[string]string{
		"no credentials": example, "wrong password": with("carrier", "guess"), "wrong name": with("carriers", "hush"),
	} {
		if status := n.post(body); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, status)
		}
	}
	for body, want := range map[string]int{
		"{": http.StatusBadRequest, "": http.StatusBadRequest, "[]": http.StatusBadRequest,
		strings.Repeat("x", 100<<10): http.StatusRequestEntityTooLarge,
	} {
		if status := n.post(body); status != want {
			t.Errorf("%.10q: %d, want %d", body, status, want)
		}
	}
	if state := n.results(id)[0]["state"]; state != "submitted" {
		t.Errorf("the device is %s", state)
	}
	if status := n.post(with("carrier", "hush")); status != http.StatusOK {
		t.Errorf("the carrier's own callback: %d", status)
	}
	n.watch(id, 0)
}

func TestACallbackOfAnUnknownRequestIsParkedAndShown(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	n.serve()
	body := `{"username":"carrier","password":"hush","requestId":"nobody-knows","status":"SUCCESS","deviceIds":[{"kind":"Eid","id":"` +
		madeup.Device(5).EID + `"}]}`
	if status := n.post(body); status != http.StatusOK {
		t.Fatalf("answered %d", status)
	}
	parked := string(n.run(0, "callbacks", "parked", "-o", "json"))
	if !strings.Contains(parked, `"request_id": "nobody-knows"`) || strings.Contains(parked, "hush") {
		t.Errorf("parked: %s", parked)
	}
	var list []struct {
		ID string `json:"id"`
	}
	n.decode([]byte(parked), &list)
	n.run(0, "callbacks", "parked", "--replay")
	n.run(0, "callbacks", "parked", "--replay", list[0].ID)
	n.run(1, "callbacks", "parked", "--forget", "0123456789abcdef")
	n.run(2, "callbacks", "parked", "--forget")
	n.run(2, "callbacks", "parked", list[0].ID)
	n.run(0, "callbacks", "parked", "--forget", list[0].ID)
	if left := strings.TrimSpace(string(n.run(0, "callbacks", "parked", "-o", "json"))); left != "[]" {
		t.Errorf("left: %s", left)
	}
}
