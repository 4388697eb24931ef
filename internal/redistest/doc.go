// Package redistest runs real redis-servers for tests: each a child process on a free loopback port with a directory of
// its own, which can be killed and restarted, and which never outlives the test process.
//
// A test that needs a server of its own, to kill it or to set it up specially, calls [Start]. All others share one
// server a package, and get an empty database of it each:
//
//	var redisServer redistest.Shared
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(redisServer.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		rdb := redisServer.Client(t)
//
// Without redis-server on PATH such tests are skipped with a word on how to install it; under CI they fail.
package redistest
