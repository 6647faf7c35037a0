package mysql

import (
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
)

func TestStates(t *testing.T) {
	statetest.Check(t, &states, "../*_test.go", "../../../docs/stores/states.md")
}

func TestClassOf(t *testing.T) {
	state := func(text string) (state [5]byte) {
		copy(state[:], text)
		return state
	}
	for _, c := range []struct {
		e    driver.MySQLError
		want serverstate.Class
	}{
		{driver.MySQLError{Number: 1047, SQLState: state("08S01"), Message: "WSREP has not yet prepared node for application use"}, serverstate.Passes},
		{driver.MySQLError{Number: 1213, SQLState: state("40001")}, serverstate.Contended},
		{driver.MySQLError{Number: 9999, SQLState: state("40000")}, serverstate.Contended},
		{driver.MySQLError{Number: 1105, Message: "Parameter of prepared statement which is set through mysql_send_long_data() is longer than 'max_allowed_packet' bytes"}, serverstate.Row},
		{driver.MySQLError{Number: 1105, Message: "Maximum writeset size exceeded by 12"}, serverstate.Row},
		{driver.MySQLError{Number: 1180, Message: "wsrep_max_ws_rows exceeded"}, serverstate.Row},
		{driver.MySQLError{Number: 1180, SQLState: state("HY000")}, serverstate.Unknown},
		{driver.MySQLError{Number: 5001, SQLState: state("45000")}, serverstate.Row},
		{driver.MySQLError{Number: 1062, SQLState: state("23000"), Message: "Duplicate entry '2147483647' for key 'PRIMARY'"}, serverstate.Stays},
		{driver.MySQLError{Number: 1062, SQLState: state("23000"), Message: "Duplicate entry '321' for key 'PRIMARY'"}, serverstate.Contended},
		{driver.MySQLError{Number: 1062, SQLState: state("23000"), Message: "Duplicate entry '321' for key 'data.PRIMARY'"}, serverstate.Contended},
		{driver.MySQLError{Number: 1062, SQLState: state("23000"), Message: "Duplicate entry 'h' for key 'once'"}, serverstate.Row},
		{driver.MySQLError{Number: 1105}, serverstate.Unknown},
		{driver.MySQLError{Number: 2013, Message: "Lost connection to backend server"}, serverstate.Unknown},
		{driver.MySQLError{Number: 9001, Message: "Max connect timeout reached"}, serverstate.Unknown},
		{driver.MySQLError{Number: 1045, SQLState: state("28000")}, serverstate.Stays},
		{driver.MySQLError{Number: 1146, SQLState: state("42S02")}, serverstate.Stays},
		{driver.MySQLError{Number: 1406, SQLState: state("22001")}, serverstate.Row},
		{driver.MySQLError{Number: 21, SQLState: state("08S01")}, serverstate.Passes},
	} {
		if got, sent := classOf(&c.e); got != c.want || !sent {
			t.Errorf("%d %s: %v, want %v", c.e.Number, c.e.Message, got, c.want)
		}
	}
}
