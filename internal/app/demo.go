package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/thingspace"
	"github.com/simshift/simshift/thingspace/simulator"
	"github.com/simshift/simshift/worker"
)

// DemoOptions are the flags of demo.
type DemoOptions struct {
	Devices int
	Seed    uint64
	Folder  string // for the fleet, the results and the report; empty: a new temporary one
	Format  Format
}

// demoMost is the largest fleet that the embedded Redis moves in reasonable time.
const demoMost = 100_000

// demoTimeout is how long a request to the demo's carrier may take.
const demoTimeout = 10 * time.Second

// demoPolicy is a night in half a minute.
func demoPolicy() jobs.Policy {
	return jobs.Policy{
		Attempts: 3, AnswerWithin: 5 * time.Second, Backoff: 2 * time.Second, BackoffMax: 4 * time.Second,
		DoubtGrace: 3 * time.Second, BatchSize: 2500,
	}
}

// demoMoods is a carrier on an ordinary bad day.
func demoMoods() simulator.Moods {
	return simulator.Moods{
		Latency: simulator.Span{Min: 200 * time.Millisecond, Max: 3 * time.Second},
		Offline: 0.06, OfflineForever: 0.005, Faulty: 0.01, Silent: 0.002,
		Lost: 0.002, Warning: 0.01, Duplicates: 0.02, OtherProfile: 0.02,
		At: map[int]simulator.Act{2: {Deed: simulator.SendEarly}, 5: {Deed: simulator.Drop}},
	}
}

// Demo runs a whole migration in this process: an embedded Redis, the simulated carrier, a worker and the callback
// listener. It needs nothing installed or running.
func Demo(ctx context.Context, env *Env, options DemoOptions) error {
	if options.Devices < 1 || options.Devices > demoMost {
		return usage(fmt.Sprintf("give a number from 1 to %d", demoMost), "--devices is %d", options.Devices)
	}
	folder, err := demoFolder(options.Folder)
	if err != nil {
		return err
	}
	store, err := newDemoStore()
	if err != nil {
		return err
	}
	defer store.close()
	limits := ratelimit.Limits{Requests: ratelimit.Rate{Count: 5, Per: time.Second}}
	d := wire(env, store.client, newAnchor(env.Now), limits, demoTimeout, quiet())

	fleet := filepath.Join(folder, "fleet.csv")
	if err := writeDemoFleet(fleet, options.Devices, options.Seed); err != nil {
		return err
	}
	fmt.Fprintf(env.Err, "simshift demo: %d devices, an embedded Redis, a simulated carrier on a bad day\n"+
		"  (devices are offline, faulty or silent; callbacks come twice, early or never)\n\n", options.Devices)

	defer d.witnessed(ctx)()
	running, stop := context.WithCancel(ctx)
	defer stop()
	parts, err := d.demoParts(running, options.Seed)
	if err != nil {
		return err
	}
	job, err := d.demoJob(ctx, fleet)
	if err == nil {
		_, err = watch(ctx, env, d, job.ID, 250*time.Millisecond)
		d.awaitTold(ctx)
	}
	stop()
	err = errors.Join(err, parts())
	if ctx.Err() != nil {
		return &Failure{Code: ExitError, Err: errors.New("stopped; the demo's job is gone with it"),
			Hint: "`simshift demo --devices 1000` takes less time"}
	}
	if err != nil {
		return err
	}
	if job, err = d.ledger.Job(ctx, job.ID); err != nil { // late answers came after its end
		return err
	}
	results := filepath.Join(folder, "results.csv")
	if err := d.exportTo(ctx, results, job.ID); err != nil {
		return err
	}
	page := filepath.Join(folder, "report.html")
	if err := d.reportTo(ctx, page, job); err != nil {
		return err
	}
	return demoSummary(env, job, []string{fleet, results, page}, options.Format)
}

func demoFolder(folder string) (string, error) {
	if folder == "" {
		made, err := os.MkdirTemp("", "simshift-demo-")
		if err != nil {
			return "", noFolder(err)
		}
		return made, nil
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", noFolder(err)
	}
	return folder, nil
}

func noFolder(err error) error {
	return &Failure{Code: ExitError, Err: fmt.Errorf("make a folder for the demo: %w", err), Hint: "name another with --folder"}
}

// demoStore is the embedded Redis. Its keys only expire when it is told how much time has passed.
type demoStore struct {
	server *miniredis.Miniredis
	client *redis.Client
	stop   chan struct{}
	done   chan struct{}
}

func newDemoStore() (*demoStore, error) {
	server, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("start the embedded redis: %w", err)
	}
	s := &demoStore{
		server: server, client: redis.NewClient(&redis.Options{Addr: server.Addr()}),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go s.age()
	return s, nil
}

func (s *demoStore) age() {
	defer close(s.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.server.FastForward(time.Second)
		case <-s.stop:
			return
		}
	}
}

func (s *demoStore) close() {
	close(s.stop)
	<-s.done
	_ = s.client.Close()
	s.server.Close()
}

// demoParts starts the carrier, the listener and a worker. The function it gives waits until they have ended.
func (d *deployment) demoParts(ctx context.Context, seed uint64) (wait func() error, err error) {
	heralds, err := d.workersHeralds()
	if err != nil {
		return nil, err
	}
	var sockets [2]net.Listener
	for i := range sockets {
		if sockets[i], err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
	}
	stopCarrier, _, err := playCarrier(sockets[0], simulator.Config{Seed: seed, Moods: demoMoods()})
	if err != nil {
		return nil, err
	}
	secret := worker.Credentials{Username: "demo", Password: "demo"}
	cfg := thingspace.Config{
		BaseURL: "http://" + sockets[0].Addr().String(), Key: "key", Secret: "secret", Username: "user", Password: "pass",
		Timeout: demoTimeout,
	}
	client := d.client(cfg)
	work := worker.New(worker.Config{
		Redis: d.rdb, Books: d.ledger, Tasks: d.tasks, Settler: d.settler(), Witness: d.witness, Limiter: d.limiter,
		Carrier: counted{client, d.figures, d.env.Now}, Registry: client, Heralds: heralds, Tracer: d.told(),
		Listener: thingspace.Listener{
			Service: thingspace.ProfileService, URL: "http://" + sockets[1].Addr().String() + worker.CallbackPath,
			Username: secret.Username, Password: secret.Password,
		},
		Concurrency: 4, RequestTimeout: cfg.Timeout, SweepEvery: time.Second, Retention: time.Hour,
		Now: d.env.Now, Chance: rand.Float64, Log: d.log,
	})
	var group errgroup.Group
	gate := &worker.Gate{Secret: secret, Connections: 1000, Answered: d.figures.Answered, Now: d.env.Now, Log: d.log}
	group.Go(func() error { return gate.Serve(ctx, sockets[1], worker.NewIntake(d.settler(), d.log)) })
	group.Go(func() error { return work.Run(ctx) })
	return func() error { return errors.Join(group.Wait(), stopCarrier()) }, nil
}

// demoJob imports the fleet as `simshift import` would.
func (d *deployment) demoJob(ctx context.Context, fleet string) (jobs.Job, error) {
	options := NewImportOptions()
	options.Target, options.Name, options.Policy, options.Yes = string(jobs.Global), "demo", demoPolicy(), true
	return importFleet(ctx, d.env, d, fleet, options)
}

func (d *deployment) exportTo(ctx context.Context, path, job string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return errors.Join(d.export(ctx, file, job, filter{}), file.Close())
}

// writeDemoFleet makes up a fleet with valid check digits; every hundredth device is listed twice.
func writeDemoFleet(path string, devices int, seed uint64) error {
	var b strings.Builder
	b.WriteString("EID,ICCID,IMEI,Account Name,Service Plan,Site\n")
	chance := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a made-up fleet
	for i := range devices {
		account := []string{"0000123456-00001", "0000123456-00002"}[i%2]
		device := madeup.Device(i)
		if i%40 == 0 {
			device.IMEI = ""
		}
		line := fmt.Sprintf("%s,%s,%s,%s,Global IoT 5MB,\"Depot %d, bay %d\"\n", device.EID, device.ICCID, device.IMEI,
			account, chance.IntN(20), chance.IntN(9))
		b.WriteString(line)
		if i%100 == 99 {
			b.WriteString(line)
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write the demo's fleet: %w", err)
	}
	return nil
}

// demoSummary tells how the demo went, and where it left the fleet, the results and the report.
func demoSummary(env *Env, job jobs.Job, files []string, format Format) error {
	talk := func(w io.Writer) {
		fmt.Fprintf(w, "\nfleet    %s\nresults  %s\nreport   %s\n\nThe same for real:\n"+
			"  redis-server --appendonly yes --appendfsync always --maxmemory-policy noeviction\n"+
			"  simshift serve                    # with SIMSHIFT_CALLBACK_URL and the credentials set\n"+
			"  simshift work                     # as many as wanted\n"+
			"  simshift import FLEET.csv --target global\n"+
			"  simshift jobs watch JOB; simshift results JOB > results.csv\n"+
			"  simshift jobs report JOB -o html --out report.html\n", files[0], files[1], files[2])
	}
	if format == JSON {
		talk(env.Err)
		return printJSON(env.Out, job)
	}
	if err := printJob(env.Out, job, Table); err != nil {
		return err
	}
	talk(env.Out)
	return nil
}
