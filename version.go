package osprofiler

import (
	"runtime/debug"
	"sync"
)

const modulePath = "github.com/osprofiler-otel/osprofiler"

// Version returns the version of this module that the go command recorded in the program: a
// tag, or a pseudo-version with the commit. It returns "devel" if the program has no recorded
// version, such as a test of this module.
func Version() string { return version() }

var version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return develVersion
	}
	return versionIn(info)
})

const develVersion = "devel"

// versionIn returns the version of this module from a program's build information.
func versionIn(info *debug.BuildInfo) string {
	for _, module := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if module.Path != modulePath {
			continue
		}
		if module.Replace != nil {
			module = module.Replace
		}
		if module.Version != "" && module.Version != "(devel)" {
			return module.Version
		}
	}
	return develVersion
}
