package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// CheckSession implements table.SessionChecker. It checks the session settings
// of a database that the program opened. For other databases, [connector] makes
// these settings.
func (d dialect) CheckSession(ctx context.Context, db *sql.DB, toWrite bool) (err error) {
	if !d.opened || !toWrite {
		return nil
	}
	variables, err := db.QueryContext(ctx, "SHOW SESSION VARIABLES WHERE variable_name IN ('sql_mode', 'tx_isolation', 'transaction_isolation', 'character_set_client', 'character_set_connection')")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, variables.Close()) }()
	for variables.Next() {
		var name, value string
		if err := variables.Scan(&name, &value); err != nil {
			return err
		}
		switch {
		case name == "sql_mode" && !strings.Contains(value, "STRICT_"):
			return fmt.Errorf("the sessions of the database are not strict (sql_mode=%s), so that the server would cut texts; sql_mode should contain STRICT_ALL_TABLES", value)
		case strings.HasPrefix(name, "character_set_") && !strings.HasPrefix(value, "utf8"):
			return fmt.Errorf("the sessions of the database have another character set (%s=%s), so that the server would garble texts; it should be utf8mb4", name, value)
		case value == "READ-UNCOMMITTED":
			return fmt.Errorf("the sessions of the database see rows that are not committed (%s=%s); it should be REPEATABLE-READ", name, value)
		}
	}
	return variables.Err()
}
