package testenv

import (
	"testing"
)

// StartElasticsearch7 starts Elasticsearch 7 for this test only, with additional
// settings ("http.max_content_length=1mb"). [Server.Search] returns its connection
// string.
func StartElasticsearch7(t testing.TB, settings ...string) *Server {
	t.Helper()
	return StartElasticsearch7On(t, Disk{}, settings...)
}

// StartElasticsearch7On is StartElasticsearch7 for a server with its data on the
// given disk.
func StartElasticsearch7On(t testing.TB, d Disk, settings ...string) *Server {
	t.Helper()
	return elasticsearch7.start(t, elasticsearch7Server, d, settings)
}

// StartElasticsearch is [StartElasticsearch7] for version 8.
func StartElasticsearch(t testing.TB, settings ...string) *Server {
	t.Helper()
	return StartElasticsearchOn(t, Disk{}, settings...)
}

// StartElasticsearchOn is [StartElasticsearch7On] for version 8.
func StartElasticsearchOn(t testing.TB, d Disk, settings ...string) *Server {
	t.Helper()
	return elasticsearch8.start(t, elasticsearchServer, d, settings)
}

// StartElasticsearch9 is [StartElasticsearch7] for version 9.
func StartElasticsearch9(t testing.TB, settings ...string) *Server {
	t.Helper()
	return elasticsearch9.start(t, elasticsearch9Server, Disk{}, settings)
}

// StartOpenSearch is [StartElasticsearch7] for OpenSearch 2 with the security plugin.
func StartOpenSearch(t testing.TB, settings ...string) *Server {
	t.Helper()
	return StartOpenSearchOn(t, Disk{}, settings...)
}

// StartOpenSearchOn is [StartElasticsearch7On] for OpenSearch 2 with the security plugin.
func StartOpenSearchOn(t testing.TB, d Disk, settings ...string) *Server {
	t.Helper()
	return openSearch2.start(t, openSearchServer, d, settings)
}

// StartOpenSearch3 is [StartElasticsearch7] for OpenSearch 3.
func StartOpenSearch3(t testing.TB, settings ...string) *Server {
	t.Helper()
	return openSearch3.start(t, openSearch3Server, Disk{}, settings)
}

// StartSecuredElasticsearch is [StartElasticsearch7] for version 8 with the security
// of X-Pack: HTTPS, accounts and API keys.
func StartSecuredElasticsearch(t testing.TB, settings ...string) *Server {
	t.Helper()
	return xpack8.start(t, elasticsearchServer, Disk{}, settings)
}

func (s searchProduct) start(t testing.TB, r *Resource, d Disk, settings []string) *Server {
	t.Helper()
	return start(t, r, s.program(settings...), d)
}

// Search returns the connection string of a server of Elasticsearch or OpenSearch.
// The user of a secured server has all rights.
func (s *Server) Search() string { return s.SearchAt(s.Addr()) }

// SearchAt is Search for another address of the server, such as that of a [Proxy].
func (s *Server) SearchAt(addr string) string { return s.p.url(s.p, addr) }
