//go:build !linux

package file_test

// fillUp does nothing, because it cannot limit the size of a file on this
// system.
func fillUp(string) error { return nil }

// tooManyFiles does nothing, because it cannot limit the number of open files
// on this system.
func tooManyFiles(string) error { return nil }
