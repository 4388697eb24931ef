package words_test

import (
	"testing"

	"github.com/simshift/simshift/console/words"
)

func TestFiguresAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	for is, want := range map[string]string{
		words.Number(0): "0", words.Number(999): "999", words.Number(1000): "1\u202f000", words.Number(-12_345_678): "\u221212\u202f345\u202f678",
		words.Devices(1): "1 device", words.Devices(1200): "1\u202f200 devices",
		words.Share(0, 5): "0%", words.Share(5, 5): "100%", words.Share(1, 1_000_000): "<0.1%", words.Share(999_999, 1_000_000): ">99.9%",
		words.Share(1, 3): "33.3%", words.Share(0, 0): "0%",
		words.Span(5): "5 s", words.Span(60): "1 min", words.Span(3725): "1 h 2 min", words.Span(90_000): "1 d 1 h",
	} {
		if is != want {
			t.Errorf("%q, but it should be %q", is, want)
		}
	}
}
