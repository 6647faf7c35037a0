package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	_ "github.com/osprofiler-otel/osprofiler/exporter/elasticsearch" // until exporter/all has it
	_ "github.com/osprofiler-otel/osprofiler/exporter/mongo"         // until exporter/all has it
)

// freshIndex returns a function that makes the connection string of an index that does
// not exist, on the server that an environment variable names.
func freshIndex(variable string) func() (string, func() error, error) {
	return func() (string, func() error, error) {
		u, err := url.Parse(os.Getenv(variable))
		if err != nil || u.Host == "" {
			return "", nil, fmt.Errorf("%s is not set", variable)
		}
		index := "osp-test-" + strings.ToLower(rand.Text())

		drop := *u
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += "index_name=" + index
		return u.String(), func() error { return dropIndex(drop, index) }, nil
	}
}

func dropIndex(u url.URL, index string) error {
	_, tail, secure := strings.Cut(u.Scheme, "+")
	if u.Scheme = tail; !secure {
		u.Scheme = "http"
	}
	u.Path, u.RawQuery = "/"+index, ""
	req, err := http.NewRequestWithContext(context.Background(), http.MethodDelete, u.String(), http.NoBody)
	if err != nil {
		return err
	}
	insecure := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it is a test server
	res, err := (&http.Client{Transport: insecure}).Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// freshDatabase is freshIndex for MongoDB.
func freshDatabase(variable string) func() (string, func() error, error) {
	return func() (string, func() error, error) {
		base := os.Getenv(variable)
		if base == "" {
			return "", nil, fmt.Errorf("%s is not set", variable)
		}
		name, separator := "osp_test_"+strings.ToLower(rand.Text()), "?"
		if strings.Contains(base, "?") {
			separator = "&"
		}
		return base + separator + "db_name=" + name, func() error {
			client, err := gomongo.Connect(options.Client().ApplyURI(base))
			if err != nil {
				return err
			}
			defer client.Disconnect(context.Background()) //nolint:errcheck // the database is dropped
			return client.Database(name).Drop(context.Background())
		}, nil
	}
}
