package acceptance_test

import (
	"bufio"
	"encoding/json"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/simshift/simshift/internal/madeup"
)

// Secrets that stand in no other word.
var guarded = map[string]string{
	"THINGSPACE_KEY": "guarded-key-1", "THINGSPACE_SECRET": "guarded-secret-2", "THINGSPACE_USERNAME": "guarded-user-3",
	"THINGSPACE_PASSWORD": "guarded-pass-4", "CALLBACK_USERNAME": "guarded-name-5", "CALLBACK_PASSWORD": "guarded-word-6",
	"CALLBACK_PREVIOUS_PASSWORD": "guarded-word-7",
}

// talkative runs a small night on a bad day at level debug, and gives what its processes logged. Some requests are refused with a
// device's identity in the carrier's words.
func talkative(t *testing.T, settings ...string) (n *night, lines []string, job string) {
	t.Helper()
	const poison = 37
	n = newNight(t)
	for name, secret := range guarded {
		n.set(name, secret)
	}
	n.set("LOG_LEVEL", "debug")
	for i := 0; i < len(settings); i += 2 {
		n.set(settings[i], settings[i+1])
	}
	carrier := n.startBinary(plainBinary, "simulator", "--listen", "127.0.0.1:0", "--latency", "1ms-50ms",
		"--poison", madeup.Device(poison).EID, "--stray", "0.1", "--warning", "0.1", "--duplicates", "0.1", "--faulty", "0.1",
		"--at", "2=drop", "--at", "3=429:1", "--at", "4=expire")
	n.set("THINGSPACE_URL", carrier.says(`address"?[=:]"?(http://[^\s"]+)`)+"/api")
	n.set("RATE_REQUESTS", "0")
	listener := n.start("serve", "--callback-listen", "127.0.0.1:0")
	address := listener.says(`"?address"?[=:]"?(127\.0\.0\.1:\d+)`)
	n.set("CALLBACK_URL", "http://"+address+"/callbacks/thingspace")
	worker := n.start("work")
	id := n.imported(n.fleet(100), "--attempts", "1", "--doubt-grace", "2s", "--answer-within", "5s")
	n.watch(id, 3)
	for _, body := range []string{"", "{", `{"eid":"` + madeup.Device(1).EID + `"`, exampleCallback(t, madeup.Device(1), "r")} {
		n.post(body) // none of them has the password
	}
	for _, p := range []*process{worker, listener, carrier} {
		p.stop(syscall.SIGTERM)
		lines = append(lines, p.lines...)
	}
	return n, lines, id
}

// told lists the identities of a fleet that stand in lines.
func told(lines []string, devices int) (found []string) {
	all := strings.Join(lines, "\n")
	for i := range devices {
		d := madeup.Device(i)
		for _, identity := range []string{d.EID, d.ICCID, d.IMEI} {
			if strings.Contains(all, identity) {
				found = append(found, identity)
			}
		}
	}
	return found
}

func TestLogsTellNoSecretAndNoWholeIdentity(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			_, lines, job := talkative(t, "LOG_FORMAT", format)
			all := strings.Join(lines, "\n")
			for name, secret := range guarded {
				if strings.Contains(all, secret) {
					t.Errorf("the log tells SIMSHIFT_%s", name)
				}
			}
			if found := told(lines, 100); len(found) > 0 {
				t.Errorf("the log tells %v", found)
			}
			if !regexp.MustCompile(`\*{28}\d{4}`).MatchString(all) {
				t.Error("nothing was masked, so nothing is shown by this test")
			}
			if format == "json" {
				attributes(t, lines, job)
			}
		})
	}
}

func TestLogsTellWholeIdentitiesWhereThatIsSet(t *testing.T) {
	t.Parallel()
	if _, lines, _ := talkative(t, "LOG_IDENTITIES", "full"); len(told(lines, 100)) == 0 {
		t.Error("no identity is told")
	}
}

// attributes looks at how lines name what they are about.
func attributes(t *testing.T, lines []string, job string) {
	t.Helper()
	sent := 0
	for _, text := range lines {
		var line map[string]any
		if err := json.NewDecoder(bufio.NewReader(strings.NewReader(text))).Decode(&line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if line["msg"] == "batch sent" {
			sent++
			number, _ := line["batch"].(float64)
			request, _ := line["request"].(string)
			if line["job"] != job || number == 0 || request == "" {
				t.Errorf("a batch is sent without its names: %s", text)
			}
		}
		about := strings.Contains(text, job)
		if named, _ := line["job"].(string); about && named != job {
			t.Errorf("a line is about a job and does not name it as one: %s", text)
		}
	}
	if sent == 0 {
		t.Error("no batch is sent")
	}
}
