package testenv

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A guard is a shell that starts a server and ends it. It waits on a pipe that
// only this process holds open. When the pipe closes, the shell ends the server
// and removes its folder. The pipe closes when we close it, and also when this
// process ends by a panic, a timeout of go test or a SIGKILL. The shell waits for
// its child last, so that no other process can get the server's pid before.
type guard struct {
	cmd  *exec.Cmd
	pipe *os.File
	pid  int
}

const guardScript = `
dir=$1 signal=$2
shift 2
exec 3<&0
"$@" </dev/null >>"$dir/log" 2>&1 3<&- &
pid=$!
echo $pid
exec >/dev/null
word=
read -r word <&3
kill -CONT $pid
kill -$signal $pid
wait $pid
[ "$word" = keep ] || rm -rf "$dir"
exit 0
`

func startGuard(account, dir, signal string, command ...string) (*guard, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", guardScript, "guard", dir, signal}, command...)...) //nolint:gosec // our own script
	cmd.Dir = dir
	// A process group of its own keeps the terminal's Ctrl-C away from the guard.
	// This process receives the Ctrl-C and ends the guard.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if cmd.SysProcAttr.Credential, err = credential(account); err != nil {
		return nil, err
	}
	readEnd, writeEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer readEnd.Close()
	cmd.Stdin = readEnd
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, writeEnd.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, writeEnd.Close())
	}
	g := &guard{cmd: cmd, pipe: writeEnd}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		g.pid, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("no pid of %s: %w", command[0], err), g.end(false))
	}
	return g, nil
}

// end ends the server if it still runs, and removes its folder unless keep is true.
func (g *guard) end(keep bool) error {
	if keep {
		if _, err := g.pipe.WriteString("keep\n"); err != nil {
			return err
		}
	}
	if err := g.pipe.Close(); errors.Is(err, os.ErrClosed) {
		return nil
	}
	return g.cmd.Wait()
}

// alive reports whether the server still runs.
func (g *guard) alive() bool { return runs(g.pid) }

// runs reports whether any thread of a process runs. While other threads are about
// to end, the first thread is a zombie and the port of the process is still taken.
func runs(pid int) bool {
	switch _, state := parentOf(pid); state {
	case "", "X":
		return false
	case "Z":
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		return err == nil && len(threads) > 1
	}
	return true
}

func (g *guard) kill() error {
	// Halt the server first. Otherwise it could start a child after the list of
	// its processes was made.
	if err := send(g.pid, syscall.SIGSTOP); err != nil {
		return err
	}
	all := g.processes()
	for _, pid := range all {
		if err := send(pid, syscall.SIGKILL); err != nil {
			return err
		}
	}
	// Wait for the children too: one that is about to end would keep the next
	// server from attaching its shared memory.
	for began := time.Now(); slices.ContainsFunc(all, runs); time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			return fmt.Errorf("the processes %v do not end after SIGKILL", all)
		}
	}
	return nil
}

// halt stops the server and its children, and waits until no thread of them runs.
func (g *guard) halt() error {
	if err := g.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for began := time.Now(); slices.ContainsFunc(g.processes(), goesOn); time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			return fmt.Errorf("process %d does not stop after SIGSTOP", g.pid)
		}
	}
	return nil
}

// goesOn reports whether any thread of a process is neither stopped nor about to end.
func goesOn(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	return err == nil && slices.ContainsFunc(threads, func(path string) bool {
		_, state := statOf(path)
		return !slices.Contains([]string{"", "T", "t", "Z", "X"}, state)
	})
}

func (g *guard) resume() error { return g.signal(syscall.SIGCONT) }

// signalServer sends a signal to the server, but not to its children.
func (g *guard) signalServer(sig syscall.Signal) error { return send(g.pid, sig) }

func (g *guard) signal(sig syscall.Signal) error {
	for _, pid := range g.processes() {
		if err := send(pid, sig); err != nil {
			return err
		}
	}
	return nil
}

// send sends a signal to a process if the process exists.
func send(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("%v to process %d: %w", sig, pid, err)
	}
	return nil
}

// processes returns the pids of the server and its descendants. A process group
// would not do, because PostgreSQL's children are in sessions of their own.
func (g *guard) processes() []int { return append([]int{g.pid}, descendants(g.pid)...) }

func descendants(pid int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		if p, err := strconv.Atoi(e.Name()); err == nil {
			parent, _ := parentOf(p)
			children[parent] = append(children[parent], p)
		}
	}
	all := slices.Clone(children[pid])
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// parentOf returns the parent and the state of a process.
func parentOf(pid int) (parent int, state string) {
	return statOf(fmt.Sprintf("/proc/%d/stat", pid))
}

// statOf returns the parent and the state of a process or thread from a file in
// /proc. Its format is "pid (name) state ppid …", where the name may contain any
// character.
func statOf(path string) (parent int, state string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, ""
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 2 {
		return 0, ""
	}
	parent, _ = strconv.Atoi(fields[1])
	return parent, fields[0]
}

// credential returns the credential of an account. It returns nil for "" and if
// we are not root.
func credential(account string) (*syscall.Credential, error) {
	if account == "" || os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // nil stands for our own account
	}
	u, err := user.Lookup(account)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// ownedBy makes an account the owner of a folder.
func ownedBy(account, dir string) error {
	c, err := credential(account)
	if c == nil || err != nil {
		return err
	}
	return os.Chown(dir, int(c.Uid), int(c.Gid))
}

// run runs a program in the server's folder, with the server's account.
func (p *process) run(command ...string) error {
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec // the server's own programs
	cmd.Dir = p.dir
	c, err := credential(p.account)
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.1000s", command[0], err, out)
	}
	return nil
}
