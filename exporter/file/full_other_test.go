//go:build !linux

package file_test

// fillUp cannot limit a file here.
func fillUp(string) error { return nil }

// tooManyFiles has no limit here.
func tooManyFiles(string) error { return nil }
