package bench

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What a device and a callback cost that no machine's speed changes, held by every run of the tests. The bounds are a little
// above what is measured today: whoever has to raise one knows what became dearer.
const (
	guardDevices   = 40_000 // four chunks
	guardCallbacks = 4000

	bytesAtRest    = 63.0  // of Redis, for a device that waits
	bytesInFlight  = 64.0  // the same when it was sent
	importCommands = 55    // of Redis, beside those of the chunks: connections, the job, the gate, the log, the questions before
	chunkCommands  = 5     // to write a chunk of 10,000 devices
	touches        = 2.05  // reads and writes of records for a callback: one of each, and a few for the whole group
	scripts        = 0.5   // for a callback, where 64 come at once: alone, each would take one
	startBytes     = 450e3 // that our packages allocate before main: every command pays for it, however short
)

// One import and its callbacks, counted by Redis itself.
func TestADeviceAndACallbackCostNoMoreThanTheyDid(t *testing.T) {
	t.Parallel()
	d := deploy(t, "everysec")
	d.carrier("--latency", "24h")
	before := d.commands("") // nobody else asks Redis yet: a listener does every second
	job := d.imported(guardDevices).said
	chunks := float64(guardDevices / 10_000)
	atMost(t, "commands of an import", d.commands("")-before, importCommands+chunks*chunkCommands)
	listener := d.listener()
	atMost(t, "bytes of a device at rest", d.weight(job)/guardDevices, bytesAtRest)
	d.worker()
	d.submitted(job)
	atMost(t, "bytes of a device in flight", d.weight(job)/guardDevices, bytesInFlight)

	l := d.callbacks(job, guardDevices, guardCallbacks)
	reads, writes, calls := d.commands("getrange"), d.commands("setrange"), d.commands("evalsha")
	fire(t, l, 0, listener.address())
	touched := d.commands("getrange") - reads + d.commands("setrange") - writes
	atMost(t, "records touched for a callback", touched/guardCallbacks, touches)
	atMost(t, "scripts for a callback", (d.commands("evalsha")-calls)/guardCallbacks, scripts)
}

// What packages make for themselves before anybody asked for it.
func TestAProgramStartsWithLittle(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), simshift, "--help")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace strings.Builder
	cmd.Stderr = &trace
	check(t, cmd.Run())
	total := 0.0
	for _, init := range regexp.MustCompile(`init github.com/simshift/\S+ .* (\d+) bytes`).FindAllStringSubmatch(trace.String(), -1) {
		bytes, err := strconv.ParseFloat(init[1], 64)
		check(t, err)
		total += bytes
	}
	if total == 0 {
		t.Errorf("no package of ours is in the trace:\n%s", &trace)
	}
	atMost(t, "bytes before main", total, startBytes)
}

func atMost(t *testing.T, what string, got, bound float64) {
	t.Helper()
	t.Logf("%s: %.2f, at most %.2f", what, got, bound)
	if got > bound {
		t.Errorf("%s: %.2f are more than %.2f", what, got, bound)
	}
}

// commands is how often Redis has carried out a command, in scripts too; "" is all of them outside of scripts.
func (d *deployment) commands(name string) float64 {
	d.t.Helper()
	section, pattern := "stats", `total_commands_processed:(\d+)`
	if name != "" {
		section, pattern = "commandstats", fmt.Sprintf(`cmdstat_%s:calls=(\d+)`, name)
	}
	info, err := d.rdb.Info(d.t.Context(), section).Result()
	check(d.t, err)
	found := regexp.MustCompile(pattern).FindStringSubmatch(info)
	if found == nil {
		return 0
	}
	n, err := strconv.ParseFloat(found[1], 64)
	check(d.t, err)
	return n
}

// weight is what the keys of a job take of Redis, in bytes.
func (d *deployment) weight(job string) (bytes float64) {
	d.t.Helper()
	ctx := d.t.Context()
	keys := d.rdb.Scan(ctx, 0, "simshift:{"+job+"}:*", 1000).Iterator()
	for keys.Next(ctx) {
		n, err := d.rdb.MemoryUsage(ctx, keys.Val()).Result()
		check(d.t, err)
		if !strings.HasSuffix(keys.Val(), ":spec") { // once a job, whatever its size
			bytes += float64(n)
		}
	}
	check(d.t, keys.Err())
	return bytes
}
