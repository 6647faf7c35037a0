package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repository is the root of the checkout.
const repository = "../.."

// A block is a fenced block of a page, without its indentation.
type block struct {
	page     string
	line     int
	language string
	attrs    map[string]string
	text     string
}

func (b *block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

func (b *block) has(attr string) bool {
	_, ok := b.attrs[attr]
	return ok
}

// A class selects what the test does with a block.
type class string

const (
	program  class = "program"
	file     class = "file"
	excerpt  class = "excerpt"
	commands class = "commands"
	console  class = "console"
	output   class = "output"
	usage    class = "usage"
	keys     class = "keys"
	tested   class = "tested"
	servers  class = "servers"
)

// class returns the class of the block, or an error that explains how to name a class.
func (b *block) class() (class, error) {
	switch {
	case b.has("test"):
		return tested, nil
	case b.has("file"):
		return file, nil
	case b.has("from"):
		return excerpt, nil
	case b.has("output"):
		return output, nil
	case b.has("usage"):
		return usage, nil
	case b.has("keys"):
		return keys, nil
	case b.language == "sh":
		return commands, nil
	case b.language == "redis", b.language == "sql" && b.has("server"):
		return servers, nil
	case b.language == "console":
		return console, nil
	case b.language == "go" && strings.HasPrefix(b.text, "package main\n"):
		return program, nil
	}
	return "", fmt.Errorf("%v: the block ```%s has no class; see internal/doctest/doc.go for the classes: sh, console, go from=FILE, …", b, b.language)
}

var fence = regexp.MustCompile("^( *)```(.*)$")

// parse returns the blocks of a page.
func parse(page, text string) (blocks []*block, err error) {
	var open *block
	var indent string
	for i, line := range strings.Split(text, "\n") {
		match := fence.FindStringSubmatch(line)
		switch {
		case match == nil && open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		case match != nil && open != nil:
			blocks, open = append(blocks, open), nil
		case match != nil:
			open, indent = &block{page: page, line: i + 1, attrs: map[string]string{}}, match[1]
			for n, word := range strings.Fields(match[2]) {
				name, value, _ := strings.Cut(word, "=")
				if n == 0 {
					open.language = name
				} else {
					open.attrs[name] = value
				}
			}
		}
	}
	if open != nil {
		err = fmt.Errorf("%v: the block does not end", open)
	}
	return blocks, err
}

// pages returns the blocks of each page of the documentation that has any.
func pages(t *testing.T) map[string][]*block {
	t.Helper()
	all := map[string][]*block{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		files, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			name, _ := filepath.Rel(repository, path)
			blocks, err := parse(name, read(t, path))
			if err != nil {
				t.Error(err)
			}
			if len(blocks) > 0 {
				all[name] = blocks
			}
		}
	}
	if len(all) < 5 {
		t.Fatalf("only %d pages have blocks", len(all))
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each block of the documentation has a class, so that no block is left untested.
func TestEveryBlockHasAClass(t *testing.T) {
	for _, blocks := range pages(t) {
		for _, b := range blocks {
			if _, err := b.class(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestBlocksAreParsed(t *testing.T) {
	blocks, err := parse("page.md", "1. Text\n\n   ```sh serve=127.0.0.1:1\n   a\n     b\n   ```\n```\nc\n```\n")
	if err != nil || len(blocks) != 2 {
		t.Fatal(blocks, err)
	}
	if b := blocks[0]; b.text != "a\n  b\n" || b.attrs["serve"] != "127.0.0.1:1" || b.line != 3 {
		t.Errorf("got %+v", b)
	}
	if _, err := blocks[1].class(); err == nil {
		t.Error("a block without info string should have no class")
	}
	if _, err := parse("page.md", "```sh\na\n"); err == nil {
		t.Error("a block that does not end should be an error")
	}
}
