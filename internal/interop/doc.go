// Package interop contains only tests. They run this project and the real Python
// library (Debian's version and the newest one) on the same data and the same
// stores, and compare the results.
package interop
