package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// unshared runs a shell script in a mount namespace of its own. Mounts of the script
// do not affect other processes.
func unshared(t *testing.T, dir, script string, args ...string) result {
	t.Helper()
	for _, flags := range []string{"-m", "-rm"} {
		if exec.Command("unshare", flags, "mount", "-t", "tmpfs", "tmpfs", dir).Run() == nil {
			return runCommand(t, dir, nil, append([]string{"unshare", flags, "sh", "-euc", script, "sh"}, args...)...)
		}
	}
	const why = "this needs to mount a tmpfs in a namespace of its own (unshare -m): run it as root, or allow user namespaces"
	testenv.Missing(t, why)
	return result{}
}

// osp can read stores and reports on a read-only mount.
func TestReadOnlyMount(t *testing.T) {
	dir := t.TempDir()
	source, _ := manyTraces(t, 10)
	more, _ := manyTraces(t, 11)
	if r := osp(t, dir, "forward", "--from", source, "--to", "sqlite:///ten.db"); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	mount := filepath.Join(dir, "mount")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	const script = `
mount -t tmpfs -o size=4m tmpfs mount
cp ten.db mount/; cp "$2" mount/ten.jsonl
mount -o remount,ro mount
osp=$1; shift 2
exec "$osp" "$@"`
	tests := []struct {
		args   string
		code   int
		stdout string // a part of stdout
		stderr string // a part of stderr
	}{
		{"trace list --json --connection-string sqlite:///mount/ten.db", exitDone, traceName(9), ""},
		{"trace list --json --connection-string file://MOUNT/ten.jsonl", exitDone, traceName(9), ""},
		{"trace show " + traceName(3) + " --connection-string sqlite:///mount/ten.db", exitDone, "wsgi", ""},
		{"trace show " + traceName(3) + " --connection-string sqlite:///mount/ten.db --out mount/trace.txt", exitFailed, "", "read-only file system"},
		{"forward --from SOURCE --to sqlite:///mount/new.db", exitFailed, "", "mount/new.db"},
		{"forward --from MORE --to sqlite:///mount/ten.db", exitFailed, "", "mount/ten.db"},
		{"forward --from MORE --to file://MOUNT/ten.jsonl", exitFailed, "", "read-only file system"},
		{"forward --from SOURCE --to file://MOUNT/new.jsonl", exitFailed, "", "read-only file system"},
	}
	for _, tt := range tests {
		args := strings.NewReplacer("MOUNT", mount, "SOURCE", source, "MORE", more).Replace(tt.args)
		r := unshared(t, dir, script, append([]string{ospBinary, strings.TrimPrefix(source, "file://")}, strings.Fields(args)...)...)
		if r.code != tt.code || !strings.Contains(r.stdout, tt.stdout) || !strings.Contains(r.stderr, tt.stderr) {
			t.Errorf("osp %s: %+v; want exit code %d, %q in stdout, %q in stderr", tt.args, r, tt.code, tt.stdout, tt.stderr)
		}
		checkSentence(t, r)
	}
}

// On a full disk the command fails with one sentence. An older file stays unchanged,
// and notifications that were stored before stay readable.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := bigStore(t, 20_000) // some 5 MB
	mount := filepath.Join(dir, "mount")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	const script = `
mount -t tmpfs -o size=1m tmpfs mount
osp=$1; shift
echo old > mount/trace.json
code=0; "$osp" "$@" || code=$?
test "$(cat mount/trace.json)" = old
for store in sqlite:///mount/new.db file://$PWD/mount/new.jsonl; do
  if test -s "mount/${store##*/}"; then "$osp" trace list --connection-string "$store" >/dev/null; fi
done
test -z "$(ls -A mount | grep '^\.')"
exit $code`
	for _, args := range []string{
		"trace show b --json --connection-string file://" + badInput(t) + "/deep.jsonl --out mount/trace.json",
		"forward --from " + source + " --to sqlite:///mount/new.db",
		"forward --from " + source + " --to file://" + mount + "/new.jsonl",
	} {
		r := unshared(t, dir, script, append([]string{ospBinary}, strings.Fields(args)...)...)
		if r.code != exitFailed || !strings.Contains(r.stderr, "no space left on device") && !strings.Contains(r.stderr, "full") {
			t.Errorf("osp %s: %+v; want exit code 1 for lack of space", args, r)
		}
	}
}
