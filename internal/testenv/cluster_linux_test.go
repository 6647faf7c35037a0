package testenv

import (
	"strings"
	"testing"
	"time"
)

// A standby answers queries with the rows of its primary and refuses writes
// until it is promoted.
func TestStandbyFollowsAndIsPromoted(t *testing.T) {
	t.Parallel()
	primary := StartPostgreSQL(t)
	if err := postgreSQLDo(primary.PostgreSQL(), "CREATE TABLE kept (id int)"); err != nil {
		t.Fatal(err)
	}
	standby := StartStandby(t, primary)
	if err := postgreSQLDo(primary.PostgreSQL(), "CREATE TABLE followed (id int)"); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); postgreSQLDo(standby.PostgreSQL(), "TABLE followed") != nil; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("the standby does not follow:", standby.Log())
		}
	}
	if err := postgreSQLDo(standby.PostgreSQL(), "INSERT INTO kept VALUES (1)"); err == nil || !strings.Contains(err.Error(), "25006") {
		t.Errorf("a standby answers a write with %v; want 25006", err)
	}
	primary.Kill()
	standby.Promote()
	if err := postgreSQLDo(standby.PostgreSQL(), "INSERT INTO kept VALUES (1)"); err != nil {
		t.Error(err)
	}
}

// A second node receives the rows of the first. When the second node is killed,
// the first has no quorum, and refuses statements until it is bootstrapped.
func TestGaleraLosesItsQuorum(t *testing.T) {
	t.Parallel()
	first := StartGalera(t)
	if err := mariaDBDo(first.MariaDB(), "CREATE TABLE kept (id int AUTO_INCREMENT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	second := StartGaleraNode(t, first)
	if err := mariaDBDo(second.MariaDB(), "INSERT INTO kept VALUES ()"); err != nil {
		t.Fatal(err)
	}
	if err := mariaDBDo(first.MariaDB(), "DELETE FROM kept"); err != nil {
		t.Fatal(err)
	}
	second.Kill()
	var err error
	for began := time.Now(); err == nil; time.Sleep(20 * time.Millisecond) {
		if err = mariaDBDo(first.MariaDB(), "SELECT * FROM kept"); time.Since(began) > patience {
			t.Fatal("the first node keeps its quorum:", first.Log())
		}
	}
	if !strings.Contains(err.Error(), "1047 (08S01)") {
		t.Errorf("a node without a quorum answers %v; want 1047", err)
	}
	first.Bootstrap()
	if err := mariaDBDo(first.MariaDB(), "INSERT INTO kept VALUES ()"); err != nil {
		t.Error(err)
	}
}
