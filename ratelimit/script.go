package ratelimit

import (
	"context"
	_ "embed" // for the scripts
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// All keys have one hash tag, so that one script may touch them all on a cluster.
const (
	prefix      = "simshift:{limits}:"
	inFlightKey = prefix + "inflight" // of everything; a part counts its own in it
	partsKey    = prefix + "parts"    // the names of the parts that have limits (set)
)

// keys are one limiter's own, as the prelude tells them. Those of the whole have no name in them.
type keys struct{ pace, limits, holds, inFlight string }

func keysOf(part string) keys {
	if part != "" {
		part = ":" + part
	}
	return keys{
		pace: prefix + "pace" + part, limits: prefix + "limits" + part, holds: prefix + "holds" + part,
		inFlight: inFlightKey + part,
	}
}

// askPatience bounds one question to Redis: who waits longer is better told that there is no answer.
const askPatience = 3 * time.Second

var (
	//go:embed lua/prelude.lua
	prelude string
	//go:embed lua/reserve.lua
	reserveLua string
	//go:embed lua/confirm.lua
	confirmLua string
	//go:embed lua/cancel.lua
	cancelLua string
	//go:embed lua/hold.lua
	holdLua string
	//go:embed lua/occupy.lua
	occupyLua string
	//go:embed lua/status.lua
	statusLua string
	//go:embed lua/limit.lua
	limitLua string

	reserveScript = redis.NewScript(prelude + reserveLua)
	confirmScript = redis.NewScript(prelude + confirmLua)
	cancelScript  = redis.NewScript(prelude + cancelLua)
	holdScript    = redis.NewScript(prelude + holdLua)
	occupyScript  = redis.NewScript(prelude + occupyLua)
	statusScript  = redis.NewScript(prelude + statusLua)
	limitScript   = redis.NewScript(prelude + limitLua)
)

// run runs a script over all keys of the limiter. The reply is a list.
func (l *Limiter) run(ctx context.Context, script *redis.Script, args ...any) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	list := []string{l.keys.pace, l.keys.limits, l.keys.holds, l.keys.inFlight}
	if l.part != "" {
		list, args = append(list, inFlightKey), slices.Concat(args, []any{l.beginning()})
	}
	answer, err := script.Run(ctx, l.rdb, list, args...).Slice()
	return reply{list: answer}, err
}

// reply reads a script's list from its front. It remembers the first item that is not what was asked for.
type reply struct {
	list []any
	err  error
}

func (r *reply) next() any {
	if len(r.list) == 0 {
		r.err = fmt.Errorf("a script's reply is too short")
		return nil
	}
	item := r.list[0]
	r.list = r.list[1:]
	return item
}

func (r *reply) number() int64 {
	item := r.next()
	n, ok := item.(int64)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("a script replied %v where a number was due", item)
	}
	return n
}

func (r *reply) text() string {
	item := r.next()
	s, ok := item.(string)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("a script replied %v where words were due", item)
	}
	return s
}

func (r *reply) duration() time.Duration { return time.Duration(r.number()) * time.Microsecond }

func (r *reply) limits() Limits {
	return Limits{
		Requests:    Rate{r.number(), r.duration()},
		Devices:     Rate{r.number(), r.duration()},
		MaxInFlight: r.number(),
	}
}
