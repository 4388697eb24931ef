package worker

import (
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// turnWorld is a submitter as far as it takes turns, and a batch of the job "spring".
func turnWorld(t *testing.T, whole ratelimit.Limits) (*submitter, *redis.Client, *sending) {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	s := &submitter{limiter: ratelimit.New(rdb, whole), now: time.Now}
	return s, rdb, &sending{
		id: jobs.BatchID{Job: "spring", Batch: 1}, batch: jobs.Batch{Open: 100}, group: jobs.Group{Account: "acme"},
	}
}

func limitJob(t *testing.T, s *submitter, limits ratelimit.Limits) *ratelimit.Limiter {
	t.Helper()
	part := s.limiter.Part("spring")
	if err := part.SetLimits(t.Context(), limits, ""); err != nil {
		t.Fatal(err)
	}
	return part
}

func mustWait(t *testing.T, s *submitter, b *sending, want string) {
	t.Helper()
	mine, err := s.turn(t.Context(), b)
	wait, ok := errors.AsType[*putBack](err)
	if mine != nil || !ok || wait.why != want {
		t.Errorf("turn %v, %v; want it to wait for %q", mine, err, want)
	}
}

func inFlight(t *testing.T, l *ratelimit.Limiter) int64 {
	t.Helper()
	s, err := l.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.InFlight
}

func TestAJobWithoutLimitsTakesTheDeploymentsTurnAlone(t *testing.T) {
	t.Parallel()
	s, rdb, b := turnWorld(t, ratelimit.Limits{MaxInFlight: 1000})
	mine, err := s.turn(t.Context(), b)
	if err != nil || mine.own != nil || !mine.all.Taken() {
		t.Fatalf("turn %+v, %v", mine, err)
	}
	if n := rdb.Exists(t.Context(), "simshift:{limits}:pace:spring").Val(); n != 0 {
		t.Error("a pace of its own was written")
	}
}

func TestAJobsOwnLimitIsNamedAndSparesTheDeployment(t *testing.T) {
	t.Parallel()
	s, _, b := turnWorld(t, ratelimit.Limits{MaxInFlight: 1000})
	limitJob(t, s, ratelimit.Limits{Devices: ratelimit.Rate{Count: 100, Per: time.Minute}})
	if _, err := s.turn(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	mustWait(t, s, b, "the job's own limit: devices are limited to 100/min")
	if n := inFlight(t, s.limiter); n != 100 {
		t.Errorf("of the deployment %d devices' places are taken, not the 100 of the first turn", n)
	}
	b.id.Job = "autumn"
	if _, err := s.turn(t.Context(), b); err != nil {
		t.Errorf("another job waits: %v", err)
	}
}

func TestWithoutTheDeploymentsTurnTheJobsOwnIsGivenBack(t *testing.T) {
	t.Parallel()
	hour := ratelimit.Limits{Requests: ratelimit.Rate{Count: 1, Per: time.Hour}, MaxInFlight: 1000}
	s, _, b := turnWorld(t, hour)
	part := limitJob(t, s, hour)
	if _, err := s.limiter.Reserve(t.Context(), "acme", 1); err != nil { // another job's
		t.Fatal(err)
	}
	for range 3 { // were it not given back, the second time would wait for it
		mustWait(t, s, b, "requests are limited to 1/h")
	}
	if n := inFlight(t, part); n != 0 {
		t.Errorf("%d devices' places were kept", n)
	}
}

func TestBothTurnsAreHandedOverOrGivenBack(t *testing.T) {
	t.Parallel()
	s, _, b := turnWorld(t, ratelimit.Limits{MaxInFlight: 1000})
	part := limitJob(t, s, ratelimit.Limits{MaxInFlight: 1000})
	mine, err := s.turn(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if err := mine.Occupy(t.Context(), occupant(b.id), 100, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	again, err := s.turn(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{200, 100, 100} { // with the second turn, without it, and without it once more
		if all, own := inFlight(t, s.limiter), inFlight(t, part); all != want || own != want {
			t.Errorf("in flight: %d of all and %d of the job, want %d", all, own, want)
		}
		if err := again.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.limiter.Vacate(t.Context(), occupant(b.id)); err != nil {
		t.Fatal(err)
	}
	if n := inFlight(t, part); n != 0 {
		t.Errorf("%d are still in flight", n)
	}
}

// Its turns come seldom: it must not lose each of them to the jobs that ask more often.
func TestWhoHasTheJobsOwnTurnIsPatientForASoonOneOfTheDeployment(t *testing.T) {
	t.Parallel()
	s, _, b := turnWorld(t, ratelimit.Limits{Requests: ratelimit.Rate{Count: 1, Per: 2100 * time.Millisecond}})
	if _, err := s.limiter.Reserve(t.Context(), "acme", 1); err != nil {
		t.Fatal(err)
	}
	mustWait(t, s, b, "requests are limited to 1/2.1s")
	limitJob(t, s, ratelimit.Limits{Requests: ratelimit.Rate{Count: 1, Per: time.Hour}})
	if _, err := s.turn(t.Context(), b); err != nil {
		t.Error(err)
	}
}
