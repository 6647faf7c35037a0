package bridge

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/propagation"

	"github.com/osprofiler-otel/osprofiler"
)

// Verify reads the two headers of a request as the propagator does. It returns the caller that
// they name and the index of the key that signed them, in the order in which the keys were
// given. If the headers are not accepted, the error is an [*osprofiler.HeaderError] that says
// why in one sentence. Verify counts and reports nothing.
func (k *Keys) Verify(carrier propagation.TextMapCarrier) (caller osprofiler.TraceInfo, index int, err error) {
	keys := k.all()
	caller, key, err := verify(carrier, keys)
	if err != nil {
		return osprofiler.TraceInfo{}, -1, err
	}
	return caller, slices.Index(keys, key), nil
}

// These are the reasons to reject headers before package osprofiler reads them.
var (
	errNoHeaders = &osprofiler.HeaderError{Reason: "the request has neither header", Err: osprofiler.ErrUnsigned}
	errTwoInfos  = &osprofiler.HeaderError{Reason: osprofiler.HeaderTraceInfo + " occurs more than once", Err: osprofiler.ErrUnsigned}
	errTwoHMACs  = &osprofiler.HeaderError{Reason: osprofiler.HeaderTraceHMAC + " occurs more than once", Err: osprofiler.ErrUnsigned}
	errTooLong   = &osprofiler.HeaderError{Reason: "a header is longer than 8 KiB", Err: osprofiler.ErrUnsigned}
	errNotAMAC   = &osprofiler.HeaderError{Reason: osprofiler.HeaderTraceHMAC + " should be 40 lower-case hexadecimal digits", Err: osprofiler.ErrUnsigned}
)

// verify reads the two headers. It checks their form before it computes or decodes
// anything.
func verify(carrier propagation.TextMapCarrier, keys []string) (t osprofiler.TraceInfo, key string, err error) {
	info, infos := single(carrier, osprofiler.HeaderTraceInfo)
	mac, macs := single(carrier, macHeader(carrier))
	switch {
	case infos == 0 && macs == 0:
		return t, "", errNoHeaders
	case infos > 1:
		return t, "", errTwoInfos
	case macs > 1:
		return t, "", errTwoHMACs
	case len(info) > MaxHeader || len(mac) > MaxHeader:
		return t, "", errTooLong
	}
	if mac = strings.TrimSpace(mac); mac != "" && info != "" && !isMAC(mac) {
		return t, "", errNotAMAC
	}
	return osprofiler.UnpackTraceInfo(info, mac, keys)
}

// single returns the value of a header, and how often it is present, as far as the carrier
// shows. verify rejects a header with two values, because it is unknown which value is meant.
// An empty value counts as absent, as in the Python library.
func single(carrier propagation.TextMapCarrier, header string) (value string, times int) {
	if values, ok := carrier.(propagation.ValuesGetter); ok {
		all := values.Values(header)
		if len(all) > 1 {
			return "", len(all)
		}
		if len(all) == 1 {
			value = all[0]
		}
	} else {
		value = carrier.Get(header)
	}
	if value == "" {
		return "", 0
	}
	return value, 1
}

// isMAC reports whether the text is an HMAC-SHA1 in lower-case hexadecimal.
func isMAC(text string) bool {
	if len(text) != 40 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || '9' < c) && (c < 'a' || 'f' < c) {
			return false
		}
	}
	return true
}
