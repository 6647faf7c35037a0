package testenv

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

func trusting(t *testing.T, c Certificates) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(c.Authority)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	return &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

func TestRedisOverTLS(t *testing.T) {
	c := NewCertificates(t, "")
	s := StartRedisTLS(t, c)
	client := redis.NewClient(&redis.Options{Addr: s.Addr(), TLSConfig: trusting(t, c)})
	defer client.Close()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Error(err, s.Log())
	}
	if err := redisReady(t.Context(), s.Addr()); err == nil {
		t.Error("it answers without TLS")
	}
}

func TestPostgreSQLOverTLS(t *testing.T) {
	c := NewCertificates(t, "postgres")
	s := StartPostgreSQL(t, "-c", "ssl=on", "-c", "ssl_cert_file="+c.Server, "-c", "ssl_key_file="+c.Key)
	config, err := pgx.ParseConfig(s.PostgreSQL())
	if err != nil {
		t.Fatal(err)
	}
	config.TLSConfig = trusting(t, c)
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err, s.Log())
	}
	conn.Close(context.Background())
}
