package redis

import (
	"errors"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// isTransient reports whether the same command may succeed later.
func isTransient(err error) bool { return classOf(err) != stays }

// classOf returns the class of an error. The class of an error of several
// sentinels is stays only if the error of each sentinel is in that class.
func classOf(err error) serverstate.Class {
	var several interface{ Unwrap() []error }
	if noSentinel(err) && errors.As(err, &several) {
		classes := make([]serverstate.Class, 0, len(several.Unwrap()))
		for _, one := range several.Unwrap() {
			classes = append(classes, classOf(one))
		}
		if len(classes) > 0 {
			return slices.Min(classes) // stays is the largest class
		}
	}
	if text, ok := replyOf(err); ok {
		return classOfReply(text)
	}
	if staysUnconnected(err) {
		return stays
	}
	return unknown
}

// staysUnconnected reports whether the next attempt to connect would fail in the
// same way.
func staysUnconnected(err error) bool {
	var greeting *greetingError
	return neterr.Stays(err) || errors.As(err, &greeting) || errors.Is(err, goredis.ErrClosed)
}

func isWrongType(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "WRONGTYPE ")
}

// wantsCredentials reports whether a server or a sentinel wants another user or
// password.
func wantsCredentials(err error) bool {
	if _, ok := replyOf(err); !ok {
		return false
	}
	for _, word := range []string{"WRONGPASS", "NOAUTH", "invalid password", "AUTH <password>", "invalid username-password", "unauthenticated"} {
		if strings.Contains(err.Error(), word) {
			return true
		}
	}
	return false
}

// isAboutKey reports whether an error is about one key: the key has another type,
// or does not exist.
func isAboutKey(err error) bool { return isWrongType(err) || errors.Is(err, goredis.Nil) }

// noSentinel reports whether no sentinel answers, or none knows the master.
func noSentinel(err error) bool { return strings.Contains(err.Error(), "all sentinels") }

// isForbidden reports whether the user has no right to a command or a key.
func isForbidden(err error) bool {
	text, ok := replyOf(err)
	return ok && beginsWith(text, "NOPERM")
}
