package tags

import (
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Conventions selects how attributes are named.
type Conventions uint8

// The sets of names.
const (
	// Stable is OpenTelemetry's semantic conventions, version [SchemaURL].
	Stable Conventions = iota
	// Old is the set that the Python library's OTLP driver emits.
	Old
	// Both emits both sets.
	Both
)

// SchemaURL is the schema of the Stable set.
const SchemaURL = semconv.SchemaURL

// String returns "stable", "old" or "both".
func (c Conventions) String() string {
	switch c {
	case Old:
		return "old"
	case Both:
		return "both"
	default:
		return "stable"
	}
}

func (c Conventions) stable() bool { return c != Old }
func (c Conventions) old() bool    { return c == Old || c == Both }

// ConventionsFromEnv reads OTEL_SEMCONV_STABILITY_OPT_IN, a comma-separated list, as the
// semantic conventions define it. It returns Both if an entry ends in /dup, such as http/dup,
// and Stable otherwise. Old can be selected only by options, because no entry requests it.
func ConventionsFromEnv() Conventions {
	for entry := range strings.SplitSeq(os.Getenv("OTEL_SEMCONV_STABILITY_OPT_IN"), ",") {
		if strings.HasSuffix(strings.TrimSpace(entry), "/dup") {
			return Both
		}
	}
	return Stable
}

// These are the stable keys.
const (
	keyMethod         = semconv.HTTPRequestMethodKey
	keyMethodOriginal = semconv.HTTPRequestMethodOriginalKey
	keyStatusCode     = semconv.HTTPResponseStatusCodeKey
	keyRoute          = semconv.HTTPRouteKey
	keyURLFull        = semconv.URLFullKey
	keyURLPath        = semconv.URLPathKey
	keyURLQuery       = semconv.URLQueryKey
	keyURLScheme      = semconv.URLSchemeKey
	keyServerAddress  = semconv.ServerAddressKey
	keyServerPort     = semconv.ServerPortKey

	keyDBQueryText      = semconv.DBQueryTextKey
	keyDBQuerySummary   = semconv.DBQuerySummaryKey
	keyDBSystemName     = semconv.DBSystemNameKey
	keyDBOperationName  = semconv.DBOperationNameKey
	keyDBCollectionName = semconv.DBCollectionNameKey

	keyRPCMethod         = semconv.RPCMethodKey
	keyRPCMethodOriginal = semconv.RPCMethodOriginalKey
	keyRPCSystemName     = semconv.RPCSystemNameKey
	keyFunctionName      = semconv.CodeFunctionNameKey

	keyErrorType           = semconv.ErrorTypeKey
	keyExceptionType       = semconv.ExceptionTypeKey
	keyExceptionMessage    = semconv.ExceptionMessageKey
	keyExceptionStacktrace = semconv.ExceptionStacktraceKey

	prefixQueryParameter     = "db.query.parameter."
	prefixOperationParameter = "db.operation.parameter."
)

// These are our own keys, for values without a key in the stable conventions.
const (
	ownDBParams            attribute.Key = "osprofiler.db.params" // JSON text
	ownDBResult            attribute.Key = "osprofiler.db.result"
	ownDBOriginalException attribute.Key = "osprofiler.db.original_exception"
	ownDBChainedException  attribute.Key = "osprofiler.db.chained_exception"
	ownArgs                attribute.Key = "osprofiler.function.args"
	ownKwargs              attribute.Key = "osprofiler.function.kwargs"
	ownResult              attribute.Key = "osprofiler.function.result"
)

// These are the keys of the Python library's OTLP driver and of OpenTelemetry's older
// conventions. Some keys belong to both.
const (
	oldMethod     attribute.Key = "http.method"
	oldScheme     attribute.Key = "http.scheme"
	oldPath       attribute.Key = "http.path"     // Python's
	oldQuery      attribute.Key = "http.query"    // Python's
	oldHostname   attribute.Key = "http.hostname" // Python's
	oldPort       attribute.Key = "http.port"     // Python's
	oldTarget     attribute.Key = "http.target"
	oldURL        attribute.Key = "http.url"
	oldHost       attribute.Key = "http.host"
	oldStatusCode attribute.Key = "http.status_code"
	oldPeerName   attribute.Key = "net.peer.name"
	oldPeerPort   attribute.Key = "net.peer.port"

	oldDBStatement attribute.Key = "db.statement"
	oldDBSystem    attribute.Key = "db.system"
	oldDBOperation attribute.Key = "db.operation"
	oldDBParams    attribute.Key = "db.params" // Python's

	oldRPCSystem  attribute.Key = "rpc.system"
	oldRPCService attribute.Key = "rpc.service"
	oldFunction   attribute.Key = "code.function"
	oldNamespace  attribute.Key = "code.namespace"

	pythonName       attribute.Key = "name"
	pythonArgs       attribute.Key = "args"
	pythonKwargs     attribute.Key = "kwargs"
	pythonResult     attribute.Key = "result"
	pythonStatusCode attribute.Key = "status_code"
	pythonError      attribute.Key = "error"
	pythonErrorKind  attribute.Key = "error.kind"
	pythonMessage    attribute.Key = "message"

	eventException = "exception"
	eventLog       = "log" // Python's
)
