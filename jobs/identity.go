package jobs

import (
	"errors"
	"fmt"
)

// EID is the serial number of an eUICC: 32 decimal digits, packed two to a byte.
type EID [16]byte

// ICCID is the serial number of a profile: 19 or 20 decimal digits, packed two to a byte; a missing 20th digit is the
// nibble 0xF.
type ICCID [10]byte

// IMEI is the serial number of a modem: 15 decimal digits, packed two to a byte. The zero value means "not known";
// a known one always ends in the nibble 0xF, since 15 is odd.
type IMEI [8]byte

// Errors of the three parsers. Both are about form; check digits are asked for separately, because the carrier's own
// samples fail them.
var (
	ErrNotDigits = errors.New("not all decimal digits")
	ErrLength    = errors.New("wrong number of digits")
)

// ParseEID packs s, which must be exactly 32 digits.
func ParseEID(s string) (id EID, err error) {
	err = pack(id[:], s, 32, 32)
	return id, err
}

// ParseICCID packs s, which must be 19 or 20 digits.
func ParseICCID(s string) (id ICCID, err error) {
	err = pack(id[:], s, 19, 20)
	return id, err
}

// ParseIMEI packs s, which must be exactly 15 digits, or empty for an unknown IMEI.
func ParseIMEI(s string) (id IMEI, err error) {
	if s == "" {
		return id, nil
	}
	err = pack(id[:], s, 15, 15)
	return id, err
}

// Known tells whether the device's IMEI was given.
func (id IMEI) Known() bool { return id != IMEI{} }

// Known tells whether an ICCID was given.
func (id ICCID) Known() bool { return id != ICCID{} }

func (id EID) String() string   { return string(id.AppendText(nil)) }
func (id ICCID) String() string { return string(id.AppendText(nil)) }
func (id IMEI) String() string  { return string(id.AppendText(nil)) }

// AppendText appends the digits to dst.
func (id EID) AppendText(dst []byte) []byte { return unpack(dst, id[:]) }

// AppendText appends the digits to dst.
func (id ICCID) AppendText(dst []byte) []byte { return unpack(dst, id[:]) }

// AppendText appends the digits to dst, or nothing where the IMEI is not known.
func (id IMEI) AppendText(dst []byte) []byte {
	if !id.Known() {
		return dst
	}
	return unpack(dst, id[:])
}

// Valid tells whether the check digits hold: the whole number modulo 97 is 1 (GSMA SGP.29).
func (id EID) Valid() bool {
	remainder := 0
	for _, b := range id {
		remainder = (remainder*100 + int(b>>4)*10 + int(b&15)) % 97
	}
	return remainder == 1
}

// Valid tells whether the Luhn digit holds (ITU-T E.118).
func (id ICCID) Valid() bool { return luhn(id[:]) }

// Valid tells whether the Luhn digit holds (3GPP TS 23.003). An unknown IMEI is valid.
func (id IMEI) Valid() bool { return !id.Known() || luhn(id[:]) }

// pack writes the digits of s as BCD into dst, padding with 0xF nibbles.
func pack(dst []byte, s string, least, most int) error {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return ErrNotDigits
		}
	}
	if len(s) < least || len(s) > most {
		return fmt.Errorf("%w: %d", ErrLength, len(s))
	}
	for i := range dst {
		high, low := byte(15), byte(15)
		if 2*i < len(s) {
			high = s[2*i] - '0'
		}
		if 2*i+1 < len(s) {
			low = s[2*i+1] - '0'
		}
		dst[i] = high<<4 | low
	}
	return nil
}

// pairs has the two digits of every packed byte: an export writes 66 digits a device.
var pairs = func() (digits [256][2]byte) {
	for b := range digits {
		digits[b] = [2]byte{'0' + byte(b>>4), '0' + byte(b&15)}
	}
	return digits
}()

// unpack appends the digits of bcd, of which only the last byte may hold padding.
func unpack(dst, bcd []byte) []byte {
	last := len(bcd) - 1
	for _, b := range bcd[:last] {
		dst = append(dst, pairs[b][0], pairs[b][1])
	}
	dst = append(dst, pairs[bcd[last]][0], pairs[bcd[last]][1])
	for dst[len(dst)-1] > '9' { // a nibble of padding
		dst = dst[:len(dst)-1]
	}
	return dst
}

// luhn checks packed digits from the right, doubling every second one.
func luhn(bcd []byte) bool {
	sum, double := 0, false
	for i := len(bcd)*2 - 1; i >= 0; i-- {
		digit := int(bcd[i/2]>>(4*(1-i%2))) & 15
		if digit > 9 {
			continue
		}
		if double {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum, double = sum+digit, !double
	}
	return sum%10 == 0
}
