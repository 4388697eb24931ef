package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gated is a writer that lets one group through at a time, and tells how large each was.
type gated struct {
	begun chan int
	end   chan error
}

func (g *gated) settle(_ context.Context, group []Received) error {
	g.begun <- len(group)
	return <-g.end
}

func startIntake(t *testing.T) (*Intake, *gated) {
	t.Helper()
	g := &gated{begun: make(chan int), end: make(chan error)}
	i := &Intake{settle: g.settle, queue: make(chan *delivery, groupMost), log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); i.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return i, g
}

func TestCallbacksGatherWhileOneIsBeingWritten(t *testing.T) {
	t.Parallel()
	i, g := startIntake(t)
	var answered sync.WaitGroup
	errs := make(chan error, 100)
	deliver := func() { errs <- i.Deliver(context.WithoutCancel(t.Context()), Received{}) }
	answered.Go(deliver)
	if n := <-g.begun; n != 1 {
		t.Fatalf("a lone callback waited for %d", n)
	}
	for range 99 {
		answered.Go(deliver)
	}
	for len(i.queue) < 99 { // until all of them have joined
		select {
		case err := <-errs:
			t.Fatalf("answered before it was written: %v", err)
		default:
		}
	}
	g.end <- nil
	if n := <-g.begun; n != 99 {
		t.Errorf("the second group has %d", n)
	}
	g.end <- nil
	answered.Wait()
}

func TestACallbackThatIsNotWrittenIsAnsweredWithTheError(t *testing.T) {
	t.Parallel()
	i, g := startIntake(t)
	away := errors.New("redis is away")
	answer := make(chan error, 1)
	go func() { answer <- i.Deliver(context.WithoutCancel(t.Context()), Received{}) }()
	<-g.begun
	g.end <- away
	if err := <-answer; !errors.Is(err, away) {
		t.Errorf("answered with %v", err)
	}
}

func TestACallbackWhoseSenderHasGoneDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	i, g := startIntake(t)
	gone, leave := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() { answer <- i.Deliver(gone, Received{}) }()
	<-g.begun
	leave()
	if err := <-answer; !errors.Is(err, errNotWritten) {
		t.Errorf("answered with %v", err)
	}
	g.end <- nil
	go func() { answer <- i.Deliver(context.WithoutCancel(t.Context()), Received{}) }()
	<-g.begun
	g.end <- nil
	if err := <-answer; err != nil {
		t.Error(err)
	}
}
