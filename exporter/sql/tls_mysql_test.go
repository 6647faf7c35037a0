package sql_test

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// The meaning of each value is that of PyMySQL 2.2 below SQLAlchemy 1.4
// (sqlalchemy/dialects/mysql/mysqldb.py, pymysql/connections.py). ssl_mode has
// the meaning in MySQL's manual (--ssl-mode). SQLAlchemy passes ssl_verify_cert
// and ssl_verify_identity on as texts. PyMySQL reads any text as true, and then
// forgets ssl_ca. In these cases we are stricter, or trust the authority that
// the user named.
var mySQLTLS = []tlsCase{
	{options: "", want: "yyyy"},
	{options: "ssl_ca=CA", want: "ynnn"},
	{options: "ssl_ca=CA&ssl_check_hostname=true", want: "ynnn"},
	{options: "ssl_ca=CA&ssl_check_hostname=YES", want: "ynnn"},
	{options: "ssl_ca=CA&ssl_check_hostname=false", want: "ynyn"},
	{options: "ssl_ca=CA&ssl_check_hostname=0", want: "ynyn"},
	{options: "ssl_ca=CA&ssl_check_hostname=off", want: "ynyn"},
	{options: "ssl_ca=CA&ssl_check_hostname=n", want: "ynyn"},
	{options: "ssl_ca=CA&ssl_check_hostname=maybe", want: "nnnn"},
	{options: "ssl_capath=DIR", want: "ynnn"},
	{options: "ssl_check_hostname=false", want: "yyyn"},
	{options: "ssl_check_hostname=true", want: "nnnn", python: "yyyn"}, // when asked to check the host, PyMySQL checks nothing
	{options: "ssl_ca=", want: "nnnn", python: "yyyy"},

	{options: "ssl_verify_cert=true", want: "nnnn"},
	{options: "ssl_ca=CA&ssl_verify_cert=true", want: "ynyn", python: "nnnn"}, // PyMySQL forgets ssl_ca
	{options: "ssl_ca=CA&ssl_verify_cert=1", want: "ynyn", python: "nnnn"},
	{options: "ssl_ca=CA&ssl_verify_cert=required", want: "ynyn", python: "nnnn"},
	{options: "ssl_ca=CA&ssl_verify_cert=optional", want: "ynyn", python: "nnnn"}, // means required, in a client
	{options: "ssl_ca=CA&ssl_verify_cert=true&ssl_check_hostname=true", want: "ynnn", python: "nnnn"},
	{options: "ssl_ca=CA&ssl_verify_cert=false", want: "yyyn"},
	{options: "ssl_ca=CA&ssl_verify_cert=none", want: "yyyn"},
	{options: "ssl_verify_cert=0", want: "yyyn"},
	{options: "ssl_verify_cert=perhaps", want: "nnnn", python: "yyyn"},

	{options: "ssl_verify_identity=true", want: "nnnn"},
	{options: "ssl_ca=CA&ssl_verify_identity=true", want: "ynnn", python: "nnnn"},
	{options: "ssl_ca=CA&ssl_verify_cert=true&ssl_verify_identity=true", want: "ynnn", python: "nnnn"},
	{options: "ssl_ca=CA&ssl_verify_cert=false&ssl_verify_identity=true", want: "ynnn", python: "nnnn"},
	{options: "ssl_verify_identity=false", want: "nnnn"}, // the text "false" counts as true
	{options: "ssl_ca=CA&ssl_verify_identity=false", want: "ynyn", python: "nnnn"},
	{options: "ssl_verify_cert=false&ssl_verify_identity=false", want: "nnnn"},

	{options: "ssl_disabled=true", want: "yyyy"},
	{options: "ssl_disabled=false", want: "yyyy"},
	{options: "ssl_disabled=true&ssl_ca=CA", want: "nnnn", python: "yyyy"},
	{options: "ssl_disabled=false&ssl_ca=CA", want: "ynnn", python: "yyyy"},

	{options: "ssl_cert=CERT&ssl_key=KEY", want: "yyyn"},
	{options: "ssl_cert=BOTH", want: "yyyn"},
	{options: "ssl_cert=CERT", want: "nnnn"},
	{options: "ssl_ca=CA&ssl_cert=CERT&ssl_key=KEY", want: "ynnn"},
	{options: "ssl_cipher=ECDHE-ECDSA-AES128-GCM-SHA256", want: "nnnn", python: "yyyn"},
	{options: "ssl=true", want: "yyyn", python: "nnnn"}, // an option of mysqlclient

	{options: "ssl_mode=DISABLED", want: "yyyy", python: "nnnn"}, // an option of mysqlclient, too
	{options: "ssl_mode=PREFERRED", want: "yyyy", python: "nnnn"},
	{options: "ssl_mode=PREFERRED&ssl_ca=CA", want: "ynyy", python: "nnnn"},
	{options: "ssl_mode=required", want: "yyyn", python: "nnnn"},
	{options: "ssl_mode=REQUIRED&ssl_ca=CA", want: "ynyn", python: "nnnn"},
	{options: "ssl_mode=VERIFY_CA&ssl_ca=CA", want: "ynyn", python: "nnnn"},
	{options: "ssl_mode=VERIFY_CA", want: "nnnn"},
	{options: "ssl_mode=VERIFY_IDENTITY&ssl_ca=CA", want: "ynnn", python: "nnnn"},
	{options: "ssl_mode=VERIFY_IDENTITY", want: "nnnn"},
	{options: "ssl_mode=DISABLED&ssl_ca=CA", want: "nnnn"},
	{options: "ssl_mode=DISABLED&ssl_verify_cert=true", want: "nnnn"},
	{options: "ssl_mode=REQUIRED&ssl_disabled=true", want: "nnnn"},
	{options: "ssl_mode=REQUIRED&ssl_ca=CA&ssl_verify_identity=true", want: "ynnn", python: "nnnn"},
	{options: "ssl_mode=VERIFY_IDENTITY&ssl_ca=CA&ssl_verify_cert=false", want: "ynnn", python: "nnnn"},
}

// Each value of each TLS option of MySQL connects only to the servers that it
// should.
func TestMySQLTLSOptions(t *testing.T) {
	own, other := testenv.NewCertificates(t, ""), testenv.NewCertificates(t, "")
	start := func(c testenv.Certificates) string {
		return testenv.StartMariaDB(t, "--ssl-cert="+c.Server, "--ssl-key="+c.Key, "--ssl-ca="+own.Authority).MariaDB()
	}
	servers := []string{start(own), start(other), start(own.OfOtherHost()), testenv.StartMariaDB(t, "--skip-ssl").MariaDB()}
	checkTLS(t, mySQLTLS, servers, tlsFiles(t, own))
}
