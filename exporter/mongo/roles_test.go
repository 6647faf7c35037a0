package mongo_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// rolesOfPage returns the roles of docs/stores/mongodb.md.
func rolesOfPage(t *testing.T) (roles []bson.D) {
	t.Helper()
	page, err := os.ReadFile("../../docs/stores/mongodb.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range regexp.MustCompile(`(?s)db\.createRole\((\{.*?\n\})\)`).FindAllStringSubmatch(string(page), -1) {
		text := regexp.MustCompile(`(\w+):`).ReplaceAllString(statement[1], `"$1":`)
		var role bson.D
		if err := bson.UnmarshalExtJSON([]byte(text), false, &role); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		roles = append(roles, role)
	}
	return roles
}

// The roles of the page allow the operations that they are meant for, and no others.
func TestRolesOfPage(t *testing.T) {
	roles := rolesOfPage(t)
	if len(roles) != 3 {
		t.Fatalf("the page has %d roles, want 3", len(roles))
	}
	server := testenv.StartMongoDBAuth(t)
	db := bare(t, "mongodb://"+testenv.User+":"+testenv.Password+"@"+server.Addr()+"/?authSource=admin&db_name=osprofiler")
	stores := map[string]*store.Store{}
	for _, role := range roles {
		name := role[0].Value.(string)
		command := append(bson.D{{Key: "createRole", Value: name}}, role[1:]...)
		if err := db.RunCommand(t.Context(), command).Err(); err != nil {
			t.Fatal(err)
		}
		user := bson.D{{Key: "createUser", Value: name}, {Key: "pwd", Value: "geheim"}, {Key: "roles", Value: bson.A{name}}}
		if err := db.RunCommand(t.Context(), user).Err(); err != nil {
			t.Fatal(err)
		}
		stores[name] = open(t, "mongodb://"+name+":geheim@"+server.Addr()+"/osprofiler?filter_error_trace=true")
	}
	n := notification("a-stop", `{"etype": "E", "host": "h"}`)
	large := notification("b-stop", `{"a": "`+strings.Repeat("x", 17<<20)+`"}`)
	writer, reader, cleaner := stores["osprofilerWriter"], stores["osprofilerReader"], stores["osprofilerCleaner"]
	write(t, writer, n, large)
	write(t, writer, n, large) // again: the chunks are there
	for role, s := range stores {
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		if err := s.Write(t.Context(), []osprofiler.Notification{notification("c", "{}")}); (err == nil) != (s == writer) {
			t.Errorf("%s: %v", role, err)
		}
	}
	for _, id := range []string{n.BaseID, large.BaseID} {
		if got := readBack(t, reader, id); len(got) != 1 {
			t.Errorf("the reader gets %d notifications", len(got))
		}
		if _, err := reader.Delete(t.Context(), id); err == nil {
			t.Error("the reader deletes")
		}
		if count, err := cleaner.Delete(t.Context(), id); err != nil || count != 1 {
			t.Errorf("the cleaner deletes %d: %v", count, err)
		}
	}
	if chunks := documents(t, db.Collection("profiler_osp_chunks")); len(chunks) > 0 {
		t.Errorf("%d chunks are left", len(chunks))
	}
}
