package browsertest

import (
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// complaints collects what a browser says is wrong with a page.
type complaints struct {
	mu   sync.Mutex
	list []string
	asks map[network.RequestID]string // the requests under way, as method and URL
}

func newComplaints() *complaints { return &complaints{asks: make(map[network.RequestID]string)} }

func (c *complaints) take() (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, c.list = c.list, nil
	return list
}

// hear is called with each event of a tab, in their order.
func (c *complaints) hear(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			c.add("console: %s", words(e.Args))
		}
	case *runtime.EventExceptionThrown:
		c.add("%v", &chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails})
	case *log.EventEntryAdded: // of requests the events below tell more
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			c.add("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *inspector.EventTargetCrashed:
		c.add("the page has crashed")
	default:
		c.hearRequest(event)
	}
}

func (c *complaints) hearRequest(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasSuffix(e.Request.URL, "/favicon.ico") { // asked for by the browser, of its own accord, now and then
			c.asks[e.RequestID] = e.Request.Method + " " + e.Request.URL
		}
	case *network.EventResponseReceived:
		if ask, known := c.asks[e.RequestID]; known && e.Response.Status >= 400 {
			c.add("%s is answered %d", ask, e.Response.Status)
		}
	case *network.EventLoadingFailed:
		if ask, known := c.asks[e.RequestID]; known && !e.Canceled && e.ErrorText != "net::ERR_ABORTED" {
			c.add("%s fails: %s %s", ask, e.ErrorText, e.BlockedReason)
		}
		delete(c.asks, e.RequestID)
	case *network.EventLoadingFinished:
		delete(c.asks, e.RequestID)
	}
}

// add needs the lock.
func (c *complaints) add(format string, args ...any) {
	c.list = append(c.list, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// words are what a console shows of its arguments.
func words(args []*runtime.RemoteObject) string {
	var all []string
	for _, arg := range args {
		if arg.Description != "" {
			all = append(all, arg.Description)
		} else {
			all = append(all, plain(arg.Value))
		}
	}
	return strings.Join(all, " ")
}
