// Package quiet keeps the Redis client library from writing to the standard error
// of a service. Package redis returns the same errors to its callers.
//
// The library has one logger for all clients of a program. Importing this package
// removes the default logger when the program starts. From the library, this
// package imports only the package logging. So this package is initialized before
// the library itself, and therefore before every package that calls
// redis.SetLogger. A logger that a service sets stays in effect. A service that
// wants the default logger back calls logging.Enable in its main function.
package quiet

import "github.com/redis/go-redis/v9/logging"

func init() { logging.Disable() }
