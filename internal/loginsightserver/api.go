package loginsightserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The paths of the API.
const (
	root        = "/api/v1/"
	sessionPath = root + "sessions"
	currentPath = root + "sessions/current"
	versionPath = root + "version"
	eventsPath  = root + "events/"
	ingestPath  = root + "events/ingest/"
)

// StatusLoginTimeout is the status for a session that has expired.
const StatusLoginTimeout = 440

// An answer is an unsuccessful answer to a request.
type answer struct {
	status  int
	message string // errorMessage
	code    string // errorCode
	plain   bool   // the answer is plain text
}

func (a *answer) Error() string { return a.message }

func refuse(status int, format string, args ...any) *answer {
	return &answer{status: status, message: fmt.Sprintf(format, args...), code: "API_ERROR"}
}

// The refusals of a session.
var (
	invalidSession = &answer{status: http.StatusUnauthorized, message: "Invalid session ID", plain: true}
	loginTimeout   = &answer{status: StatusLoginTimeout, message: "Login Timeout", plain: true}
)

// handle answers a request.
func (s *Server) handle(w http.ResponseWriter, r *http.Request, secure bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody+1))
	s.record(r, body, secure)
	fault := s.fault(r.URL.EscapedPath(), body)
	drop := ""
	switch {
	case fault == nil:
	case fault.apply(r.Context(), w):
		return
	case fault.Drop != "":
		drop = fault.Drop
	case fault.LoseAnswer:
		w = loser{w}
	case fault.CutAfter > 0:
		w = &cutter{ResponseWriter: w, left: fault.CutAfter}
	case fault.Incomplete:
		w = &incomplete{w, `{"id":128,"details":"TIMEOUT","progress":0.5}`}
	case fault.Truncated:
		w = &incomplete{w, `{"id":9,"details":"TRUNCATED"}`}
	}
	var result any
	if err != nil || len(body) > mostBody {
		err = refuse(http.StatusRequestEntityTooLarge, "a request has at most %d bytes", mostBody)
	} else {
		result, err = s.answer(r, body, secure, drop)
	}
	var a *answer
	if errors.As(err, &a) {
		a.write(w)
		return
	}
	write(w, http.StatusOK, result)
}

func (a *answer) write(w http.ResponseWriter) {
	if a.plain {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.message) // the client may be gone
		return
	}
	write(w, a.status, map[string]string{"errorMessage": a.message, "errorCode": a.code})
}

func write(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of texts can be marshaled
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client may be gone
}

// answer returns the result of a request, which may be an *answer as an error.
func (s *Server) answer(r *http.Request, body []byte, secure bool, drop string) (any, error) {
	if strings.Contains(r.URL.EscapedPath(), "//") {
		return nil, refuse(http.StatusNotFound, "no resource %s", r.URL.Path)
	}
	path := r.URL.EscapedPath()
	isIngestion := strings.HasPrefix(path, ingestPath)
	if !secure && !isIngestion { // the reference: use HTTPS on port 9543 for all API requests
		return nil, refuse(http.StatusForbidden, "%s needs HTTPS", path)
	}
	if err := checkHeaders(r, body); err != nil {
		return nil, err
	}
	switch {
	case path == sessionPath:
		return s.login(r, body)
	case path == currentPath:
		return s.current(r)
	case path == versionPath:
		return s.version(r)
	case isIngestion:
		return s.ingest(r, strings.TrimPrefix(path, ingestPath), body, drop)
	case strings.HasPrefix(path, eventsPath) && len(path) > len(eventsPath):
		return s.query(r, strings.TrimPrefix(path, eventsPath))
	}
	return nil, refuse(http.StatusNotFound, "no resource %s", r.URL.Path)
}

// checkHeaders refuses a body whose Content-Type is not JSON, or that is not JSON in UTF-8.
// A GET may have a body, because Python's driver sends "{}" with each.
func checkHeaders(r *http.Request, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || kind != "application/json":
		return refuse(http.StatusUnsupportedMediaType, "the body should be application/json")
	case !utf8.Valid(body) || !json.Valid(body):
		return refuse(http.StatusBadRequest, "Invalid JSON")
	case r.Method == http.MethodGet && string(body) != "{}":
		return refuse(http.StatusBadRequest, "a GET has no body")
	}
	return nil
}

// decode reads a JSON object without members that v does not have.
func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return refuse(http.StatusBadRequest, "Invalid JSON: %v", err)
	}
	return nil
}

func onlyMethod(r *http.Request, method string) error {
	if r.Method != method {
		return refuse(http.StatusMethodNotAllowed, "%s is not allowed here", r.Method)
	}
	return nil
}

func noQuery(r *http.Request) error {
	if r.URL.RawQuery != "" {
		return refuse(http.StatusBadRequest, "unknown parameters")
	}
	return nil
}

// login makes a session. Newer versions of the reference require a provider, but Python's
// driver, which was made for version 3.3, sends none. So a missing provider stands for
// Local here.
func (s *Server) login(r *http.Request, body []byte) (any, error) {
	if err := errors.Join(onlyMethod(r, http.MethodPost), noQuery(r)); err != nil {
		return nil, err
	}
	var given struct {
		Username *string `json:"username"`
		Password *string `json:"password"`
		Provider *string `json:"provider"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if given.Username == nil || given.Password == nil {
		return nil, refuse(http.StatusBadRequest, "username and password are required")
	}
	if given.Provider != nil && !regexp.MustCompile("^(Local|ActiveDirectory|vIDM)$").MatchString(*given.Provider) {
		return nil, refuse(http.StatusBadRequest, "unknown provider")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if *given.Username != s.username || *given.Password != s.password || given.Provider != nil && *given.Provider != "Local" {
		return nil, &answer{status: http.StatusUnauthorized, message: "Invalid username or password.", code: "FIELD_ERROR"}
	}
	s.created++
	id := fmt.Sprintf("session-%d-of-%s+/==", s.created, s.Host)
	s.sessions[id] = time.Now().Add(sessionTime)
	return map[string]any{"userId": userID, "sessionId": id, "ttl": int(sessionTime / time.Second)}, nil
}

const userID = "cc251b9f-b4d0-437d-86de-8ac560d45e55"

// authorize checks the session of a request. The reference names the header
// Authorization. Python's driver sends X-LI-Session-Id, which servers accept, too.
// needed is false for ingestion.
func (s *Server) authorize(r *http.Request, needed bool) (known bool, err error) {
	id := r.Header.Get("X-LI-Session-Id")
	if header := r.Header.Get("Authorization"); header != "" {
		bearer, ok := strings.CutPrefix(header, "Bearer ")
		if !ok || id != "" && id != bearer {
			return false, invalidSession
		}
		id = bearer
	}
	if id == "" && !needed && r.Header.Values("X-LI-Session-Id") == nil {
		return false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok := s.sessions[id]
	switch {
	case !ok:
		return false, invalidSession
	case time.Now().After(end):
		return false, loginTimeout
	}
	return true, nil
}

// ExpireSessions ends all sessions.
func (s *Server) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.sessions {
		s.sessions[id] = time.Time{}
	}
}

func (s *Server) current(r *http.Request) (any, error) {
	if err := errors.Join(onlyMethod(r, http.MethodGet), noQuery(r)); err != nil {
		return nil, err
	}
	if _, err := s.authorize(r, true); err != nil {
		return nil, err
	}
	return map[string]any{"userId": userID, "ttl": int(sessionTime / time.Second)}, nil
}

func (s *Server) version(r *http.Request) (any, error) {
	if err := errors.Join(onlyMethod(r, http.MethodGet), noQuery(r)); err != nil {
		return nil, err
	}
	if _, err := s.authorize(r, true); err != nil {
		return nil, err
	}
	return map[string]string{"releaseName": "GA", "version": "8.18.0-1234567"}, nil
}
