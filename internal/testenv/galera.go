package testenv

import (
	"context"
	_ "embed" // for the state transfer script
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// galeraCluster is never shared, because the tests that use a cluster break it.
var galeraCluster = &Resource{
	Name: "a MariaDB server with Galera",
	Get:  "run scripts/setup.sh, which installs the packages mariadb-server-core and galera-4",
}

// galeraLibraries are the paths at which distributions install the replication
// library of Galera.
var galeraLibraries = []string{
	"/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so", "/usr/lib64/galera/libgalera_smm.so",
}

// StartGalera starts a Galera cluster of one node, with additional arguments.
// [Server.MariaDB] returns its connection string. The node has the usual settings
// of Galera: binlog_format=ROW, innodb_autoinc_lock_mode=2, and an
// auto_increment_increment that Galera sets to the number of nodes.
func StartGalera(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, galeraCluster, galeraProgram(nil, args), Disk{})
}

// StartGaleraNode adds a node to the cluster of a member. It returns when the new
// node has received the data and accepts writes. If one of two nodes is killed,
// the other node loses its quorum after five seconds. It then answers with error
// 1047 until [Server.Bootstrap].
func StartGaleraNode(t testing.TB, member *Server, args ...string) *Server {
	t.Helper()
	return start(t, galeraCluster, galeraProgram(member, args), Disk{})
}

// Bootstrap makes a Galera node without a quorum a cluster of one node, which
// accepts writes again.
func (s *Server) Bootstrap() {
	s.t.Helper()
	s.must(mariaDBDo(s.MariaDB(), "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'"))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.must(s.p.await(ctx))
}

// galeraProgram returns the program of a node. The node starts a new cluster if
// member is nil.
func galeraProgram(member *Server, args []string) func() (program, error) {
	return func() (program, error) {
		library, err := galeraLibrary()
		port, err2 := freePort()
		transferPort, err3 := freePort()
		if err := errors.Join(err, err2, err3); err != nil {
			return program{}, err
		}
		group := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		own := append([]string{"--wsrep-on=ON", "--wsrep-provider=" + library, "--wsrep-sst-method=copy",
			"--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-node-address=127.0.0.1",
			"--wsrep-cluster-address=" + clusterAddress(member),
			fmt.Sprintf("--wsrep-provider-options=gmcast.listen_addr=tcp://%s;ist.recv_addr=127.0.0.1:%d;gcache.size=32M", group, transferPort),
		}, args...)
		pr, err := mariaDBProgram(own...)()
		if err != nil {
			return pr, err
		}
		pr.name, pr.group, pr.ready = "Galera", group, galeraReady
		installed, command := pr.prepare, pr.command
		pr.prepare = func(p *process) error { return p.prepareGalera(member, installed) }
		pr.command = func(p *process) []string {
			// The server looks for the state transfer script in PATH. The accounts
			// are local to each node, so that a joining node changes no other node.
			path := "PATH=" + p.dir + string(os.PathListSeparator) + os.Getenv("PATH")
			return append(append([]string{"/usr/bin/env", path}, command(p)...), "--init-file="+p.path("local-accounts.sql"))
		}
		return pr, nil
	}
}

func galeraLibrary() (string, error) {
	for _, path := range galeraLibraries {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no " + strings.Join(galeraLibraries, ", no "))
}

func clusterAddress(member *Server) string {
	if member == nil {
		return "gcomm://"
	}
	return "gcomm://" + member.p.group
}

// stateTransfer is the script of a state transfer method of Galera. The script of
// the method NAME is called wsrep_sst_NAME. Debian ships MariaDB's own scripts
// only in the package of the whole service.
//
//go:embed wsrep_sst_copy
var stateTransfer []byte

// prepareGalera creates the files that a node needs to start. A joining node
// receives its data from a member.
func (p *process) prepareGalera(member *Server, install func(*process) error) error {
	err := errors.Join(
		os.WriteFile(filepath.Join(p.dir, "wsrep_sst_copy"), stateTransfer, 0o700), //nolint:gosec // it is a script
		p.write("local-accounts.sql", "SET SESSION wsrep_on = OFF;\n"+mariaDBAccounts))
	if err != nil || member != nil {
		return err
	}
	return install(p)
}

// galeraReady returns nil if the node accepts statements. A node that is not part
// of a cluster with a quorum refuses all statements.
func galeraReady(ctx context.Context, addr string) error {
	db, err := mariaDBOpen(fmt.Sprintf(mariaDBForm, addr))
	if err != nil {
		return err
	}
	defer db.Close()
	var state string
	err = db.QueryRowContext(ctx, "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_local_state_comment'").Scan(&state)
	if err == nil && state != "Synced" {
		err = fmt.Errorf("the state of the node is %q, not \"Synced\"", state)
	}
	return err
}
