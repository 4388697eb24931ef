package ledger

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/simshift/simshift/jobs"
)

// A chunk's sieve is a Bloom filter of the identities of its devices: it tells most of the chunks that do not hold an
// identity, so that one device of ten million is found by looking into some twenty rosters of a thousand. It takes 3.3
// bytes a device, and lets through two of a hundred identities that are not there.
const (
	sieveHashes = 4
	sieveBits   = 8 // at least, for each identity
)

// sieveOf makes the sieve of some devices.
func sieveOf(devices []jobs.Device) []byte {
	const identities = 3
	sieve := make([]byte, max(8, 1<<bits.Len(uint(len(devices)*identities*sieveBits-1))/8))
	mask := uint32(len(sieve)*8 - 1) //nolint:gosec // a chunk's sieve has 2^18 bits at most
	for i := range devices {
		d := &devices[i]
		add(sieve, mask, d.EID[:])
		add(sieve, mask, d.ICCID[:])
		if d.IMEI.Known() {
			add(sieve, mask, d.IMEI[:])
		}
	}
	return sieve
}

func add(sieve []byte, mask uint32, identity []byte) {
	for _, hash := range hashes(identity) {
		bit := hash & mask
		sieve[bit/8] |= 0x80 >> (bit % 8) // as Redis numbers bits
	}
}

// hashes are where a packed identity stands in a sieve, modulo its size. They are made of two as in Kirsch and
// Mitzenmacher, "Less hashing, same performance" (2006).
func hashes(identity []byte) (list [sieveHashes]uint32) {
	sum := xxhash.Sum64(identity)
	first, second := uint32(sum), uint32(sum>>32)|1 //nolint:gosec // both halves
	for i := range list {
		list[i] = first + uint32(i)*second
	}
	return list
}
