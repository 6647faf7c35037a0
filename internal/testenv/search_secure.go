package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The accounts of secured search servers besides [User], which has all rights. Their
// password is also [Password]. The rights are for the indices whose names begin with
// osp-test- or osprofiler-.
const (
	Writer = "writer" // writes, reads, creates indices and templates
	Reader = "reader" // reads
	NoRole = "norole" // has no rights
)

// bcrypted is a bcrypt hash of Password.
const bcrypted = "$2a$04$ntKbT5EmRRjyNBol5qW0cOYhYkbWdYAc33WTifbPT.FxVa1o4YjjK"

// Certificates returns the paths of the certificates of a secured search server.
func (s *Server) Certificates(t testing.TB) Certificates {
	t.Helper()
	c := certificatesIn(s.p.path("config"))
	if _, err := os.Stat(c.Authority); err != nil {
		t.Fatal(err)
	}
	return c
}

// openSearchFiles are the files of the security plugin. Other files are empty.
var openSearchFiles = map[string]string{
	"config": `config:
  dynamic:
    authc:
      certificate:
        order: 0
        http_enabled: true
        http_authenticator: {type: clientcert, challenge: false, config: {username_attribute: cn}}
        authentication_backend: {type: noop}
      password:
        order: 1
        http_enabled: true
        http_authenticator: {type: basic, challenge: true}
        authentication_backend: {type: intern}
`,
	"internalusers": `osp: {hash: "` + bcrypted + `", backend_roles: [admin]}
writer: {hash: "` + bcrypted + `"}
reader: {hash: "` + bcrypted + `"}
norole: {hash: "` + bcrypted + `"}
`,
	"roles": `osp_writer:
  cluster_permissions: [cluster_composite_ops, "cluster:monitor/main", "indices:admin/index_template/*", "indices:admin/template/*"]
  index_permissions:
  - index_patterns: ["osp-test-*", "osprofiler-*"]
    allowed_actions: [crud, create_index, "indices:admin/mapping*", "indices:admin/get", "indices:admin/refresh*", "indices:monitor/*"]
osp_reader:
  cluster_permissions: [cluster_composite_ops_ro, "cluster:monitor/main"]
  index_permissions:
  - index_patterns: ["osp-test-*", "osprofiler-*"]
    allowed_actions: [read, "indices:admin/mappings/*", "indices:admin/get", "indices:monitor/*"]
`,
	"rolesmapping": `all_access: {backend_roles: [admin]}
osp_writer: {users: [writer]}
osp_reader: {users: [reader]}
`,
	"actiongroups": "", "tenants": "", "nodesdn": "", "allowlist": "config: {enabled: false}\n", "audit": "config: {enabled: false}\n",
}

// openSearchFileNames are the files whose names are not their types.
var openSearchFileNames = map[string]string{
	"internalusers": "internal_users", "rolesmapping": "roles_mapping", "actiongroups": "action_groups", "nodesdn": "nodes_dn",
}

// secureOpenSearch secures OpenSearch with the security plugin. Users may change
// accounts and roles by requests if they have all rights.
func secureOpenSearch(p *process) (settings []string, err error) {
	if err := certify(p.path("config")); err != nil {
		return nil, err
	}
	dir := p.path("config/opensearch-security")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for kind, text := range openSearchFiles {
		name := kind
		if other, ok := openSearchFileNames[kind]; ok {
			name = other
		}
		text = "_meta: {type: " + kind + ", config_version: 2}\n" + text
		if err := os.WriteFile(filepath.Join(dir, name+".yml"), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	settings = []string{
		"plugins.security.ssl.http.enabled=true", "plugins.security.ssl.http.clientauth_mode=OPTIONAL",
		`plugins.security.nodes_dn=["CN=localhost"]`, "plugins.security.restapi.roles_enabled=[all_access]",
		"plugins.security.allow_default_init_securityindex=true",
	}
	for _, layer := range []string{"transport", "http"} {
		prefix := "plugins.security.ssl." + layer + ".pem"
		settings = append(settings, prefix+"cert_filepath=server.pem", prefix+"key_filepath=server.key", prefix+"trustedcas_filepath=authority.pem")
	}
	return settings, nil
}

// secureElasticsearch secures Elasticsearch with X-Pack's security, which the basic
// licence includes.
func secureElasticsearch(p *process) (settings []string, err error) {
	if err := certify(p.path("config")); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"users":       strings.Join([]string{User, Writer, Reader, NoRole, ""}, ":"+bcrypted+"\n"),
		"users_roles": "superuser:" + User + "\nosp_writer:" + Writer + "\nosp_reader:" + Reader + "\n",
		"roles.yml": `osp_writer:
  cluster: [monitor, manage_index_templates]
  indices: [{names: ["osp-test-*", "osprofiler-*"], privileges: [create_index, read, write, maintenance, view_index_metadata, monitor]}]
osp_reader:
  cluster: [monitor]
  indices: [{names: ["osp-test-*", "osprofiler-*"], privileges: [read, view_index_metadata, monitor]}]
`,
	} {
		if err := os.WriteFile(p.path("config/"+name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return []string{
		"xpack.license.self_generated.type=basic", "xpack.security.enabled=true", "xpack.security.authc.api_key.enabled=true",
		"xpack.security.http.ssl.enabled=true", "xpack.security.http.ssl.key=server.key", "xpack.security.http.ssl.certificate=server.pem",
	}, nil
}
