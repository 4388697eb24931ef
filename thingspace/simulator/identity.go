package simulator

import "encoding/binary"

// The identities are kept as binary coded decimals, two digits to a byte; a nibble of 0xF is padding.
type (
	eid   [16]byte // 32 digits
	iccid [10]byte // 19 or 20 digits; all zero is "none known"
	imei  [8]byte  // 15 digits; all zero is "not given"
)

// pack writes the digits of s into dst and tells whether s is least to most decimal digits.
func pack(dst []byte, s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range dst {
		dst[i] = 0xFF
	}
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return false
		}
		if i%2 == 0 {
			dst[i/2] = digit<<4 | 0xF
		} else {
			dst[i/2] = dst[i/2]&0xF0 | digit
		}
	}
	return true
}

// appendDigits appends packed digits to dst as text, up to the padding.
func appendDigits(dst, packed []byte) []byte {
	for _, b := range packed {
		if b>>4 > 9 {
			break
		}
		dst = append(dst, '0'+b>>4)
		if b&15 > 9 {
			break
		}
		dst = append(dst, '0'+b&15)
	}
	return dst
}

func (id eid) String() string { return string(appendDigits(nil, id[:])) }

func (id iccid) String() string {
	if id == (iccid{}) {
		return ""
	}
	return string(appendDigits(nil, id[:]))
}

// number folds an EID into 64 bits for the draws of chance.
func (id eid) number() uint64 {
	return mix(binary.BigEndian.Uint64(id[:8])) ^ binary.BigEndian.Uint64(id[8:])
}

// phone is the ten-digit number that a device's callbacks carry as its mdn: made up, and always the same for an EID.
func (id eid) phone() uint64 { return 2_000_000_000 + mix(id.number())%7_000_000_000 }

// formerProfile makes up the profile that was enabled on a device before the book first saw it.
func (id eid) formerProfile() (profile iccid) {
	copy(profile[:], []byte{0x89, 0x01, 0x00})
	rest := mix(id.number() + 1)
	for i := 3; i < len(profile); i++ {
		profile[i] = byte(rest%10)<<4 | byte(rest/10%10)
		rest /= 100
	}
	return profile
}
