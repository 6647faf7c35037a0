package osprofiler

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	if Version() == "" {
		t.Error("there is no version")
	}
	ours := &debug.Module{Path: modulePath, Version: "v1.2.3"}
	for _, test := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{Main: debug.Module{Path: "example.org/nova", Version: "v9.0.0"}, Deps: []*debug.Module{ours}}, "v1.2.3"},
		{debug.BuildInfo{Main: *ours}, "v1.2.3"},
		{debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "(devel)"}}, "devel"},
		{debug.BuildInfo{Deps: []*debug.Module{{Path: modulePath, Version: "v1.2.3", Replace: &debug.Module{Path: "../osprofiler"}}}}, "devel"},
		{debug.BuildInfo{Main: debug.Module{Path: "example.org/nova", Version: "v9.0.0"}}, "devel"},
	} {
		if got := versionIn(&test.info); got != test.want {
			t.Errorf("version is %q, not %q", got, test.want)
		}
	}
}
