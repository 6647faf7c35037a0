package browser

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A View is the size, the color scheme and the kind of screen on which a page is shown.
type View struct {
	Width, Height int64  // of the window, in pixels; 0 means 1280 × 800
	Scheme        string // "light" or "dark"; "" means light
	Touch         bool   // a phone with touch
	ReducedMotion bool
}

// A Page is a page in a window of its own, with storage of its own.
type Page struct {
	ctx  context.Context //nolint:containedctx // chromedp has the page in a context
	stop context.CancelFunc
	url  string

	mu       sync.Mutex
	problems []string
}

// actionTime is how long an action may take on a machine that is busy with other tests.
const actionTime = 5 * time.Minute

// New opens a window without a page.
func (b *Browser) New(view View) (*Page, error) {
	p := &Page{}
	p.ctx, p.stop = chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	if err := chromedp.Do(p.ctx); err != nil {
		p.stop()
		return nil, err
	}
	if err := p.prepare(view); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *Page) prepare(view View) error {
	if err := chromedp.Listen(p.ctx, p.observe); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, actionTime)
	defer cancel()
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	return p.Look(view)
}

// Look changes the view of the page.
func (p *Page) Look(view View) error {
	width, height, scheme, motion := view.Width, view.Height, view.Scheme, "no-preference"
	if width == 0 {
		width, height = 1280, 800
	}
	if scheme == "" {
		scheme = "light"
	}
	if view.ReducedMotion {
		motion = "reduce"
	}
	var options []chromedp.EmulateViewportOption
	if view.Touch {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	if err := p.Do(chromedp.EmulateViewport(width, height, options...)); err != nil {
		return err
	}
	return Call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
	}})
}

// Open opens a URL and waits until the page is loaded.
func (p *Page) Open(url string) error {
	p.mu.Lock()
	p.url = url
	p.mu.Unlock()
	return p.Do(chromedp.Navigate(url))
}

// Close closes the window.
func (p *Page) Close() { p.stop() }

// Problems returns what went wrong in the page so far: messages of the console, errors
// of scripts, violations of the content security policy, and requests.
func (p *Page) Problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.problems)
}

// failure returns the first problem that is an exception, or "".
func (p *Page) failure() string {
	for _, problem := range p.Problems() {
		if strings.HasPrefix(problem, exception) {
			return problem
		}
	}
	return ""
}

// exception begins the problem of a script that failed.
const exception = "exception: "

// observe is called with each event of the browser.
func (p *Page) observe(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		problem = fmt.Sprintf("console.%s: %s", e.Type, texts(e.Args))
	case *runtime.EventExceptionThrown:
		problem = exception + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			problem += " " + e.ExceptionDetails.Exception.Description
		}
	case *log.EventEntryAdded:
		problem = fmt.Sprintf("log: %s: %s", e.Entry.Level, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		problem = p.requestProblem(e.Request.URL)
	}
	if problem == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, problem)
}

// requestProblem returns the problem of a request for anything but the page itself. The
// page needs no request for its icon, because the icon is a data: URL in the page.
func (p *Page) requestProblem(url string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	page, _, _ := strings.Cut(p.url, "#")
	if url, _, _ := strings.Cut(url, "#"); url == page || strings.HasPrefix(url, "data:image/svg+xml,") || url == "about:blank" {
		return ""
	}
	return "request: " + url
}

func texts(args []*runtime.RemoteObject) string {
	var all []string
	for _, a := range args {
		if a.Description != "" {
			all = append(all, a.Description)
		} else {
			all = append(all, string(a.Value))
		}
	}
	return strings.Join(all, " ")
}
