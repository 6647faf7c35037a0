package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// tails are texts that may follow our own texts in an error.
var tails = []string{"", `: dial tcp: lookup a@b: no such host`, ` (a password ends at an "@": see a:b)`, ", x:y@z", ": password=x"}

// Redact leaves unchanged all texts of the source code that look like a URL, whatever follows
// the text.
func TestHintsAreNotMasked(t *testing.T) {
	texts := 0
	for text, at := range sourceTexts(t) {
		if !strings.Contains(text, "://") || strings.Count(text, " ") < 2 || strings.Contains(text, "\n") {
			continue // the text is a part of a URL, or the help of a command
		}
		texts++
		for _, tail := range tails {
			if got := connstr.Redact("osp: " + text + tail); got != "osp: "+text+tail {
				t.Errorf("%s: %q becomes %q; connstr.Own should mark it", at, text+tail, got)
			}
		}
	}
	if texts < 10 {
		t.Errorf("found only %d texts with ://", texts)
	}
}

// sourceTexts returns the string literals of the module's Go files that may be in an
// error, and their positions. It joins added literals.
func sourceTexts(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	files := token.NewFileSet()
	for _, root := range []string{"../../cmd", "../../exporter", "../../internal/connstr", "../../reader", "../../relay", "../../store"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil //nolint:nilerr // a folder that is not there has no texts
			}
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				expr, _ := n.(ast.Expr)
				text, ok := joined(expr)
				if ok {
					texts[text] = files.Position(n.Pos()).String()
				}
				return !ok
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// joined returns the text of a string literal, or of string literals that are added.
func joined(expr ast.Expr) (text string, ok bool) {
	switch e := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, isText := joined(e.X)
		right, areTexts := joined(e.Y)
		return left + right, isText && areTexts && e.Op == token.ADD
	}
	return "", false
}

// Errors show hints unchanged, and no part of the password.
func TestHintsReachTheUser(t *testing.T) {
	const password = ` (a password ends at an "@", and its own special characters are percent-escaped)`
	for at, want := range map[string]string{
		"redis://h:6379/abc":                 "as in redis://host:6379/0" + password + "\n",
		"redis://h:6379/0 geheim@h":          "",
		"redis://:geheim127.0.0.1:6379/0":    "as in host:6379 or [::1]:6379" + password + "\n",
		"redis+unix://h":                     "as in redis+unix:///run/redis/redis.sock" + password + "\n",
		"redis+unix:///s?sentinel=m":         "as in redissentinel://host:26379\n",
		"mysql://u:geheim@h":                 "it should read like mysql+pymysql://user:password@host/database\n",
		"redis://h1,h2":                      "it should start with redissentinel://, of a cluster have the option osp_cluster=yes\n",
		"redis://u:geheim@h?ssl_ca_certs=/x": "it should start with rediss://, or have the option osp_tls=yes\n",
		"postgresql:h":                       "",
	} {
		r := osp(t, t.TempDir(), "trace", "list", "--connection-string", at)
		if r.code == exitDone || !strings.HasSuffix(strings.TrimSuffix(r.stderr, "Try: osp trace list --help\n"), want) || strings.Contains(r.stderr, "geheim") {
			t.Errorf("%s: %+v, want an error that ends with %q", at, r, want)
		}
	}
}
