// Package browsertest runs a headless Chromium for tests: a child process with a profile of its own, which never outlives
// the test process. Each [Page] of it has its own cookies, as another person's browser has, and fails its test for what
// the browser complained about: errors on the console, exceptions that nobody caught, requests that failed.
//
//	page := browsertest.Start(t).Page(t)
//	page.Show(390, browsertest.Dark)
//	page.Do(chromedp.Navigate(server.URL), chromedp.Click(chromedp.CSS("#pause")))
//	page.Named()
//
// Without Chromium on PATH such tests are skipped with a word on how to install it; under CI they fail.
package browsertest
