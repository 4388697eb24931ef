package bench

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// syncs are when Redis writes to the disk: once a second, or before each answer.
var syncs = []string{"everysec", "always"}

// pace is the burst's callbacks a second.
const pace = 10_000

// measureImport reads a file in every way, and imports it.
func measureImport(t *testing.T, f figures) {
	path, devices := fleet(t, *rows), float64(*rows)
	plain := &deployment{t: t, folder: t.TempDir()}
	for _, reader := range []string{"csv", "unmarshaller", "callback"} {
		f.add("import.read-"+reader+".rows/s", devices/plain.run(yardstick, "read-"+reader, path).length.Seconds())
	}
	for _, fsync := range syncs {
		name := "import." + fsync + "."
		for _, program := range []string{"day-one", "simshift"} {
			deployed(t, program, fsync, func(d *deployment) {
				var r ran
				if program == "simshift" {
					r = d.imported(*rows)
				} else {
					r = d.run(yardstick, "import", path)
				}
				f.add(name+program+".rows/s", devices/r.length.Seconds())
				f.add(name+program+".peak-bytes", r.peak)
				f.add(name+program+".redis-bytes/device", d.each(*rows))
			})
		}
	}
}

// measureCallbacks sends the same callbacks to the bare handler, to the day-one program and to simshift.
func measureCallbacks(t *testing.T, f figures) {
	many, burst := *rows/5, min(*rows/20, 5*pace)
	for _, fsync := range syncs {
		deployed(t, "simshift", fsync, func(d *deployment) {
			d.carrier("--latency", "24h")
			listener := d.listener()
			d.worker()
			job := d.imported(*rows).said
			d.submitted(job)
			f.add("callbacks."+fsync+".in-flight.redis-bytes/device", d.each(*rows))
			l := d.callbacks(job, *rows, many+burst)
			paced := l.cut(burst)
			deployed(d.t, "yardsticks", fsync, func(other *deployment) {
				other.run(yardstick, "import", fleet(t, *rows))
				for _, receiver := range []struct{ name, address string }{
					{"bare", other.start(yardstick, "bare").address()},
					{"day-one", other.start(yardstick, "serve").address()},
					{"simshift", listener.address()},
				} {
					name := "callbacks." + fsync + "." + receiver.name + "."
					addShot(f, name, fire(other.t, l, 0, receiver.address))
					addShot(f, name+"burst.", fire(other.t, paced, pace, receiver.address))
				}
			})
		})
	}
}

func addShot(f figures, name string, s shot) {
	f.add(name+"callbacks/s", s.rate)
	f.add(name+"p50-ms", milliseconds(s.p50))
	f.add(name+"p99-ms", milliseconds(s.p99))
	f.add(name+"generator-us", float64(s.cost.Nanoseconds())/1e3)
}

// measureJob moves a whole fleet without a limit, the carrier included, and exports it.
func measureJob(t *testing.T, f figures) {
	deployed(t, "simshift", "everysec", func(d *deployment) {
		d.carrier("--latency", "200ms")
		d.listener()
		d.worker()
		began := time.Now()
		job := d.imported(*rows).said
		j := d.finished(job)
		f.add("job.seconds", j.FinishedAt.Sub(began).Seconds())
		addExport(f, "job.simshift.", d.exported(simshift, "results", job))
	})
	deployed(t, "day-one", "everysec", func(d *deployment) {
		d.run(yardstick, "import", fleet(t, *rows))
		addExport(f, "job.day-one.", d.exported(yardstick, "export"))
	})
}

func addExport(f figures, name string, r ran) {
	f.add(name+"export.rows/s", float64(*rows)/r.length.Seconds())
	f.add(name+"export.peak-bytes", r.peak)
}

// The job under a limit: small requests, so that it is the limit that takes the time and not the machine.
const (
	perSecond  = 2
	lastAnswer = 200 * time.Millisecond
)

// measureLimit holds a job's length against the least that its limit allows: all requests but the first wait for a turn, and
// the last one's callbacks come after the carrier's latency.
func measureLimit(t *testing.T, f figures) {
	requests := min(60, max(4, *rows/10_000))
	size := max(1, *rows/1000)
	deployed(t, "simshift", "everysec", func(d *deployment) {
		d.carrier("--latency", lastAnswer.String())
		d.listener()
		d.set("RATE_REQUESTS", fmt.Sprintf("%d/s", perSecond))
		d.worker()
		job := d.imported(requests*size, "--batch-size", strconv.Itoa(size)).said
		began := time.Now()
		j := d.finished(job)
		least := time.Duration(requests-1)*time.Second/perSecond + lastAnswer
		f.add("limit.seconds", j.FinishedAt.Sub(began).Seconds())
		f.add("limit.least-seconds", least.Seconds())
	})
}

// measureSpread submits and settles a fleet with one listener and one worker, and with two and four.
func measureSpread(t *testing.T, f figures) {
	deployed(t, "one", "everysec", func(d *deployment) { d.measureCrew(f, "spread.one.", 1, 1) })
	deployed(t, "many", "everysec", func(d *deployment) { d.measureCrew(f, "spread.many.", 2, 4) })
}

func (d *deployment) measureCrew(f figures, name string, listeners, workers int) {
	d.t.Helper()
	d.carrier("--latency", "24h")
	var addresses []string
	for range listeners {
		addresses = append(addresses, d.listener().address())
	}
	var crew []*service
	for range workers {
		crew = append(crew, d.worker())
	}
	batch := min(10_000, max(1, *rows/100))
	job := d.imported(*rows, "--batch-size", strconv.Itoa(batch)).said
	began := time.Now()
	d.submitted(job)
	f.add(name+"submitted/s", float64(*rows)/time.Since(began).Seconds())
	s := fire(d.t, d.callbacks(job, *rows, *rows/5), 0, addresses...)
	f.add(name+"callbacks/s", s.rate)
	f.add(name+"least-listener", s.least)
	f.add(name+"least-worker", leastShare(crew))
}

// leastShare is how many batches the idlest of the workers has sent, where an even share is 1.
func leastShare(workers []*service) float64 {
	least, all := -1, 0
	for _, w := range workers {
		sent := strings.Count(w.text(), `msg="batch sent"`)
		all += sent
		if least < 0 || sent < least {
			least = sent
		}
	}
	return float64(least) * float64(len(workers)) / float64(all)
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
