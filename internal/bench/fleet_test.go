package bench

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/simshift/simshift/internal/madeup"
)

// fleet is a CSV file of so many devices in one account, written when first asked for.
func fleet(t *testing.T, devices int) (path string) {
	t.Helper()
	path = filepath.Join(workshop, fmt.Sprintf("fleet-%d.csv", devices))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	file, err := os.Create(path)
	check(t, err)
	out := bufio.NewWriter(file)
	_, err = io.WriteString(out, "eid,iccid,imei,account_name,service_plan\n")
	for i := 0; i < devices && err == nil; i++ {
		d := madeup.Device(i)
		_, err = fmt.Fprintf(out, "%s,%s,%s,0000123456-00001,Global IoT 5MB\n", d.EID, d.ICCID, d.IMEI)
	}
	check(t, err)
	check(t, out.Flush())
	check(t, file.Close())
	return path
}

// message is a callback in the shape of the document's example, as the simulator writes it.
const message = `{"username":"carrier","password":"hush","requestId":"%[1]s","deviceIds":%[2]s,` +
	`"deviceResponse":{"deviceProfileResponse":{"deviceIdentifierCollection":%[2]s,"state":"ACTIVE",` +
	`"profileStatus":"ENABLE","profileRole":"LOCAL"}},"status":"SUCCESS","callbackCount":1,"maxCallbackThreshold":4}`

// callbacks are those of n devices of a job, from all over it and in no order. The devices must be in flight.
func (d *deployment) callbacks(job string, of, n int) *load {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), simshift, "results", job, "--state", "submitted")
	cmd.Env, cmd.Stderr = d.env, os.Stderr
	pipe, err := cmd.StdoutPipe()
	check(d.t, err)
	check(d.t, cmd.Start())
	results := csv.NewReader(pipe)
	results.ReuseRecord = true
	_, err = results.Read() // the header
	check(d.t, err)
	l := new(load)
	var body bytes.Buffer
	for i := range of {
		fields, err := results.Read()
		check(d.t, err)
		if (i+1)*n/of == i*n/of {
			continue
		}
		ids := fmt.Sprintf(`[{"id":"%s","kind":"Iccid"},{"id":"%s","kind":"Imei"},{"id":"%s","kind":"Eid"},{"id":"%010d","kind":"mdn"}]`,
			fields[2], fields[3], fields[1], i)
		body.Reset()
		fmt.Fprintf(&body, message, fields[11], ids)
		l.add(body.Bytes())
	}
	check(d.t, cmd.Wait())
	random := rand.New(rand.NewPCG(uint64(n), 0))
	random.Shuffle(len(l.requests), func(i, j int) { l.requests[i], l.requests[j] = l.requests[j], l.requests[i] })
	return l
}
