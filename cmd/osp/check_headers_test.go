package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

const checkedKeys = "first-key, second-key ,third-key"

// checkInput runs osp check with an input and the keys in the environment.
func checkInput(t *testing.T, input string, args ...string) result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input")
	writeFile(t, path, input)
	line := strings.Join(append([]string{ospBinary, "check"}, args...), " ") + " < " + path
	return runCommand(t, t.TempDir(), []string{bridge.KeysVariable + "=" + checkedKeys}, "sh", "-c", line)
}

func packed(key string) (info, mac string) {
	return osprofiler.TraceInfo{BaseID: goodTrace, ParentID: goodTrace}.Pack(key)
}

func TestCheckFindsTheKey(t *testing.T) {
	info, mac := packed("second-key")
	for name, text := range map[string]string{
		"osp headers":                "X-Trace-Info: " + info + "\nX-Trace-HMAC: " + mac + "\n",
		"the other order":            "X-Trace-HMAC: " + mac + "\nX-Trace-Info: " + info,
		"lower case, CRLF, no blank": "x-trace-info:" + info + "\r\nx-trace-hmac:" + mac + "\r\n\r\n",
		"curl -v": "*   Trying 127.0.0.1:80...\n* Connected to h (127.0.0.1) port 80\n> GET / HTTP/1.1\r\n> Host: h\r\n> X-Trace-Info: " + info +
			"\r\n> X-Trace-HMAC: " + mac + "\r\n> \r\n< HTTP/1.1 200 OK\r\n< Date: now\r\n< \r\n{ [5 bytes data]\nbody",
		"curl -v of HTTP/2":     "* [HTTP/2] [1] [x-trace-info: " + info + "]\n* [HTTP/2] [1] [x-trace-hmac: " + mac + "]\n> GET / HTTP/2\n> x-trace-info: " + info + "\n> x-trace-hmac: " + mac + "\n> \n",
		"curl --trace-ascii":    "=> Send header, 200 bytes (0xc8)\n0000: GET / HTTP/1.1\n0010: Host: h\n0019: X-Trace-Info: " + info + "\n0099: X-Trace-HMAC: " + mac + "\n00d0: \n",
		"arguments of curl":     "curl -H 'X-Trace-Info: " + info + "' \\\n  -H 'X-Trace-HMAC: " + mac + "' \\\n  http://h\n",
		"one command line":      `curl -H"X-Trace-Info: ` + info + `" -HX-Trace-HMAC:` + mac + " http://h/",
		"a JSON object":         `{"Host": "h", "X-Trace-Info": "` + info + `", "X-Trace-HMAC": "` + mac + `"}`,
		"a dictionary":          "{'X-Trace-Info': '" + info + "',\n 'X-Trace-HMAC': '" + mac + "'}",
		"an empty line between": "X-Trace-Info: " + info + "\n\nX-Trace-HMAC: " + mac + "\n",
	} {
		r := checkInput(t, text)
		want := "headers   ok          key 2 of OSPROFILER_HMAC_KEYS signs them; the trace is " + goodTrace + "\n"
		if r.code != exitDone || r.stdout != want || r.stderr != "" {
			t.Errorf("%s: %+v; want %q", name, r, want)
		}
	}
}

func TestCheckSaysWhyNoKeyFits(t *testing.T) {
	info, mac := packed("second-key")
	_, otherMAC := packed("another-key")
	lines := func(info, mac string) string { return "X-Trace-Info: " + info + "\nX-Trace-HMAC: " + mac + "\n" }
	signed := func(content string) string {
		return lines(content, signText(t, content, "third-key"))
	}
	_, quotedMAC := packed(`"second-key"`)
	for text, want := range map[string]string{
		"Host: h\n":                                         "there is no X-Trace-Info and no X-Trace-HMAC header",
		"X-Trace-Info: " + info:                             "X-Trace-HMAC is missing",
		"X-Trace-HMAC: " + mac:                              "X-Trace-Info is missing",
		lines(info, ""):                                     "X-Trace-HMAC is empty",
		lines("", mac):                                      "X-Trace-Info is empty",
		lines(info, otherMAC):                               "none of the 3 keys of OSPROFILER_HMAC_KEYS signs them; the caller signs with another key",
		lines(info, quotedMAC):                              "key 2 fits if the quotation marks or the line break around it are the same",
		lines(info, mac[:39]):                               "should be 40 hexadecimal digits",
		lines(info, strings.ToUpper(mac)):                   "has capital letters",
		lines(info[:len(info)-3], mac):                      "is not base64; it may have been cut",
		lines("!"+info, mac):                                "is not base64",
		lines(info, mac) + "X-Trace-Info: " + info:          "there are 2 X-Trace-Info headers",
		lines(strings.Repeat("e", bridge.MaxHeader+1), mac): "a service takes at most 8192",
		signed("WzFd"):                                      "key 3 of OSPROFILER_HMAC_KEYS signs them, but X-Trace-Info is base64, but not of a JSON object",
		signed("e30="):                                      "X-Trace-Info has no base_id",
		signed("eyJiYXNlX2lkIjogWzFdfQ=="):                  `has a "base_id" that is no text`,
	} {
		r := checkInput(t, text)
		if r.code != exitFailed || !strings.HasPrefix(r.stdout, "headers   failed      ") || !strings.Contains(r.stdout, want) || strings.Count(r.stdout, "\n") != 1 {
			t.Errorf("%.100q: %+v; want %q", text, r, want)
		}
		if strings.Contains(r.stdout+r.stderr, "second-key") {
			t.Errorf("a key is shown: %+v", r)
		}
	}
}

// signText returns the signature of a text, which need not be a valid header.
func signText(t *testing.T, text, key string) string {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, "openssl", "openssl"), "dgst", "-sha1", "-hmac", key)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))[1]
}

// osp check checks each request of a dump.
func TestCheckOfSeveralRequests(t *testing.T) {
	info, mac := packed("first-key")
	_, wrong := packed("x")
	request := func(mac string) string {
		return "> GET / HTTP/1.1\r\n> X-Trace-Info: " + info + "\r\n> X-Trace-HMAC: " + mac + "\r\n> \r\n< HTTP/1.1 302 Found\r\n< \r\n"
	}
	r := checkInput(t, request(mac)+"> GET /2 HTTP/1.1\r\n> Host: h\r\n> \r\n"+request(wrong), "--json")
	if r.code != exitFailed || strings.Count(r.stdout, "\n") != 2 || !strings.Contains(r.stdout, `"result":"ok"`) ||
		!strings.Contains(r.stdout, `"key":1,"source":"OSPROFILER_HMAC_KEYS","base_id":"`+goodTrace+`"`) ||
		!strings.Contains(r.stdout, `"result":"failed"`) || r.stderr != "osp: 1 of 2 checks failed\n" {
		t.Errorf("%+v", r)
	}
}

func TestCheckUsage(t *testing.T) {
	dir := t.TempDir()
	info, mac := packed("k")
	file := filepath.Join(dir, "keys")
	writeFile(t, file, "k\n")
	headers := filepath.Join(dir, "headers")
	writeFile(t, headers, "X-Trace-Info: "+info+"\nX-Trace-HMAC: "+mac+"\n")
	r := osp(t, dir, "check", "--hmac-key-file", file, "X-Trace-Info: "+info, "x-trace-hmac: "+mac)
	if want := `key 1 of the file "` + file + `" signs them`; r.code != exitDone || !strings.Contains(r.stdout, want) {
		t.Errorf("%+v; want %q", r, want)
	}
	if r := osp(t, dir, "check", "--hmac-key", "k", "--headers", headers); r.code != exitDone || !strings.Contains(r.stdout, "key 1 of --hmac-key signs them") {
		t.Errorf("%+v", r)
	}
	if r := osp(t, dir, "check", "--hmac-key", "k", "--headers", headers, "--connection-string", "sqlite:///"+dir+"/new.db", "--write"); r.code != exitDone || strings.Count(r.stdout, "\n") != 6 {
		t.Errorf("both at once: %+v", r)
	}
	for args, want := range map[string]string{
		"check":                                 "nothing to check: give header lines, or name a store",
		"check nonsense":                        `"nonsense" is no header line`,
		"check a:b":                             "no HMAC key: give --hmac-key-file",
		"check a:b --headers x":                 "not both",
		"check --headers=":                      "--headers names no file",
		"check --timeout 0s --store":            "--timeout 0s should be longer than 0",
		"check --timeout soon":                  "it should be a duration, such as 500ms",
		"check --store":                         "no store is named",
		"check --write a:b":                     "--write needs a store",
		"check --connection-string bogus://x/y": `unknown scheme "bogus"`,
	} {
		if r := osp(t, dir, strings.Fields(args)...); r.code != exitUsage || !strings.Contains(r.stderr, want) || r.stdout != "" {
			t.Errorf("%s: %+v; want %q", args, r, want)
		}
	}
	if r := osp(t, dir, "check", "--hmac-key", "k", "--headers", "missing"); r.code != exitFailed || !strings.Contains(r.stderr, `cannot read the file "missing"`) {
		t.Errorf("%+v", r)
	}
}

func FuzzRequests(f *testing.F) {
	info, mac := packed("k")
	f.Add("X-Trace-Info: " + info + "\nX-Trace-HMAC: " + mac + "\n")
	f.Add("> GET / HTTP/1.1\r\n> x-trace-info: a\r\n\r\n0000: X-Trace-HMAC: b")
	f.Fuzz(func(t *testing.T, text string) {
		for _, h := range requests(text) {
			if h.empty() {
				t.Fatal("a request without headers is returned")
			}
			_ = checkRequest(&h, []string{"k", "l"}, "here").String()
		}
	})
}

// osp check accepts the same headers as a service with the same keys.
func TestCheckAgreesWithServices(t *testing.T) {
	keys := []string{"first-key", "second-key"}
	info, mac := packed("second-key")
	signed := func(text string) (string, string) {
		info := base64.URLEncoding.EncodeToString([]byte(text))
		h := hmac.New(sha1.New, []byte("first-key"))
		h.Write([]byte(info))
		return info, hex.EncodeToString(h.Sum(nil))
	}
	pairs := [][2][]string{
		{{info}, {mac}}, {{info}, {" " + mac + " "}}, {{info}, {strings.ToUpper(mac)}}, {{info}, {mac[1:]}}, {{info}, {}}, {{}, {mac}},
		{{info, info}, {mac}}, {{info}, {mac, mac}}, {{info + "x"}, {mac}}, {{""}, {mac}}, {{info}, {""}}, {{strings.Repeat("A", 9000)}, {mac}},
	}
	for _, text := range []string{
		"{}", "[]", "text", `{"base_id": "a"}`, `{"base_id": 1}`, `{"base_id": []}`, `{"base_id": ""}`, `{"base_id": null, "parent_id": true}`,
		`{"base_id": "a", "other": 1}`, `{"base_id": "a", "hmac_key": {}}`, `{"base_id": "a", "base_id": "b"}`, `{"base_id": "a"} x`, `{"base_id": NaN}`, "\xff",
	} {
		info, mac := signed(text)
		pairs = append(pairs, [2][]string{{info}, {mac}}, [2][]string{{strings.TrimRight(info, "=")}, {mac}})
	}
	for _, pair := range pairs {
		header := http.Header{}
		header["X-Trace-Info"], header["X-Trace-Hmac"] = pair[0], pair[1]
		_, index, err := bridge.NewKeys(keys...).Verify(propagation.HeaderCarrier(header))
		got := checkRequest(&traceHeaders{info: pair[0], mac: pair[1]}, keys, "test")
		if (err == nil) != (got.Result == resultOK) || err == nil && got.Key != index+1 {
			t.Errorf("%q: a service says key %d (%v), osp check %+v", pair, index, err, got)
		}
	}
}

// Logs of clients contain several requests, and Python writes headers in several forms.
func TestCheckOfLogs(t *testing.T) {
	info, mac := packed("second-key")
	line := func(form string) string { return strings.NewReplacer("<info>", info, "<mac>", mac).Replace(form) }
	for _, c := range []struct {
		text     string
		requests int
	}{
		{`REQ: curl -g -i -X GET http://h -H "X-Trace-Info: <info>" -H "X-Trace-HMAC: <mac>"` + "\n" + `REQ: curl -g -i -X GET http://h -H "X-Trace-Info: <info>" -H "X-Trace-HMAC: <mac>"`, 2},
		{"curl http://h \\\n -H 'X-Trace-Info: <info>' \\\n -H 'X-Trace-HMAC: <mac>'", 1},
		{`{"X-Trace-Info": "<info>", "X-Trace-HMAC": "<mac>"}` + "\n" + `{"X-Trace-Info": "<info>", "X-Trace-HMAC": "<mac>"}`, 2},
		{`[{"X-Trace-Info": "<info>", "X-Trace-HMAC": "<mac>"}, {"X-Trace-Info": "<info>", "X-Trace-HMAC": "<mac>"}]`, 2},
		{"{\n  \"X-Trace-Info\": \"<info>\",\n  \"X-Trace-HMAC\": \"<mac>\"\n}", 1},
		{`{'X-Trace-Info': b'<info>', 'X-Trace-HMAC': b'<mac>'}`, 1},
		{`{'X-Trace-Info': [u'<info>'], 'X-Trace-HMAC': ['<mac>']}`, 1},
		{`map[X-Trace-Hmac:[<mac>] X-Trace-Info:[<info>]]`, 1},
		{`{'HTTP_X_TRACE_INFO': '<info>', 'HTTP_X_TRACE_HMAC': '<mac>'}`, 1},
	} {
		r := checkInput(t, line(c.text))
		if r.code != exitDone || strings.Count(r.stdout, "key 2 of ") != c.requests {
			t.Errorf("%s: %+v", c.text, r)
		}
	}
}

// A value that is not a signature may be the key. So it is not shown.
func TestCheckShowsNoKey(t *testing.T) {
	info, _ := packed("second-key")
	r := checkInput(t, "X-Trace-Info: "+info+"\nX-Trace-HMAC: second-key\n")
	if r.code != exitFailed || strings.Contains(r.stdout+r.stderr, "second-key") || !strings.Contains(r.stdout, "X-Trace-HMAC should be 40 hexadecimal digits, 0-9a-f, but has 10 characters") {
		t.Errorf("%+v", r)
	}
}
