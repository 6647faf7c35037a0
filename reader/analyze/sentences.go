package analyze

import (
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// The maximum lengths of texts in sentences, in code points.
const (
	mostOfCall  = 60
	mostOfError = 200
	mostOfName  = 40
)

// Named names an operation by its call, or by its service and name, as the sentences of the
// findings do, but without the quotes. The text is short and safe to print. It is empty for
// None, and for an Analysis that was read from JSON.
func (a *Analysis) Named(op int) string {
	if op < 0 || op >= len(a.labelOf) {
		return ""
	}
	return strings.Trim(a.named(op), "`")
}

// named names an operation in a sentence.
func (a *Analysis) named(i int) string { return a.labels[a.labelOf[i]].String() }

// String names the label in a sentence.
func (l label) String() string {
	text := l.what
	switch {
	case l.kind == Statement && text != "":
		text = describe.Statement(text)
	case text == "" && l.service == "":
		text = l.name
	case text == "":
		text = l.service + ":" + l.name
	}
	return "`" + onOneLine(strings.ReplaceAll(text, "`", ""), mostOfCall) + "`"
}

// onOneLine shortens a text of a trace and makes it safe to print.
func onOneLine(text string, most int) string {
	if len(text) > 8*most {
		text = text[:8*most] // enough for most code points with all blanks
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	count := 0
	for i := range text {
		if count++; count > most {
			text = strings.TrimRight(text[:i], " ") + "…"
			break
		}
	}
	return safetext.Escape(text)
}

// errorText describes the error of a failure.
func errorText(f Failure) string {
	exception, message := onOneLine(describe.TypeOfError(f.Exception), mostOfError), onOneLine(f.Message, mostOfError)
	switch {
	case message == "" && exception == "":
		return "it does not tell the error"
	case message == "":
		return exception
	case exception == "":
		return message
	}
	return exception + ": " + message
}

// onHost names the host of an operation if it is known.
func onHost(n *reader.Node) string {
	if n.Host == "" {
		return ""
	}
	return " on " + onOneLine(n.Host, mostOfName)
}

// time writes a time.
func (a *Analysis) time(d Duration) string { return describe.Duration(time.Duration(d), a.Exact) }

// part writes a time and its share of the trace.
func (a *Analysis) part(d Duration) string {
	text := a.time(d)
	if a.trace.total() > 0 {
		text += " (" + describe.Percent(time.Duration(d), a.trace.total()) + " of the trace)"
	}
	return text
}
