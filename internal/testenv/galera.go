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

// galeraCluster is never shared: the tests that ask for a cluster break it.
var galeraCluster = &Resource{
	Name: "a MariaDB server with Galera",
	Get:  "run scripts/setup.sh, which installs the packages mariadb-server-core and galera-4",
}

// galeraLibraries are the paths at which distributions install the replication
// library of Galera.
var galeraLibraries = []string{
	"/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so", "/usr/lib64/galera/libgalera_smm.so",
}

// StartGalera starts a Galera cluster of one node, with these arguments besides
// ours. [Server.MariaDB] tells how to connect. The node has the usual settings
// of Galera: binlog_format=ROW, innodb_autoinc_lock_mode=2, and an
// auto_increment_increment that Galera sets to the number of nodes.
func StartGalera(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, galeraCluster, galeraProgram(nil, args), Disk{})
}

// StartGaleraNode starts one more node of the cluster that a node belongs to.
// It returns when the node has received the data and takes writes. If a node of
// a cluster of two is killed, the other loses its quorum after five seconds and
// answers with error 1047, until [Server.Bootstrap].
func StartGaleraNode(t testing.TB, member *Server, args ...string) *Server {
	t.Helper()
	return start(t, galeraCluster, galeraProgram(member, args), Disk{})
}

// Bootstrap makes a node of Galera that lost its quorum a cluster of its own,
// which takes writes again.
func (s *Server) Bootstrap() {
	s.t.Helper()
	s.must(mariaDBDo(s.MariaDB(), "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'"))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.must(s.p.await(ctx))
}

// galeraProgram is a node: the first of a cluster if there is no other member.
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
			// are local to each node, so that a node which joins changes no other.
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

// stateTransfer is a plug-in of Galera, named wsrep_sst_NAME for the method
// NAME. Debian has those of MariaDB only in the package of the whole service.
//
//go:embed wsrep_sst_copy
var stateTransfer []byte

// prepareGalera makes what a node needs to start. A node that joins receives
// its data from a member.
func (p *process) prepareGalera(member *Server, install func(*process) error) error {
	err := errors.Join(
		os.WriteFile(filepath.Join(p.dir, "wsrep_sst_copy"), stateTransfer, 0o700), //nolint:gosec // it is a script
		p.write("local-accounts.sql", "SET SESSION wsrep_on = OFF;\n"+mariaDBAccounts))
	if err != nil || member != nil {
		return err
	}
	return install(p)
}

// galeraReady tells whether a node takes statements, which each of them refuses
// that is no part of a cluster with a quorum.
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
