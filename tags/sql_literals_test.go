package tags_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

var onlyLiterals = tags.Redaction{SQLLiterals: true}

func TestSQLLiterals(t *testing.T) {
	for _, tt := range []struct{ name, sql, want string }{
		{"nothing", "", ""},
		{"no literal", `SELECT a, "b", t1.c2 FROM "t1" WHERE x IS NOT NULL`, `SELECT a, "b", t1.c2 FROM "t1" WHERE x IS NOT NULL`},
		{"strings and numbers", `SELECT * FROM t WHERE a = 'secret' AND b = 42 AND c > -1.5e-3`, `SELECT * FROM t WHERE a = *** AND b = *** AND c > -***`},
		{"doubled quotes", `VALUES ('it''s', '''', '')`, `VALUES (***, ***, ***)`},
		{"adjacent strings", "x = 'a'\n'b' \"c d\"", "x = ***\n*** ***"},
		{"notations of numbers", `0x1F, 0b01, .5, 1., 1_000, 1e10, 1E+5, 12e, 0xe+5`, `***, ***, ***, ***, ***, ***, ***, ***, ***+***`},
		{"digits of names", `SELECT a1, _2b, é3, x$4 FROM t5`, `SELECT a1, _2b, é3, x$4 FROM t5`},
		{"hex and bit strings", `x'CAFE' X'00' b'01' N'n' _utf8mb4'u'`, `*** *** *** *** ***`},
		{"placeholders", `a = %(x)s AND b = %s AND c = ? AND d = ?12 AND e = :x AND f = :1 AND g = $1 AND h = @p1 AND i = @@global.x AND j = %(anon 1.x-y)s`,
			`a = %(x)s AND b = %s AND c = ? AND d = ?12 AND e = :x AND f = :1 AND g = $1 AND h = @p1 AND i = @@global.x AND j = %(anon 1.x-y)s`},
		{"modulo is no placeholder", `a %(5) , b %5, c %sum, d % 's'`, `a %(***) , b %***, c %sum, d % ***`},
		{"casts", `$1::VARCHAR(36), 'x'::text, 5::int`, `$1::VARCHAR(***), ***::text, ***::int`},
		{"lists", `a IN (1, 2, 'c') AND b IN (?, 4)`, `a IN (***, ***, ***) AND b IN (?, ***)`},
		{"comments", "SELECT 1 -- password 'x'\n, 2 # don't\n, 3 /* it's */ , 4 /* a /* b */ c */", "SELECT *** -- ***\n, *** # ***\n, *** /* *** */ , *** /* *** */"},
		{"empty comments", "a /**/ b /* */ --\n-- \nc", "a /**/ b /* */ --\n-- \nc"},
		{"hints", "SELECT /*+ INDEX(t i1) */ a /*!40001 SQL_NO_CACHE 'x' */", "SELECT /*+ INDEX(t i1) */ a /*!*** SQL_NO_CACHE *** */"},
		{"comment without an end", "SELECT a /* secret 'x", "SELECT a /* ***"},
		{"JSON operators", `data #>> '{a,b}' = 'x' AND data -> 'k' ->> 0 ? 'y' AND d @> '{}' #- 'z'`, `data #>> *** = *** AND data -> *** ->> *** ? *** AND d @> *** #- ***`},
		{"dollar quotes", `SELECT $$it's$$, $tag$a $$ b$tag$, a$b$c`, `SELECT ***, ***, a$b$c`},
		{"dollar quotes without an end", `SELECT $x$ secret`, `SELECT ***`},
		{"escape strings", `E'it\'s', e'\\', 'x'`, `***, ***, ***`},
		{"backslashes of MySQL", `a = 'it\'s secret' AND b = 'c'`, `a = *** AND b = ***`},
		{"backslashes of the standard", `a = 'c:\' AND b = 'secret'`, `a = *** AND b = ***`},
		{"backslashes of a text that was cut off", `x = 'c:\' AND y = ' secret' AND z = 'cut`, `x = ***`},
		{"backslashes of either", `a = 'c:\', b = 'secret\''`, `a = ***`},
		{"Oracle's strings", `q'[it's]', Q'!a'b!', nq'<x>', q'[open`, `***, ***, ***, ***`},
		{"quote without an end", `a = 'secret AND b = 5`, `a = ***`},
		{"backquotes", "SELECT `a'b`, `t`.`c``d` FROM `1t` WHERE x = \"secret\" AND `y` = 5", "SELECT `a'b`, `t`.`c``d` FROM `1t` WHERE x = *** AND `y` = ***"},
		{"backquote without an end", "SELECT `secret", "SELECT ***"},
		{"quoted identifiers", `INSERT INTO "user" ("id", "group", extra) VALUES (%(id)s, 'x', 5) RETURNING "user"."id", "user".name`,
			`INSERT INTO "user" ("id", "group", extra) VALUES (%(id)s, ***, ***) RETURNING "user"."id", "user".name`},
		{"identifiers of an upsert", `INSERT INTO a."b" ("c") VALUES (1), (2) ON CONFLICT ("c") DO UPDATE SET "c" = excluded."c" WHERE "c" IS NULL`,
			`INSERT INTO a."b" ("c") VALUES (***), (***) ON CONFLICT ("c") DO UPDATE SET "c" = excluded."c" WHERE "c" IS NULL`},
		{"identifiers in a subquery", `DELETE FROM "t" WHERE "t".id IN (SELECT "x", "y" FROM "z" ORDER BY "x")`, `DELETE FROM "t" WHERE "t".id IN (SELECT "x", "y" FROM "z" ORDER BY "x")`},
		{"strings in double quotes", `a = "secret" OR b IN ("x", "y") OR c LIKE "z" OR d = concat("p", "q") OR e BETWEEN "r" AND 5`,
			`a = *** OR b IN (***, ***) OR c LIKE *** OR d = concat(***, ***) OR e BETWEEN *** AND ***`},
		{"values in double quotes", `INSERT INTO t (a) VALUES ("x", "y"), ("z")`, `INSERT INTO t (a) VALUES (***, ***), (***)`},
		{"strings of MySQL behind keywords", `a = BINARY "x" XOR "y" DIV "y" MOD "y" AND b = _utf8mb4"x" AND NOT "x"; c BETWEEN "a" AND "x"; CASE "x" WHEN "y" THEN 1`,
			`a = BINARY *** XOR *** DIV *** MOD *** AND b = *** AND NOT ***; c BETWEEN *** AND ***; CASE *** WHEN *** THEN ***`},
		{"strings of MySQL in conditions", `SELECT a FROM t WHERE "x" = a OR ("y" = b AND "z" = c) HAVING "x" = d`, `SELECT a FROM t WHERE *** = a OR (*** = b AND *** = c) HAVING *** = d`},
		{"strings of MySQL in lists", `INSERT INTO t SELECT 1, "x", ("y"), (SELECT b FROM u), "z"; SELECT DISTINCT "x"`, `INSERT INTO t SELECT ***, ***, (***), (SELECT b FROM u), ***; SELECT DISTINCT ***`},
		{"aliases and joins do not tell identifiers", `SELECT a AS "n", "x" FROM t JOIN u ON "y" = a JOIN v ON ("z" = a)`, `SELECT a AS "n", *** FROM t JOIN u ON *** = a JOIN v ON (*** = a)`},
		{"prefixes of strings in double quotes", `a = BINARY _utf8mb4 "x" AND b = N"y"; RETURN "x"; EXECUTE IMMEDIATE "x"`, `a = BINARY *** AND b = ***; RETURN ***; EXECUTE IMMEDIATE ***`},
		{"values behind a condition", `INSERT INTO t VALUES (a AND b, "x"), ("y")`, `INSERT INTO t VALUES (a AND b, ***), (***)`},
		{"separators and pragmas", `SELECT group_concat(a SEPARATOR "x") FROM t; PRAGMA key "x"; SELECT trim("a" FROM "b"), "x"`,
			`SELECT group_concat(a SEPARATOR ***) FROM t; PRAGMA key ***; SELECT trim(*** FROM ***), ***`},
		{"identifiers beside the name of a table", `SELECT a, "b" FROM "t" WHERE "c" = 1 AND NOT "d" OR ("e") IS NULL`, `SELECT a, "b" FROM "t" WHERE "c" = *** AND NOT "d" OR ("e") IS NULL`},
		{"no identifier in double quotes", `SELECT "it's; a" AS x, ""`, `SELECT *** AS x, ***`},
		{"passwords", `CREATE USER u IDENTIFIED BY 'pw'; ALTER ROLE r PASSWORD 'pw'; SET PASSWORD = "pw"`, `CREATE USER u IDENTIFIED BY ***; ALTER ROLE r PASSWORD ***; SET PASSWORD = ***`},
		{"passwords in double quotes", `CREATE USER u IDENTIFIED BY "pw"; CREATE USER u IDENTIFIED WITH p AS "h" REPLACE "old"; ALTER USER u PASSWORD "pw"`,
			`CREATE USER u IDENTIFIED BY ***; CREATE USER u IDENTIFIED WITH p AS *** REPLACE ***; ALTER USER u PASSWORD ***`},
		{"prepared statements of MySQL", `PREPARE s FROM "DROP USER joe"; PREPARE "s" FROM "DROP USER joe"; EXECUTE s USING "joe", "ann"; EXECUTE IMMEDIATE "x y" USING "joe", 5; SELECT "a" FROM t`,
			`PREPARE s FROM ***; PREPARE "s" FROM ***; EXECUTE s USING ***, ***; EXECUTE IMMEDIATE *** USING ***, ***; SELECT *** FROM t`},
		{"prepared statements of PostgreSQL", `PREPARE s (int) AS SELECT "a" FROM "users" WHERE "b" = $1; EXECUTE s('joe', 5)`, `PREPARE s (int) AS SELECT "a" FROM "users" WHERE "b" = $1; EXECUTE s(***, ***)`},
		{"tables behind FROM and USING", `SELECT x FROM "t"; DELETE FROM a USING "b" WHERE a.x = "b"."y"; SELECT 1 FROM a JOIN b USING (x)`, `SELECT x FROM "t"; DELETE FROM a USING "b" WHERE a.x = "b"."y"; SELECT *** FROM a JOIN b USING (x)`},
		{"strings behind words of MySQL", `CREATE TABLE t (a INT COMMENT "the owner is joe"); ALTER TABLE t COMMENT  "of joe"; SIGNAL SQLSTATE "45000"; SELECT 1 INTO DUMPFILE "joe"`,
			`CREATE TABLE t (a INT COMMENT ***); ALTER TABLE t COMMENT  ***; SIGNAL SQLSTATE ***; SELECT *** INTO DUMPFILE ***`},
		{"separators of MySQL", `LOAD DATA INFILE "joe" INTO TABLE t FIELDS TERMINATED BY "ab" ENCLOSED BY "c" LINES STARTING BY "joe" (a, b)`, `LOAD DATA INFILE *** INTO TABLE t FIELDS TERMINATED BY *** ENCLOSED BY *** LINES STARTING BY *** (a, b)`},
		{"columns of these names", `SELECT t.comment, "at", comment FROM "comment" ORDER BY "starts"`, `SELECT t.comment, "at", comment FROM "comment" ORDER BY "starts"`},
		{"passwords without quotes", `ALTER USER u IDENTIFIED BY s3cret#! REPLACE 12-old; ALTER ROLE r PASSWORD $secret; ALTER USER u IDENTIFIED BY PASSWORD abc, v IDENTIFIED BY N'p w'`,
			`ALTER USER u IDENTIFIED BY *** REPLACE ***; ALTER ROLE r PASSWORD ***; ALTER USER u IDENTIFIED BY PASSWORD ***, v IDENTIFIED BY ***`},
		{"placeholders of passwords", `ALTER USER u IDENTIFIED BY %(p)s; ALTER ROLE r PASSWORD $1; SELECT password, t.password AS p FROM password WHERE password = :p AND password IN (?)`,
			`ALTER USER u IDENTIFIED BY %(p)s; ALTER ROLE r PASSWORD $1; SELECT password, t.password AS p FROM password WHERE password = :p AND password IN (?)`},
		{"JSON of another database", `{"find": "users", "filter": {"name": "secret", "n": [1, "b"]}}`, `{***: ***, ***: {***: ***, ***: [***, ***]}}`},
		{"bytes that are no text", "a = '\xff\xfe' \xff 5", "a = *** \xff ***"},
		{"signs that begin no comment", "INSERT INTO #tmp VALUES ('a\nsecret is here', 1)", "INSERT INTO #tmp VALUES (***, ***)"},
		{"operators that begin no comment", "SELECT a # 5, 'x\nthe secret is'; SELECT emp#", "SELECT a # ***, ***; SELECT emp#"},
		{"names that begin no comment", "SELECT emp# FROM t WHERE a = 'x\nthe secret is'", "SELECT emp# FROM t WHERE a = ***"},
		{"dashes of MySQL that begin no comment", "SELECT 5--'x\nthe secret is'", "SELECT ***--***"},
		{"text that may be cut off", "INSERT INTO #t VALUES ('a\nsecret", "INSERT INTO #***"},
		{"comments with apostrophes", "SELECT 1 # don't\nFROM t WHERE a = %(x)s AND b = 'x' --can't", "SELECT *** # ***\nFROM t WHERE a = %(x)s AND b = *** --***"},
		{"apostrophes of names in brackets", "SELECT [it's], 'the secret is', %s FROM [o' b] WHERE a[1] = ' c'", "SELECT [***], ***, %s FROM [***] WHERE a[***] = ***"},
		{"apostrophes of hints", "/*+ don't */ SELECT 'the secret is', %s", "/**** */ SELECT ***, %s"},
		{"comments that are not nested", "/* a /* b */ SELECT 'x */ the secret is', %s", "/* *** */ SELECT ***, %s"},
		{"apostrophes without a reading", "SELECT {it's}, 'the secret is', 5", "SELECT {***"},
		{"numbers that are no placeholders", `arr[1:4111], @4111, a ?411111, :411111, $411111`, `arr[***:***], @***, a ?***, :***, $***`},
		{"placeholders in brackets", `arr[1:%(x)s], arr[?:$2], arr[:x], :12`, `arr[***:%(x)s], arr[?:$2], arr[:x], :12`},
		{"brackets that do not match", `)))( '1' ) (`, `)))( *** ) (`},
	} {
		if got := onlyLiterals.SQL(tt.sql); got != tt.want {
			t.Errorf("%s:\n %s\nbecomes\n %s\nnot\n %s", tt.name, tt.sql, got, tt.want)
		}
		if got := onlyParams.SQL(tt.sql); got != tt.sql {
			t.Errorf("%s: %q becomes %q without being asked", tt.name, tt.sql, got)
		}
	}
}

// SQLAlchemy writes placeholders. So few statements of real services have literals, and no
// other part is replaced.
func TestSQLLiteralsOfRealTraces(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "reader", "testdata", "openstack", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal("no reference traces", err)
	}
	changed := map[string]string{}
	statements := 0
	for _, name := range files {
		for _, line := range linesOf(t, name) {
			n, err := osprofiler.ParseNotification(line)
			if err != nil {
				t.Fatal(err)
			}
			attrs, _ := tags.StartAttributes(nil, tags.DB, n.Info, tags.Stable)
			for _, kv := range attrs {
				if kv.Key != "db.query.text" {
					continue
				}
				statements++
				sql := kv.Value.AsString()
				if got := onlyLiterals.SQL(sql); got != sql {
					changed[got] = sql
				}
			}
		}
	}
	if statements < 300 {
		t.Errorf("only %d statements were seen", statements)
	}
	// Keystone checks its connection with a literal, and Glance compares with numbers.
	restore := strings.NewReplacer("deleted = ***", "deleted = 0", "os_hidden = ***", "os_hidden = 0", "SELECT ***", "SELECT 1")
	for got, sql := range changed {
		if restore.Replace(got) != sql {
			t.Errorf("%s\nbecomes\n%s", sql, got)
		}
	}
}

func TestRedactLiterals(t *testing.T) {
	in := osprofiler.Info(`{"db": {"statement": "SELECT 'caf\u00e9' FROM t WHERE a = %(a)s", "params": {"a": 1}}, "message": "(1064, 'x')\n[SQL: SELECT 'secret']\n[parameters: {'a': 1}]\n(Background on this error at: https://sqlalche.me/e/20/f405)"}`)
	want := osprofiler.Info(`{"db": {"statement": "SELECT *** FROM t WHERE a = %(a)s", "params": {"a": 1}}, "message": "(1064, 'x')\n[SQL: SELECT ***]\n[parameters: {'a': 1}]\n(Background on this error at: https://sqlalche.me/e/20/f405)"}`)
	if got := onlyLiterals.Info(in); got != want {
		t.Errorf("%s\nnot\n%s", got, want)
	}
	for in, want := range map[string]string{
		"[SQL: SELECT 1]": "[SQL: SELECT ***]",
		"[SQL: SELECT a[1]]\nx [SQL: SELECT 'b]\n(Background on c":                               "[SQL: SELECT a[***]]\nx [SQL: SELECT ***]\n(Background on c",
		"[SQL: INSERT INTO t VALUES ('a [SQL: the secret is')]\n[parameters: ()]":                "[SQL: INSERT INTO t VALUES (***)]\n[parameters: ()]",
		"[SQL: INSERT INTO t VALUES ('a]\n(Background on the secret is ')]":                      "[SQL: INSERT INTO t VALUES (***)]",
		"[SQL: SELECT 'a]\n[parameters: the secret is']\n(Background on b":                       "[SQL: SELECT ***]\n(Background on b",
		"[SQL: SELECT 'a]\n[parameters: the secret is', %s]\n[parameters: (1,)]\n(Background on": "[SQL: SELECT ***, %s]\n[parameters: (1,)]\n(Background on",
		"[SQL: cut 'off": "[SQL: cut ***", "plain 1": "plain 1",
	} {
		if got := onlyLiterals.Text(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
	both := tags.Redaction{SQLLiterals: true, DBParams: true}
	if got := both.Text("[SQL: SELECT 1]\n[parameters: (2,)]"); got != "[SQL: SELECT ***]\n[parameters: ***]" {
		t.Error(got)
	}
	attrs := onlyLiterals.Attributes(attrsOf("db.query.text=SELECT \"s\", 1", "db.statement=SELECT 2", "db.system=mysql", "db.params={}", "x=SELECT 3"))
	m := asMap(t, attrs)
	if m["db.query.text"] != "SELECT ***, ***" || m["db.statement"] != "SELECT ***" || m["x"] != "SELECT 3" {
		t.Error(m)
	}
}

// The time is linear in the length of the text.
func TestSQLLiteralsAreQuick(t *testing.T) {
	for _, part := range []string{"q'[", "$a", "/*", "%(a", "E'", "(", `"a`, `\'`, "`", "1e-", "--", "''", "$$", "*/", "[", "/*+", "/*+'", "#", "--x", "[']", "/*+'/*a/*b*/#[']--c\n"} {
		text := strings.Repeat(part, 1<<20/len(part))
		start := time.Now()
		onlyLiterals.SQL(text)
		if took := time.Since(start); took > 20*time.Second { // a quadratic algorithm would take hours
			t.Errorf("a megabyte of %s took %v", part, took)
		}
	}
}

func FuzzSQLLiterals(f *testing.F) {
	f.Add(`SELECT "a".b, 'c\'d', $1, %(x)s /* y */ FROM t WHERE q'[z]' = $t$u$t$ -- v`)
	f.Fuzz(func(t *testing.T, sql string) {
		got := onlyLiterals.SQL(sql)
		if again := onlyLiterals.SQL("'" + strings.ReplaceAll(sql, "'", "''") + "'"); !strings.Contains(sql, `\`) && again != "***" {
			t.Errorf("%q as a string becomes %q", sql, again)
		}
		if len(got) > 4*len(sql)+3 {
			t.Errorf("%q becomes %q", sql, got)
		}
	})
}
