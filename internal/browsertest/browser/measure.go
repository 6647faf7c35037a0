package browser

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"
)

// Memory returns the proportional set size of the browser's renderer processes, in
// bytes. The memory of shared libraries counts in part.
func (p *Page) Memory() (bytes int64, err error) {
	result, err := chromedp.CallBrowser(p.ctx, systeminfo.GetProcessInfo, cdp.Empty{})
	if err != nil {
		return 0, err
	}
	for _, process := range result.ProcessInfo {
		if process.Type != "renderer" {
			continue
		}
		size, err := proportionalSize(process.ID)
		if err != nil {
			return 0, err
		}
		bytes += size
	}
	return bytes, nil
}

func proportionalSize(pid int64) (bytes int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "Pss:" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("the process %d has no Pss", pid)
}
