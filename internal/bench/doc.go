// Package bench measures whole programs: simshift as it is built, real Redis servers, and beside them, in the same run, the
// yardsticks of the program yardstick. It has no code that others use; `make bench` runs it, and a test runs it with a small
// fleet, so that it works when it is wanted.
//
//	bench_test.go       the flags, the parts and their order
//	part_*_test.go      a part each: what is run, and which figures are taken
//	deployment_test.go  Redis, processes, their time and memory
//	generator_test.go   sends callbacks, at the same cost to everybody
//	fleet_test.go       made-up fleets, and the callbacks of their devices
//	figures_test.go     figures by name; raw in docs/performance.json
//	guard_test.go       what no machine's speed changes, held by every run of the tests
//	table_test.go       the lines of docs/performance.md: targets, medians, ratios
package bench
