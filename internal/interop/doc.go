// Package interop holds tests alone: this project beside the real Python
// library, Debian's and the newest, on the same work and in the same stores.
package interop
