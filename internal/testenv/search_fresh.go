package testenv

import "testing"

// Elasticsearch returns the connection string of two indices of Elasticsearch 8
// that do not exist yet: index_name and osp_error_index_name. No other test uses
// them. All indices whose names begin with index_name are deleted when the test ends.
func Elasticsearch(t testing.TB) string {
	t.Helper()
	return elasticsearchServer.database(t)
}

// Elasticsearch7 is [Elasticsearch] for version 7.
func Elasticsearch7(t testing.TB) string {
	t.Helper()
	return elasticsearch7Server.database(t)
}

// Elasticsearch9 is [Elasticsearch] for version 9.
func Elasticsearch9(t testing.TB) string {
	t.Helper()
	return elasticsearch9Server.database(t)
}

// OpenSearch is [Elasticsearch] for OpenSearch 2 with the security plugin. The user
// has all rights. [AsUser] selects another user.
func OpenSearch(t testing.TB) string {
	t.Helper()
	return openSearchServer.database(t)
}

// OpenSearch3 is [Elasticsearch] for OpenSearch 3.
func OpenSearch3(t testing.TB) string {
	t.Helper()
	return openSearch3Server.database(t)
}

// NewElasticsearch is Elasticsearch for programs that are not tests. drop deletes
// the indices.
func NewElasticsearch() (url string, drop func() error, err error) {
	return elasticsearchServer.newDatabase()
}

// NewElasticsearch7 is Elasticsearch7 for programs that are not tests. drop deletes the indices.
func NewElasticsearch7() (url string, drop func() error, err error) {
	return elasticsearch7Server.newDatabase()
}

// NewElasticsearch9 is Elasticsearch9 for programs that are not tests. drop deletes the indices.
func NewElasticsearch9() (url string, drop func() error, err error) {
	return elasticsearch9Server.newDatabase()
}

// NewOpenSearch is OpenSearch for programs that are not tests. drop deletes the indices.
func NewOpenSearch() (url string, drop func() error, err error) {
	return openSearchServer.newDatabase()
}

// NewOpenSearch3 is OpenSearch3 for programs that are not tests. drop deletes the indices.
func NewOpenSearch3() (url string, drop func() error, err error) {
	return openSearch3Server.newDatabase()
}
