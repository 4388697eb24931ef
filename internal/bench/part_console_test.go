package bench

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// watchers is how many browsers look at a job while its callbacks come.
const watchers = 50

// measureConsole sends the same burst while nobody looks and while fifty browsers do, in turn. Before each one Redis writes its
// append-only file anew: it does so by itself after so many writes, which would always be in the same one of the bursts.
func measureConsole(t *testing.T, f figures) {
	burst := min(*rows/20, 5*pace)
	deployed(t, "console", "everysec", func(d *deployment) {
		d.carrier("--latency", "24h")
		listener, console := d.console()
		d.worker()
		job := d.imported(*rows).said
		d.submitted(job)
		l := d.callbacks(job, *rows, 5*burst)
		fire(d.t, l.cut(burst), pace, listener.address()) // makes the listener read every chunk, which is no part of either
		shoot := func(name string) {
			d.rewritten()
			addShot(f, name, fire(d.t, l.cut(burst), pace, listener.address()))
		}
		alone := func() { shoot("console.alone.") }
		watched := func() {
			f.add("console.watched.events", float64(console.watched(job, func() { shoot("console.watched.") })))
		}
		alone()
		watched()
		watched()
		alone()
	})
}

// rewritten has Redis write its append-only file anew, and waits for it.
func (d *deployment) rewritten() {
	d.t.Helper()
	check(d.t, d.rdb.BgRewriteAOF(d.t.Context()).Err())
	until(d.t, time.Minute, func() bool {
		info, err := d.rdb.InfoMap(d.t.Context(), "persistence").Result()
		check(d.t, err)
		now := info["Persistence"]
		return now["aof_rewrite_in_progress"] == "0" && now["aof_rewrite_scheduled"] == "0"
	})
}

// console is the private listener as a browser sees it.
type console struct {
	t     *testing.T
	url   string
	token string
}

// console starts a listener with a console, and makes it the one that the carrier is told of.
func (d *deployment) console() (*service, *console) {
	d.t.Helper()
	people := filepath.Join(d.folder, "tokens")
	token := d.run(simshift, "tokens", "add", "bench", "--role", "viewer", "--console-tokens-file", people).said
	d.set("CONSOLE_TOKENS_FILE", people)
	d.set("CONSOLE_LISTEN", "127.0.0.1:0")
	listener := d.listener()
	d.set("CONSOLE_LISTEN", "off")
	return listener, &console{d.t, "http://" + listener.says(`console listens" address=(\S+)`), token}
}

// open asks for a page, and hands over its body.
func (c *console) open(ctx context.Context, path string, read func(io.Reader)) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		c.t.Error(err)
		return
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		c.t.Errorf("%s: %s", path, response.Status)
	}
	read(response.Body)
}

// page gives how long a page took, to its last byte.
func (c *console) page(path string) time.Duration {
	began := time.Now()
	c.open(c.t.Context(), path, func(body io.Reader) { _, _ = io.Copy(io.Discard, body) })
	return time.Since(began)
}

// watched does something while browsers look at a job's page and follow its events. It tells how many events they got.
func (c *console) watched(job string, do func()) int64 {
	ctx, close := context.WithCancel(c.t.Context())
	var events atomic.Int64
	var looking, open sync.WaitGroup
	for range watchers {
		open.Add(1)
		looking.Go(func() {
			c.page("/jobs/" + job)
			c.open(ctx, "/api/v1/jobs/"+job+"/events", func(body io.Reader) {
				first := sync.OnceFunc(open.Done)
				defer first()
				for lines := bufio.NewScanner(body); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "data:") {
						events.Add(1)
						first()
					}
				}
			})
		})
	}
	open.Wait()
	do()
	close()
	looking.Wait()
	return events.Load()
}
