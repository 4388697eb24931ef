// Package csvimport reads a fleet from a CSV file: it checks every row, finds rows that repeat or contradict each other,
// and hands out what is left in chunks, grouped by account and service plan.
//
//	source   the raw bytes: hashed and counted on the way, readable a second time         source.go
//	text     byte order marks and UTF-16 to UTF-8, CRLF and lone CR to LF                 text.go
//	framer   the text cut into records; an unclosed quote costs one line, not the file    framer.go
//	header   delimiter and columns, by any usual name                                     header.go, aliases.go
//	parser   blocks of records through gocsv, several blocks at once; form checks         parser.go, check.go, clean.go
//	intake   the parsed blocks in their order, written to the spool                       intake.go
//	sift     repeated, contradicting and rounded rows, bucket by bucket                   sift.go, rounded.go
//	Fleet    the result: summary, chunks, devices held elsewhere; and every row once      fleet.go, chunks.go, held.go
//	         more with what became of it, for the rejects and for a join with the results rejects.go, again.go, rows.go
//
// Memory hardly grows with the file (measured: below two bytes a row): everything that must be seen together is brought
// together on disk, by a [sorter] that distributes records over buckets in a spool file.
//
// # What happens to a row
//
// Every row below the header ends in exactly one place: it is a device, an exact duplicate (counted), or rejected.
//
//   - A row is rejected for its form if it can not be read as a device; one bad row never stops the rest.
//   - Rows of one EID that agree are one device: the first row that gives an IMEI, or else the first row. The others are
//     duplicates. An IMEI left out agrees with any.
//   - If rows of one EID differ in ICCID, account, plan, previous ICCID or given IMEI, all of them are rejected, the first
//     one too. A previous ICCID left out differs from one that is given: none of the rows alone would be right.
//   - If rows name one ICCID for different EIDs, all of them are rejected.
//   - An IMEI on different EIDs, and a wrong check digit, are warnings; with [Options.Strict] a wrong check digit rejects.
//   - The previous ICCID is needed for a way back only. One that can not be read rejects the row, as an IMEI would; one
//     that is left out in a file with that column, is the ICCID itself or is on different EIDs is a warning.
//
// The result does not depend on the order of the rows, except for which of several equal rows is the device.
package csvimport
