// Package browser drives a real Chromium for tests and benchmarks of the web page of
// reader/render/html.
//
// The package is in a module of its own, so that users of the main module do not get
// chromedp, the library that drives the browser, into their module graph.
package browser

import (
	"context"
	"os"

	"github.com/chromedp/chromedp"
)

// A Browser is a running Chromium without a window. It has no network.
type Browser struct {
	ctx  context.Context //nolint:containedctx // chromedp has the browser in a context
	stop context.CancelFunc
}

// Start starts the Chromium program at a path. Close ends the browser.
func Start(ctx context.Context, program string) (*Browser, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.DisableGPU,
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("hide-scrollbars", false),
		chromedp.Flag("enable-precise-memory-info", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root with it
	}
	ctx, endAllocator := chromedp.NewExecAllocator(ctx, options...)
	ctx, endBrowser := chromedp.NewContext(ctx)
	b := &Browser{ctx, func() { endBrowser(); endAllocator() }}
	if err := chromedp.Do(ctx); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

// Close ends the browser and waits for its end.
func (b *Browser) Close() error {
	defer b.stop()
	return chromedp.Cancel(b.ctx)
}
