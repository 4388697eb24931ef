package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// wavesField says, in a job's hash, that its waves are counted: it is missing in jobs without waves, and in those that are older
// than that.
const wavesField = "waves"

// WaveProgress tells how each wave of a job does, those to come included; it is empty for a job without waves. known is false for
// a job that began before this was counted. It costs the same whatever the waves hold.
func (l *Ledger) WaveProgress(ctx context.Context, job string) (waves []jobs.WaveCount, known bool, err error) {
	s, err := l.spec(ctx, job)
	if err != nil {
		return nil, false, err
	}
	var own *redis.SliceCmd
	var counts *redis.MapStringStringCmd
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		own, counts = p.HMGet(ctx, jobKey(job), "devices", wavesField), p.HGetAll(ctx, wavesKey(job))
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("count the waves of job %s: %w", job, err)
	}
	if len(s.Policy.Waves) == 0 {
		return nil, true, nil
	}
	devices, _ := own.Val()[0].(string)
	if own.Val()[1] == nil {
		return nil, false, nil
	}
	before := int64(0)
	for i, end := range s.Policy.WaveEnds(number(devices)) {
		of := func(what string) int64 { return number(counts.Val()[waveField(i+1, what)]) }
		w := jobs.WaveCount{Wave: i + 1, Devices: end - before, Moved: of("moved"), NotMoved: of("missed")}
		w.Open = of("formed") - w.Moved - w.NotMoved
		waves, before = append(waves, w), end
	}
	return waves, true, nil
}

func waveField(wave int, what string) string { return strconv.Itoa(wave) + ":" + what }

// bounds tells of each chunk which wave every stretch of it that was formed belongs to.
type bounds map[int][]bound

// bound is where a wave ends within a chunk.
type bound struct{ wave, end int }

// readBounds reads where the waves of a job end, the present one included; none of a job whose waves are not counted.
func (l *Ledger) readBounds(ctx context.Context, job string, fields map[string]string) (bounds, error) {
	if fields[wavesField] == "" {
		return nil, nil
	}
	former, err := l.rdb.HGetAll(ctx, boundsKey(job)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the waves of job %s: %w", job, err)
	}
	formed, err := l.Formed(ctx, job)
	if err != nil {
		return nil, err
	}
	all := make(bounds, len(formed))
	for chunk, upTo := range formed {
		for text := range strings.FieldsSeq(former[strconv.Itoa(chunk)]) {
			wave, end, _ := strings.Cut(text, ":")
			all[chunk] = append(all[chunk], bound{int(number(wave)), int(number(end))})
		}
		all[chunk] = append(all[chunk], bound{int(number(fields["wave"])), upTo})
	}
	return all, nil
}

// count adds a device to what its wave has come to.
func (b bounds) count(chunk, pos int, state jobs.State, into map[string]int64) {
	for _, bound := range b[chunk] {
		if pos >= bound.end {
			continue
		}
		into[waveField(bound.wave, "formed")]++
		switch {
		case state == jobs.Succeeded:
			into[waveField(bound.wave, "moved")]++
		case state.Final():
			into[waveField(bound.wave, "missed")]++
		}
		return
	}
}
