package tags_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// These are raw JSON values: those that the Python library writes, and unexpected ones.
var (
	genString = rapid.Custom(func(t *rapid.T) string {
		s := rapid.OneOf(
			rapid.SampledFrom([]string{
				"", "GET", "_OTHER", "http", "https", "/", "/a?b", "a=1", "h", "::1", "h:9", ":9", "?", "#f", "x@y", "://", "http://h:9/p?q#f",
				"0", "é", "\x00", "\U0001F600", "\uFFFD", "\xed\xa0\x80", "\"\\", "{}", "[1]", "E", "null",
			}),
			rapid.String(),
		).Draw(t, "string")
		return string(pyjson.AppendString(nil, s))
	})
	genNumber = rapid.OneOf(
		rapid.SampledFrom([]string{
			"0", "-0", "1.0", "1e3", "NaN", "-Infinity", "9223372036854775807", "9223372036854775808", "-1", "80", "443", "204",
		}),
		rapid.Map(rapid.Int64(), func(n int64) string { return strconv.FormatInt(n, 10) }),
	)
	genScalar = rapid.OneOf(genString, genNumber, rapid.SampledFrom([]string{"null", "true", "false"}))
	genList   = rapid.Map(rapid.SliceOfN(genScalar, 0, 3), func(v []string) string { return "[" + strings.Join(v, ", ") + "]" })
	genDict   = rapid.Custom(func(t *rapid.T) string {
		return object(rapid.SliceOfN(genString, 0, 3).Draw(t, "keys"), func(string) string { return genScalar.Draw(t, "value") })
	})
	genParams = rapid.OneOf(genDict, genList, genScalar,
		rapid.Map(rapid.SliceOfN(rapid.OneOf(genDict, genList), 0, 3), func(v []string) string { return "[" + strings.Join(v, ",") + "]" }))
	genAny = rapid.OneOf(genScalar, genList, genDict)
)

// object writes an object with these raw keys.
func object(keys []string, value func(key string) string) string {
	var b strings.Builder
	for i, key := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(key + ": " + value(key))
	}
	return "{" + b.String() + "}"
}

// shape generates an object with these members, or an object that differs slightly.
func shape(keys ...string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var raw []string
		for _, key := range rapid.Permutation(keys).Draw(t, "order") {
			switch rapid.IntRange(0, 19).Draw(t, "oddity") {
			case 0: // the member is missing
			case 1:
				raw = append(raw, `"`+key+`"`, `"`+key+`"`)
			case 2:
				raw = append(raw, `"`+key+`"`, genString.Draw(t, "key"))
			default:
				raw = append(raw, `"`+key+`"`)
			}
		}
		return object(raw, func(key string) string {
			odd := rapid.IntRange(0, 19).Draw(t, "odd") == 0
			switch {
			case odd:
				return genAny.Draw(t, "odd value")
			case key == `"params"`:
				return genParams.Draw(t, "params")
			case key == `"port"`:
				return rapid.OneOf(genNumber, rapid.Just(`""`)).Draw(t, "port")
			case key == `"status_code"`:
				return genNumber.Draw(t, "status")
			}
			return genString.Draw(t, "text")
		})
	})
}

func genInfo(members map[string]*rapid.Generator[string]) *rapid.Generator[osprofiler.Info] {
	names := slices.Sorted(maps.Keys(members))
	return rapid.Custom(func(t *rapid.T) osprofiler.Info {
		if rapid.IntRange(0, 30).Draw(t, "none") == 0 {
			return ""
		}
		keys := rapid.SliceOfN(rapid.SampledFrom(names), 0, 3).Draw(t, "members")
		for i := range keys {
			keys[i] = `"` + keys[i] + `"`
		}
		return osprofiler.Info(object(keys, func(key string) string { return members[strings.Trim(key, `"`)].Draw(t, key) }))
	})
}

var (
	genHost      = rapid.Just(`"host-1"`)
	genFailing   = rapid.OneOf(genString, genString, genAny)
	genFunction  = rapid.OneOf(shape("name", "args", "kwargs"), shape("name"))
	genOpenStack = rapid.OneOf(shape("request_id", "global_request_id", "project_id", "user_id", "domain_id"), shape("request_id"))
	genMessaging = rapid.OneOf(shape("system", "operation", "destination", "message_id"), shape("system"))
	genStart     = genInfo(map[string]*rapid.Generator[string]{
		"request":  rapid.OneOf(shape("method", "path", "query", "scheme"), genAny),
		"requests": rapid.OneOf(shape("method", "path", "query", "scheme", "hostname", "port"), genAny),
		"db":       rapid.OneOf(shape("statement", "params"), genAny),
		"function": rapid.OneOf(genFunction, genAny),
		"host":     genHost, "x": genAny, "etype": genFailing, "message": genFailing,
		"openstack": rapid.OneOf(genOpenStack, genAny), "messaging": rapid.OneOf(genMessaging, genAny),
	})
	genStop = genInfo(map[string]*rapid.Generator[string]{
		"request":  genAny,
		"requests": rapid.OneOf(shape("status_code"), genAny),
		"db":       rapid.OneOf(shape("result"), shape("original_exception", "chained_exception"), genAny),
		"function": rapid.OneOf(shape("result"), genAny),
		"host":     genHost, "x": genAny, "etype": genFailing, "message": genFailing,
		"openstack": rapid.OneOf(genOpenStack, genAny), "messaging": rapid.OneOf(genMessaging, genAny),
	})
)
