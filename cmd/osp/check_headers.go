package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// checkHeaders finds out for each request which key signs it. No finding shows a key.
func (c *check) checkHeaders(cmd *cobra.Command, text string) (found []finding, err error) {
	keys, from, err := c.keys(cmd)
	if err != nil {
		return nil, err
	}
	all := requests(text)
	if len(all) == 0 {
		return []finding{{
			Check: "headers", Result: resultFailed,
			Detail: fmt.Sprintf("there is no %s and no %s header", osprofiler.HeaderTraceInfo, osprofiler.HeaderTraceHMAC),
			Advice: `"osp headers" writes both; the client must send them`,
		}}, nil
	}
	for i := range all {
		f := checkRequest(&all[i], keys, from)
		f.Check = "headers"
		found = append(found, f)
	}
	return found, nil
}

// checkRequest finds out which key signs the headers of a request, or why none does.
func checkRequest(h *traceHeaders, keys []string, from string) finding {
	if reason := formOf(h); reason != "" {
		return finding{Result: resultFailed, Detail: reason}
	}
	info, mac := h.info[0], h.mac[0]
	for i, key := range keys {
		t, _, err := osprofiler.UnpackTraceInfo(info, mac, []string{key})
		switch {
		case errors.Is(err, osprofiler.ErrUnsigned):
			continue
		case err != nil:
			return finding{
				Result: resultFailed, Key: i + 1, Source: from,
				Detail: fmt.Sprintf("key %d of %s signs them, but %s", i+1, from, contentOf(info)),
			}
		}
		f := finding{
			Result: resultOK, Key: i + 1, Source: from, BaseID: t.BaseID, ParentID: t.ParentID,
			Detail: fmt.Sprintf("key %d of %s signs them; the trace is %s", i+1, from, t.BaseID),
		}
		if key == bridge.DefaultKey {
			f.Advice = "this key is the default that everybody knows; give the services a key of their own"
		}
		return f
	}
	return unsigned(info, mac, keys, from)
}

// unsigned returns the finding about headers that no key signs, with the reason.
func unsigned(info, mac string, keys []string, from string) finding {
	f := finding{
		Result: resultFailed, Source: from,
		Detail: fmt.Sprintf("none of the %s of %s signs them", counted(len(keys), "key"), from),
		Advice: "the caller signs with another key, or something changed the headers on the way; caller and service must share one of their hmac_keys",
	}
	if len(keys) == 1 {
		f.Detail = fmt.Sprintf("the key of %s does not sign them", from)
	}
	if reason := contentOf(info); reason != "" {
		f.Detail += ", and " + reason
	}
	for i, key := range keys {
		bare := strings.Trim(key, `"'`)
		for _, other := range []string{bare, `"` + bare + `"`, "'" + bare + "'", key + "\n"} {
			if _, _, err := osprofiler.UnpackTraceInfo(info, mac, []string{other}); err == nil {
				f.Advice = fmt.Sprintf("key %d fits if the quotation marks or the line break around it are the same at the caller and here: compare how both write the key", i+1)
				return f
			}
		}
	}
	return f
}

// formOf returns what is wrong with the form of the headers, without looking at their
// content. It returns "" if the form is right.
func formOf(h *traceHeaders) string {
	for _, header := range []struct {
		name   string
		values []string
	}{{osprofiler.HeaderTraceInfo, h.info}, {osprofiler.HeaderTraceHMAC, h.mac}} {
		switch {
		case len(header.values) == 0:
			return header.name + " is missing"
		case len(header.values) > 1:
			return fmt.Sprintf("there are %d %s headers; a service that gets more than one uses none of them", len(header.values), header.name)
		case header.values[0] == "":
			return header.name + " is empty"
		case len(header.values[0]) > bridge.MaxHeader:
			return fmt.Sprintf("%s has %d bytes, but a service takes at most %d", header.name, len(header.values[0]), bridge.MaxHeader)
		}
	}
	switch mac := strings.TrimSpace(h.mac[0]); {
	case len(mac) == 40 && strings.Trim(mac, "0123456789abcdef") == "":
	case len(mac) == 40 && strings.Trim(mac, "0123456789abcdefABCDEF") == "":
		return osprofiler.HeaderTraceHMAC + " has capital letters; it should have the digits 0-9a-f"
	default:
		return fmt.Sprintf("%s should be 40 hexadecimal digits, 0-9a-f, but has %d characters", osprofiler.HeaderTraceHMAC, len(mac))
	}
	return ""
}

// contentOf returns the reason why a value of X-Trace-Info is not a trace info. It returns ""
// if the value looks like one.
func contentOf(info string) string {
	plain := strings.NewReplacer("+", "-", "/", "_").Replace(info)
	text, err := base64.URLEncoding.DecodeString(plain)
	if err != nil {
		if _, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(plain, "=")); err == nil {
			return osprofiler.HeaderTraceInfo + " lacks the padding (=) at the end of its base64"
		}
		return osprofiler.HeaderTraceInfo + " is not base64; it may have been cut or changed"
	}
	var members map[string]any
	switch err := json.Unmarshal(text, &members); {
	case !utf8.Valid(text), err != nil, members == nil:
		return osprofiler.HeaderTraceInfo + " is base64, but not of a JSON object"
	}
	if _, ok := members["base_id"]; !ok {
		return osprofiler.HeaderTraceInfo + " has no base_id"
	}
	for name, value := range members {
		switch value.(type) {
		case map[string]any, []any:
			return fmt.Sprintf("%s has a %q that is no text", osprofiler.HeaderTraceInfo, name)
		}
		if name != "base_id" && name != "parent_id" && name != "hmac_key" {
			return fmt.Sprintf("%s has the unknown member %q", osprofiler.HeaderTraceInfo, name)
		}
	}
	return ""
}
