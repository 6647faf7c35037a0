package otlppb_test

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// otlpJSON writes a message as OTLP/JSON. It writes the JSON of protojson, in which ids are
// in base64, and replaces the ids by hexadecimal digits.
func otlpJSON(t interface{ Fatal(...any) }, m *tracepb.ResourceSpans, opts protojson.MarshalOptions) string {
	body, err := opts.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{m}})
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	for _, ofScope := range m.ScopeSpans {
		for _, s := range ofScope.Spans {
			ids := [][]byte{s.TraceId, s.SpanId, s.ParentSpanId}
			for _, l := range s.Links {
				ids = append(ids, l.TraceId, l.SpanId)
			}
			for _, id := range ids {
				text = replaceID(text, id)
			}
		}
	}
	return text
}

// replaceID replaces the members whose name ends with id or Id and whose value is an id
// in base64.
func replaceID(text string, id []byte) string {
	encoded, _ := protojson.Marshal(&commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: id}})
	_, value, _ := strings.Cut(strings.ReplaceAll(string(encoded), " ", ""), ":")
	value = strings.TrimSuffix(value, "}")
	for _, end := range []string{`Id":`, `_id":`} {
		for _, space := range []string{"", " "} {
			text = strings.ReplaceAll(text, end+space+value, end+space+`"`+hex.EncodeToString(id)+`"`)
		}
	}
	return text
}

// ParseJSON reads the same message from OTLP/JSON as Parse from protobuf, with names of
// both kinds and enums of both kinds.
func TestJSONIsProtobuf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := genMessage.Draw(t, "message")
		opts := protojson.MarshalOptions{
			UseProtoNames: rapid.Bool().Draw(t, "underscores"), UseEnumNumbers: rapid.Bool().Draw(t, "numbers"),
			EmitUnpopulated: rapid.Bool().Draw(t, "defaults"),
		}
		text := otlpJSON(t, message, opts)
		got, refused, err := otlppb.ParseJSON(text)
		if err != nil || len(refused) > 0 {
			t.Fatal(err, refused, text)
		}
		if diff := cmp.Diff([]*tracepb.ResourceSpans{message}, got, protocmp.Transform(), cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("the message (-) and what was read from JSON (+): %s\n%s", diff, text)
		}
	})
}

const jsonBefore, jsonAfter = `{"resourceSpans":[{"scopeSpans":[{"spans":[`, `]}]}]}`

func jsonSpan(members string) string {
	return `{"traceId":"01010101010101010101010101010101","spanId":"0202020202020202","endTimeUnixNano":"1",` + members + `}`
}

// ParseJSON also reads unusual forms that other programs send.
func TestJSONIsLenient(t *testing.T) {
	for members, want := range map[string]func(*tracepb.Span){
		`"name":"a","unknown":{"x":[1]}`:            func(s *tracepb.Span) { s.Name = "a" },
		`"name":null,"attributes":null,"kind":null`: func(*tracepb.Span) {},
		`"kind":"SPAN_KIND_SERVER"`:                 func(s *tracepb.Span) { s.Kind = tracepb.Span_SPAN_KIND_SERVER },
		`"kind":"3"`:                                func(s *tracepb.Span) { s.Kind = tracepb.Span_SPAN_KIND_CLIENT },
		`"startTimeUnixNano":1`:                     func(s *tracepb.Span) { s.StartTimeUnixNano = 1 },
		`"startTimeUnixNano":1e0`:                   func(s *tracepb.Span) { s.StartTimeUnixNano = 1 },
		`"start_time_unix_nano":"1"`:                func(s *tracepb.Span) { s.StartTimeUnixNano = 1 },
		`"parentSpanId":""`:                         func(*tracepb.Span) {},
		`"parentSpanId":"ABCDEFabcdef0000"`:         func(s *tracepb.Span) { s.ParentSpanId = []byte("\xab\xcd\xef\xab\xcd\xef\x00\x00") },
		`"status":{"code":"STATUS_CODE_ERROR"}`:     func(s *tracepb.Span) { s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR} },
		`"attributes":[{"key":"a","value":{"intValue":5}}]`: func(s *tracepb.Span) {
			s.Attributes = []*commonpb.KeyValue{{Key: "a", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: 5}}}}
		},
		`"attributes":[{"key":"a","value":{"doubleValue":"-Infinity"}}]`: func(s *tracepb.Span) {
			s.Attributes = []*commonpb.KeyValue{{Key: "a", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: math.Inf(-1)}}}}
		},
		`"attributes":[{"key":"a","value":{"bytesValue":"-_8"}},{"key":"b"}]`: func(s *tracepb.Span) {
			s.Attributes = []*commonpb.KeyValue{{Key: "a", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: []byte{0xfb, 0xff}}}}, {Key: "b"}}
		},
	} {
		s := &tracepb.Span{TraceId: bytesLike(16, 1), SpanId: bytesLike(8, 2), EndTimeUnixNano: 1}
		want(s)
		got, refused, err := otlppb.ParseJSON(jsonBefore + jsonSpan(members) + jsonAfter)
		if err != nil || len(refused) > 0 {
			t.Errorf("%s: %v %v", members, err, refused)
			continue
		}
		if diff := cmp.Diff(messageOf(s), got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", members, diff)
		}
	}
}

// ParseJSON refuses a span with a member of a wrong type.
func TestJSONRefusesSpans(t *testing.T) {
	for members, want := range map[string]string{
		`"name":1`:                             "name should be a string, not \"1\"",
		`"name":"\ud800"`:                      "name should be UTF-8",
		`"traceId":"xyz"`:                      "traceId should be hexadecimal digits",
		`"kind":"SERVER"`:                      "kind should be the number or the name",
		`"flags":-1`:                           "flags should be a whole number",
		`"flags":4294967296`:                   "flags should be a number of 32 bits",
		`"startTimeUnixNano":"soon"`:           "startTimeUnixNano should be a whole number",
		`"startTimeUnixNano":1.5`:              "startTimeUnixNano should be a whole number",
		`"startTimeUnixNano":1e400`:            "startTimeUnixNano should be a whole number",
		`"events":{}`:                          "events should be a JSON array",
		`"links":[1]`:                          "an element of links should be a JSON object",
		`"status":[]`:                          "status should be a JSON object",
		`"attributes":[{"key":"a","value":1}]`: "value of an attribute should be a JSON object",
		`"attributes":[{"value":{"boolValue":"yes"}}]`:                                                                   "boolValue should be true or false",
		`"attributes":[{"value":{"intValue":"x"}}]`:                                                                      "intValue should be a whole number",
		`"attributes":[{"value":{"doubleValue":"x"}}]`:                                                                   "doubleValue should be a number",
		`"attributes":[{"value":{"bytesValue":"!"}}]`:                                                                    "bytesValue should be base64",
		`"attributes":[{"value":` + strings.Repeat(`{"arrayValue":{"values":[`, 150) + strings.Repeat(`]}}`, 150) + `}]`: "nested more than 100 levels",
	} {
		got, refused, err := otlppb.ParseJSON(jsonBefore + jsonSpan(members) + "," + jsonSpan(`"name":"good"`) + jsonAfter)
		if err != nil || len(refused) != 1 || !strings.Contains(refused[0].Error(), want) || len(got[0].ScopeSpans[0].Spans) != 1 {
			t.Errorf("%s: %v, %v, %v", members, got, refused, err)
		}
	}
	for resource, want := range map[string]string{
		`"resource":{"attributes":[{"key":1}]},"scopeSpans":[{"spans":[` + jsonSpan(`"name":"x"`) + `]}]`: "the resource cannot be read: key should be a string",
		`"scopeSpans":[{"scope":{"name":1},"spans":[` + jsonSpan(`"name":"x"`) + `]}]`:                    "the scope cannot be read: name should be a string",
		`"scopeSpans":[{"spans":[` + jsonSpan(`"name":"x"`) + `]}],"schemaUrl":[]`:                        "the resource cannot be read: schemaUrl should be a string",
	} {
		_, refused, err := otlppb.ParseJSON(`{"resourceSpans":[{` + resource + `}]}`)
		if err != nil || len(refused) != 1 || !strings.Contains(refused[0].Error(), want) || refused[0].Name != "x" {
			t.Errorf("%s: %v, %v", resource, refused, err)
		}
	}
}

func TestJSONRefusesBodies(t *testing.T) {
	for _, body := range []string{"", "{", "[]", "1", `{"resourceSpans":{}}`, `{"resourceSpans":[1]}`, `{"resourceSpans":[{"scopeSpans":1}]}`, `{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}`, "{}x"} {
		if messages, _, err := otlppb.ParseJSON(body); err == nil {
			t.Errorf("%q is %v", body, messages)
		}
	}
	for _, body := range []string{"{}", ` {"resourceSpans":[]} `, `{"resourceSpans":null,"x":1}`, `{"resourceSpans":[{"scopeSpans":[{"spans":[]}]}]}`} {
		if _, refused, err := otlppb.ParseJSON(body); err != nil || refused != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
}
