package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// browserVariable selects the web browser.
const browserVariable = "BROWSER"

var errNoBrowser = errors.New("there is no web browser here")

// browse opens a file in a web browser. The error is the reason why no browser has opened it.
func browse(ctx context.Context, path string) error {
	address := fileAddress(path)
	desktop := desktopBrowsers(runtime.GOOS, os.Getenv)
	commands := append(chosenBrowsers(os.Getenv(browserVariable), len(desktop) > 0), desktop...)
	if len(commands) == 0 {
		return errNoBrowser
	}
	var errs []error
	for _, c := range commands {
		err := c.open(ctx, address)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		errs = append(errs, fmt.Errorf("%q failed: %w", c.args[0], err))
	}
	return joinErrors("cannot open a web browser: ", errs)
}

// joinErrors joins errors in one line.
func joinErrors(begin string, errs []error) error {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return errors.New(begin + strings.Join(texts, "; "))
}

// snapBrowsers match the paths of browsers that are installed as snaps.
var snapBrowsers = []string{"/snap/bin/firefox*", "/snap/bin/chromium*", "/snap/bin/brave*", "/snap/bin/opera*"}

// snapHint returns a hint if a browser may not see the file, because a snap has its own /tmp
// and does not see the user's hidden folders.
func snapHint(path string) string {
	isSnap := slices.ContainsFunc(snapBrowsers, func(pattern string) bool {
		found, _ := filepath.Glob(pattern)
		return len(found) > 0
	})
	home, err := os.UserHomeDir()
	below, isBelow := strings.CutPrefix(path, home+string(filepath.Separator))
	if !isSnap || err == nil && isBelow && !strings.HasPrefix(below, ".") {
		return ""
	}
	return "a browser that is installed as a snap does not find this file: if so, set TMPDIR to a folder below your home folder that is not hidden\n"
}

// fileAddress returns the URL of a file.
func fileAddress(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // a drive of Windows
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// A browserCommand opens an address.
type browserCommand struct {
	args []string // %s stands for the address
	// background is true if the command may keep running when osp ends. Any other command
	// uses the terminal, and osp waits for its end.
	background bool
}

// chosenBrowsers returns the commands of BROWSER, as Python's module webbrowser reads the
// variable. A command that ends in & runs in the background. On a desktop, a command without
// %s does so, too.
func chosenBrowsers(variable string, isDesktop bool) (commands []browserCommand) {
	for _, text := range filepath.SplitList(variable) {
		args := splitCommand(text)
		if len(args) == 0 {
			continue
		}
		c := browserCommand{args: args}
		if last := len(args) - 1; last > 0 && args[last] == "&" {
			c = browserCommand{args[:last], true}
		}
		if !strings.Contains(text, "%s") {
			c = browserCommand{append(c.args, "%s"), c.background || isDesktop}
		}
		commands = append(commands, c)
	}
	return commands
}

// splitCommand splits a command at blanks that are not in quotes.
func splitCommand(text string) (args []string) {
	var arg strings.Builder
	var quote rune
	open := false
	for _, r := range text {
		switch {
		case r == quote:
			quote = 0
		case quote != 0:
			arg.WriteRune(r)
		case r == '\'' || r == '"':
			quote, open = r, true
		case r == ' ' || r == '\t':
			if open {
				args = append(args, arg.String())
				arg.Reset()
			}
			open = false
		default:
			open = true
			arg.WriteRune(r)
		}
	}
	if open {
		args = append(args, arg.String())
	}
	return args
}

// desktopBrowsers returns the commands that open the browser of the desktop. On a
// system with X11 or Wayland there is a desktop only if the environment names one.
func desktopBrowsers(system string, getenv func(string) string) []browserCommand {
	switch {
	case system == "darwin":
		return []browserCommand{{[]string{"open", "%s"}, true}}
	case system == "windows":
		return []browserCommand{{[]string{"rundll32", "url.dll,FileProtocolHandler", "%s"}, true}}
	case getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "":
		return nil
	}
	return []browserCommand{{[]string{"xdg-open", "%s"}, true}}
}

// startTime is how long a browser in the background is watched for a failure.
const startTime = 3 * time.Second

// open runs the command. A command in the background is taken as successful if it
// has not failed within startTime.
func (c browserCommand) open(ctx context.Context, address string) error {
	args := make([]string, len(c.args))
	for i, arg := range c.args {
		args[i] = strings.ReplaceAll(arg, "%s", address)
	}
	if !c.background {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the user's own command
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stderr, os.Stderr
		return startError(cmd.Run())
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // it runs on when osp ends
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return startError(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(startTime):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startError returns the error of a command without the name of the command.
func startError(err error) error {
	var failed *exec.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return files.Reason(err)
}
