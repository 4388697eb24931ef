package acceptance_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// news is what a webhook and a command are told.
type news struct {
	ID      string `json:"id"`
	Job     string `json:"job"`
	Act     string `json:"act"`
	Words   string `json:"words"`
	Devices int64  `json:"devices"`
}

// byID are different pieces of news.
func (n *night) byID(texts [][]byte) map[string]news {
	n.t.Helper()
	all := make(map[string]news)
	for _, text := range texts {
		var one news
		n.decode(text, &one)
		all[one.ID] = one
	}
	return all
}

// receiver is a webhook's other end, which is out of order at first.
type receiver struct {
	judge *standardwebhooks.Webhook

	mu      sync.Mutex
	broken  bool
	refused int
	wrong   []error
	taken   [][]byte
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = r.judge.Verify(body, request.Header)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.wrong = append(r.wrong, err)
	case r.broken:
		r.refused++
	default:
		r.taken = append(r.taken, body)
		return
	}
	w.WriteHeader(http.StatusInternalServerError)
}

// look reads what the receiver has met, and sets whether it is broken from now on.
func (r *receiver) look(broken bool) (refused int, taken [][]byte, wrong []error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = broken
	return r.refused, append([][]byte(nil), r.taken...), r.wrong
}

// told makes a receiver and a command, and has the night's workers tell them. It gives what the command was told so far.
func (n *night) told(r *receiver) (commands func() [][]byte) {
	n.t.Helper()
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))
	judge, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		n.t.Fatal(err)
	}
	r.judge = judge
	server := httptest.NewServer(r)
	n.t.Cleanup(server.Close)
	n.set("NOTIFY_URL", server.URL+"/hush-hush")
	n.set("NOTIFY_SECRET", "whsec_"+key)
	path, told := filepath.Join(n.folder, "pager"), filepath.Join(n.folder, "told")
	// A file of its own for each run, there when it is whole.
	text := "#!/bin/sh\nset -e\nmkdir -p " + told + "\ncat > " + told + "/$$.part\nmv " + told + "/$$.part " + told + "/$SIMSHIFT_NEWS_ID.$$\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		n.t.Fatal(err)
	}
	n.set("NOTIFY_COMMAND", path)
	return func() (texts [][]byte) {
		names, err := filepath.Glob(told + "/*[0-9]")
		if err != nil {
			n.t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				n.t.Fatal(err)
			}
			texts = append(texts, text)
		}
		return texts
	}
}

// takenUp is longer than it takes until a dead worker's task is given to another and is tried again: its lease ends after 30 s,
// asynq waits for 30 s more and looks every 60 s, and who was away for minutes is asked again after as many. [night.within] is
// patient for three times as long.
const takenUp = 3 * time.Minute

// acts are what was told, but for tests, in the order of the words.
func acts(told map[string]news) (list []string) {
	for _, one := range told {
		if one.Act != "test" {
			list = append(list, one.Act+" "+one.Job)
		}
	}
	slices.Sort(list)
	return list
}

// A job brakes and another ends while the webhook's receiver is out of order and a worker dies: the webhook and the command are
// told of both, each once by the news's id, and neither waits for the other.
func TestAWebhookAndACommandAreToldOfTheNight(t *testing.T) {
	t.Parallel()
	const devices = 400
	n := newBriefNight(t, "--fail-account", account1+"=1", "--latency", "50ms-200ms")
	r := &receiver{broken: true}
	commands := n.told(r)
	n.run(1, "doctor", "--notify") // the receiver refuses the test
	n.serve()
	worker := n.start("work")
	// It brakes within its first wave, whatever the machine does meanwhile: without waves it could be sent whole, and end, before.
	failing := n.imported(n.fleetOf(account1, 0, devices),
		append(quick, "--batch-size", "50", "--waves", "100,100%", "--brake", "10%", "--brake-last", "50", "--brake-least", "50")...)
	ending := n.imported(n.fleetOf(account2, devices, devices), append(quick, "--batch-size", "100")...)
	n.within(takenUp, func() bool { refused, _, _ := r.look(true); return refused > 1 })
	worker.stop(syscall.SIGKILL)
	worker = n.start("work")
	n.watch(ending, 0)
	// The command is told while the webhook is not: a test, the brake, an end.
	n.within(takenUp, func() bool { return len(n.byID(commands())) >= 3 })
	worker.stop(syscall.SIGKILL)
	_, taken, _ := r.look(false)
	if len(taken) > 0 {
		t.Errorf("a broken receiver took %d", len(taken))
	}
	worker = n.start("work")
	n.within(takenUp, func() bool { _, taken, _ := r.look(false); return len(n.byID(taken)) >= 2 })
	n.run(0, "jobs", "cancel", failing, "--reason", "the account is wrong")
	n.watch(failing, 3)
	n.within(takenUp, func() bool {
		_, taken, _ := r.look(false)
		return len(n.byID(taken)) >= 3 && len(n.byID(commands())) >= 4
	})

	_, taken, wrong := r.look(false)
	if len(wrong) > 0 {
		t.Errorf("the signature: %v", wrong)
	}
	for teller, told := range map[string]map[string]news{"webhook": n.byID(taken), "command": n.byID(commands())} {
		want := []string{"braked " + failing, "finished " + ending, "finished " + failing}
		slices.Sort(want)
		if diff := cmp.Diff(want, acts(told)); diff != "" {
			t.Errorf("the %s was told otherwise (-want +got):\n%s", teller, diff)
		}
		for _, one := range told {
			if one.Act == "braked" && (one.Devices != devices || !strings.Contains(one.Words, "DeviceNotFound")) {
				t.Errorf("the %s was told of the brake as %+v", teller, one)
			}
		}
	}
	t.Logf("%d posts taken, %d runs of the command", len(taken), len(commands()))
	n.run(0, "doctor", "--notify")
	worker.stop(syscall.SIGTERM)
	if said := strings.Join(worker.lines, "\n"); strings.Contains(said, "hush-hush") {
		t.Errorf("the log tells the webhook's path:\n%s", said)
	}
}
