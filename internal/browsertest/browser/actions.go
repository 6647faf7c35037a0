package browser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// Do runs actions of chromedp in the page.
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(p.ctx, actionTime)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

// Run runs an action of chromedp that has a result.
func Run[T any](p *Page, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, actionTime)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// Call runs a command of the protocol without a result.
func Call[P, R any](p *Page, command cdp.Command[P, R], params P) error {
	_, err := Ask(p, command, params)
	return err
}

// Ask runs a command of the protocol.
func Ask[P, R any](p *Page, command cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := context.WithTimeout(p.ctx, actionTime)
	defer cancel()
	return chromedp.Call(ctx, command, params)
}

// Eval evaluates an expression of JavaScript in the page. If the result is a promise, Eval
// waits for the value of the promise.
func Eval[T any](p *Page, expression string) (T, error) {
	v, err := Run(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return v, fmt.Errorf("%s: %w", expression, err)
	}
	return v, nil
}

// awaitTime is how long Await waits on a machine that is busy with other tests.
const awaitTime = 3 * 60 * time.Second

// Await waits until an expression of JavaScript is true, or until a script of the page
// has failed.
func (p *Page) Await(expression string) error {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		ok, err := Eval[bool](p, "!!("+expression+")")
		if err != nil || ok {
			return err
		}
		if failure := p.failure(); failure != "" {
			return errors.New(failure)
		}
		if time.Since(began) > awaitTime {
			return fmt.Errorf("%s is not true after %v", expression, awaitTime)
		}
	}
}
