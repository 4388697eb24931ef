package bench

import (
	"testing"

	"github.com/simshift/simshift/internal/madeup"
)

// measureScale does the same to a small fleet, and to one of a hundred times its size.
func measureScale(t *testing.T, f figures) {
	deployed(t, "small", "everysec", func(d *deployment) { d.measureSize(f, "scale.small.", *rows/10) })
	deployed(t, "large", "everysec", func(d *deployment) { d.measureSize(f, "scale.large.", *rows*10) })
}

// looks is how often a command is run whose time is short.
const looks = 5

// measureSize takes the costs of one device in a fleet of a size. As many callbacks come whatever the size, from all over the
// fleet. The first of them make the listener read every chunk; that costs once a chunk, and would be counted a hundred times
// too often where a hundredth of the devices call back, so they are a figure of their own.
func (d *deployment) measureSize(f figures, name string, devices int) {
	d.t.Helper()
	each := func(r ran) float64 { return float64(r.length.Microseconds()) / float64(devices) }
	d.carrier("--latency", "24h")
	listener, console := d.console()
	imported := d.imported(devices)
	job := imported.said
	f.add(name+"import-us/device", each(imported))
	f.add(name+"import.peak-bytes", imported.peak)
	f.add(name+"at-rest.redis-bytes/device", d.each(devices))
	d.worker()
	d.submitted(job)
	f.add(name+"in-flight.redis-bytes/device", d.each(devices))
	for i := range looks {
		f.add(name+"show-ms", milliseconds(d.run(simshift, "jobs", "show", job).length))
		device := madeup.Device((2*i + 1) * devices / (2 * looks))
		f.add(name+"device-ms", milliseconds(d.run(simshift, "device", device.EID).length))
	}
	l := d.callbacks(job, devices, *rows/10)
	first := l.cut(*rows / 20)
	f.add(name+"first-callbacks-us", 1e6/fire(d.t, first, 0, listener.address()).rate)
	f.add(name+"callback-us", 1e6/fire(d.t, l, 0, listener.address()).rate)
	f.add(name+"listener.peak-bytes", highWater(listener.pid))
	for range looks {
		f.add(name+"overview-ms", milliseconds(console.page("/")))
		f.add(name+"job-page-ms", milliseconds(console.page("/jobs/"+job)))
	}
	exported := d.exported(simshift, "results", job)
	f.add(name+"export-us/device", each(exported))
	f.add(name+"export.peak-bytes", exported.peak)
}
