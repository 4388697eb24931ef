// Package madeup makes up fleets whose check digits are right. It is for the demo and for tests.
package madeup

import "fmt"

// Identity is one made-up device.
type Identity struct{ EID, ICCID, IMEI string }

// Device is the i-th device of the made-up fleet, from 0.
func Device(i int) Identity {
	return Identity{
		EID:   withModulo97(fmt.Sprintf("89049032%022d", i)),
		ICCID: withLuhn(fmt.Sprintf("8944538%011d", i)),
		IMEI:  withLuhn(fmt.Sprintf("356938%08d", i)),
	}
}

// withModulo97 appends the two digits that make the whole number 1 modulo 97 (GSMA SGP.29).
func withModulo97(digits string) string {
	remainder := 0
	for _, digit := range digits + "00" {
		remainder = (remainder*10 + int(digit-'0')) % 97
	}
	return fmt.Sprintf("%s%02d", digits, 98-remainder)
}

// withLuhn appends the digit that makes the Luhn sum a multiple of ten (ISO/IEC 7812-1).
func withLuhn(digits string) string {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}
