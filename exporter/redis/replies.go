package redis

import (
	"errors"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// The classes of replies. A reply that is not in the table is unknown. After an
// unknown reply the command is tried again, because waiting costs less than
// losing notifications.
const (
	unknown = serverstate.Unknown
	passes  = serverstate.Passes
	stays   = serverstate.Stays
)

// A reply is an error reply of a server, a sentinel or a proxy.
type reply struct {
	// text is the beginning of the reply. It ends at the end of a word, so that
	// BUSY does not mean BUSYKEY. If several entries fit, the one with the
	// longest text counts.
	text   string
	class  serverstate.Class
	source string // file of the server's source that gives the reply
	ran    string // the test in which a real server gives the reply; "" if only the source was read
}

// Most of these files exist in Redis (6.2 to 8) and in Valkey (8) alike.
const (
	fromServer     = "server.c"
	fromNetworking = "networking.c"
	fromCluster    = "cluster.c"
	fromSentinel   = "sentinel.c"
	fromEnvoy      = "Envoy, redis_proxy/command_splitter_impl.h"
	fromTwemproxy  = "twemproxy, nc_message.c"
	fromPredixy    = "predixy, Response.cpp"
	fromCodis      = "Codis, proxy/session.go"
)

// replies are the error replies to the commands of this package, and to the
// commands by which the client library begins a connection or finds a master.
var replies = []reply{
	// Codes of the server.
	{"LOADING", passes, fromServer, "TestStatesThatPass/LOADING"},
	{"READONLY", passes, fromServer, "TestStatesThatPass/READONLY"},
	{"MASTERDOWN", passes, fromServer, "TestStatesThatPass/MASTERDOWN"},
	{"BUSY", passes, fromServer, "TestStatesThatPass/BUSY"},
	{"NOREPLICAS", passes, fromServer, "TestStatesThatPass/NOREPLICAS"},
	{"OOM", passes, fromServer, "TestStatesThatPass/OOM"},
	{"MISCONF", passes, fromServer, "TestStatesThatPass/MISCONF"},
	{"UNBLOCKED", passes, "blocked.c", "TestReplicasLostWhileWaiting"},
	{"REDIRECT", passes, "server.c of Valkey 8", ""},
	{"NOMASTERLINK", passes, "replication.c", ""},
	{"NOAUTH", stays, fromServer, "TestRefusalsThatStay/no password"},
	{"WRONGPASS", stays, "acl.c", "TestRefusalsThatStay/wrong password"},
	{"NOPERM", stays, fromServer, "TestRefusalsThatStay/user without rights"},
	{"WRONGTYPE", stays, fromServer, "TestRefusedKeyAmongOthers"},
	{"DENIED", stays, fromNetworking, "TestProtectedMode"},
	{"NOPROTO", stays, fromNetworking, ""},
	{"EXECABORT", stays, "multi.c", ""},
	{"NOSCRIPT", stays, fromServer, ""},
	{"BUSYKEY", stays, fromServer, ""},
	{"BUSYGROUP", stays, "t_stream.c", ""},
	{"NOSUB", stays, "server.c of Valkey 8", ""},

	// Codes of a cluster. The client library follows MOVED and ASK. It returns
	// them only when the slots change faster than it can follow.
	{"CLUSTERDOWN", passes, fromCluster, "TestStatesThatPass/CLUSTERDOWN"},
	{"TRYAGAIN", passes, fromCluster, ""},
	{"MOVED", passes, fromCluster, "TestNodeOfAClusterAlone"},
	{"ASK", passes, fromCluster, ""},
	{"CROSSSLOT", stays, fromCluster, ""},

	// Codes of sentinels, and those of redis.io's "Guidelines for Redis clients
	// with support for Redis Sentinel". Each is about one sentinel at one
	// moment.
	{"INPROG", passes, fromSentinel, ""},
	{"NOGOODSLAVE", passes, fromSentinel, ""},
	{"NOGOODREPLICA", passes, fromSentinel, ""},
	{"NOQUORUM", passes, fromSentinel, ""},
	{"IDONTKNOW", passes, "redis.io, Sentinel clients", ""},
	{"ERR No such master with that name", stays, fromSentinel, ""},

	// Replies without a code of their own.
	{"ERR max number of clients", passes, fromNetworking, "TestStatesThatPass/max number of clients"},
	{"ERR WAIT cannot be used with replica instances", passes, "replication.c", "TestReplicasOfAReplica"},
	{"ERR DB index is out of range", stays, "db.c", "TestRefusalsThatStay/database out of range"},
	{"ERR SELECT is not allowed in cluster mode", stays, "db.c", "TestRefusalsThatStay/database in a cluster"},
	{"ERR unknown command", stays, fromServer, "TestRefusalsThatStay/renamed command"},
	{"ERR unknown subcommand", stays, fromServer, ""},
	{"ERR Unknown subcommand", stays, fromServer, ""},
	{"ERR wrong number of arguments", stays, fromServer, ""},
	{"ERR syntax error", stays, fromServer, ""},
	{"ERR value is not an integer or out of range", stays, "object.c", ""},
	{"ERR invalid expire time", stays, "networking.c and expire.c", ""},
	{"ERR string exceeds maximum allowed size", stays, "t_string.c", ""},
	{"ERR invalid DB index", stays, "db.c", ""},
	{"ERR Protocol error", stays, fromNetworking, "TestNotificationTooLarge"},
	{"ERR Client sent AUTH, but no password is set", stays, "acl.c of Redis 5", ""},
	{"ERR AUTH <password> called without any password configured", stays, "acl.c", ""},
	{"ERR invalid password", stays, "server.c of Redis 5", ""},
	{"ERR operation not permitted", stays, "server.c of Redis 2", ""},
	{"ERR This instance has cluster support disabled", stays, "cluster.c", "TestRefusalsThatStay/cluster that is none"},
	{"ERR Can't execute", stays, fromServer, ""},
	{"ERR Command not allowed inside a transaction", stays, fromServer, ""},
	{"ERR Replica can't interact with the keyspace", stays, fromServer, ""},

	// Replies of proxies, which answer in place of servers that they cannot
	// reach.
	{"no upstream host", passes, fromEnvoy, ""},
	{"upstream failure", passes, fromEnvoy, ""},
	{"upstream protocol error", passes, fromEnvoy, ""},
	{"invalid request", stays, fromEnvoy, ""},
	{"unsupported command", stays, fromEnvoy, ""},
	{"ERR Connection refused", passes, fromTwemproxy, ""},
	{"ERR Connection timed out", passes, fromTwemproxy, ""},
	{"ERR Connection reset by peer", passes, fromTwemproxy, ""},
	{"ERR Host is down", passes, fromTwemproxy, ""},
	{"ERR No route to host", passes, fromTwemproxy, ""},
	{"ERR Network is unreachable", passes, fromTwemproxy, ""},
	{"ERR Broken pipe", passes, fromTwemproxy, ""},
	{"ERR no server avaliable", passes, fromPredixy, ""},            //nolint:misspell // spelled so in the source
	{"ERR no server connection avaliable", passes, fromPredixy, ""}, //nolint:misspell // likewise
	{"ERR server connection close", passes, fromPredixy, ""},
	{"ERR deliver request fail", passes, fromPredixy, ""},
	{"ERR auth permission deny", stays, fromPredixy, ""},
	{"ERR handle response", passes, fromCodis, ""},
	{"ERR backend conn reset", passes, fromCodis, ""},
	{"ERR slot is not ready", passes, fromCodis, ""},
}

// classOfReply returns the class of an error reply. The class is unknown for a
// reply that is not in the table.
func classOfReply(text string) serverstate.Class {
	if r := find(text); r != nil {
		return r.class
	}
	// Some servers of other vendors put ERR before a code.
	if rest, ok := strings.CutPrefix(text, "ERR "); ok {
		if r := find(rest); r != nil {
			return r.class
		}
	}
	return unknown
}

// find returns the entry of the table that fits best, or nil if none fits.
func find(text string) (best *reply) {
	for i := range replies {
		r := &replies[i]
		if beginsWith(text, r.text) && (best == nil || len(r.text) > len(best.text)) {
			best = r
		}
	}
	return best
}

// beginsWith reports whether the text begins with these whole words.
func beginsWith(text, words string) bool {
	rest, ok := strings.CutPrefix(text, words)
	return ok && (rest == "" || !isWordByte(rest[0]))
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// replyOf returns the error reply in the chain of an error.
func replyOf(err error) (text string, ok bool) {
	var greeting *greetingError
	if errors.As(err, &greeting) {
		err = greeting.err
	}
	var answer goredis.Error
	if errors.As(err, &answer) {
		return answer.Error(), true
	}
	return "", false
}
