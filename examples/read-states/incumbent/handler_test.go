package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

type step struct {
	method, path, body string
	status             int
	answer             string // the whole body, or a part of it after "~"
}

func run(t *testing.T, steps []step) {
	t.Helper()
	handler := NewHandler(NewStore(1000))
	for _, s := range steps {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(s.method, s.path, strings.NewReader(s.body)))
		answer := recorder.Body.String()
		name := s.method + " " + s.path + " " + s.body
		if len(name) > 100 {
			name = name[:100]
		}
		if recorder.Code != s.status {
			t.Errorf("%s: status %d, not %d: %s", name, recorder.Code, s.status, answer)
		}
		if part := strings.TrimPrefix(s.answer, "~"); part != s.answer && !strings.Contains(answer, part) {
			t.Errorf("%s: %s lacks %s", name, answer, part)
		} else if part == s.answer && answer != s.answer {
			t.Errorf("%s: %s, not %s", name, answer, s.answer)
		}
		if got := recorder.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: content type %q", name, got)
		}
	}
}

func TestReadStatesMoveForwardOnly(t *testing.T) {
	const path = "/users/1/channels/2/read-state"
	run(t, []step{
		{"GET", path, "", 404, "~unknown_read_state"},
		{"PUT", path, `{"last_message_id":"50","mention_count":3}`, 201,
			`{"user_id":"1","channel_id":"2","last_message_id":"50","mention_count":3,"version":1}`},
		{"PUT", path, `{"last_message_id":"40"}`, 200,
			`{"user_id":"1","channel_id":"2","last_message_id":"50","mention_count":3,"version":1}`},
		{"PUT", path, `{"last_message_id":"18446744073709551615"}`, 200,
			`{"user_id":"1","channel_id":"2","last_message_id":"18446744073709551615","mention_count":0,"version":2}`},
		{"POST", "/users/1/channels/2/mentions", `{"count":7}`, 200, `~"mention_count":7,"version":3`},
		{"GET", path, "", 200, `~"mention_count":7,"version":3`},
		{"POST", "/users/1/channels/9/mentions", `{"count":1}`, 201, `~"last_message_id":"0","mention_count":1`},
	})
}

func TestListsAreSortedAndLimited(t *testing.T) {
	run(t, []step{
		{"GET", "/users/1/read-states", "", 200, `{"user_id":"1","read_states":[]}`},
		{"PUT", "/users/1/channels/10/read-state", `{"last_message_id":"5"}`, 201, "~"},
		{"PUT", "/users/1/channels/9/read-state", `{"last_message_id":"5"}`, 201, "~"},
		{"GET", "/users/1/read-states", "", 200, `~"channel_id":"9","last_message_id":"5","mention_count":0,"version":1},{"user_id":"1","channel_id":"10"`},
		{"GET", "/users/1/read-states?limit=1", "", 200,
			`{"user_id":"1","read_states":[{"user_id":"1","channel_id":"9","last_message_id":"5","mention_count":0,"version":1}]}`},
		{"GET", "/users/1/read-states?limit=0", "", 400, "~invalid_limit"},
		{"GET", "/users/1/read-states?limit=many", "", 400, "~invalid_limit"},
	})
}

func TestWrongRequestsAreRefused(t *testing.T) {
	const path = "/users/1/channels/2/read-state"
	run(t, []step{
		{"GET", "/", "", 404, "~not_found"},
		{"GET", "/users/1/channels/2/read-state/", "", 404, "~not_found"},
		{"GET", "/users//channels/2/read-state", "", 400, "~invalid_id"},
		{"GET", "/users//read-states", "", 400, "~invalid_id"},
		{"DELETE", path, "", 405, "~method_not_allowed"},
		{"POST", "/healthz", "", 405, "~method_not_allowed"},
		{"GET", "/users/01/channels/2/read-state", "", 400, "~invalid_id"},
		{"GET", "/users/18446744073709551616/read-states", "", 400, "~invalid_id"},
		{"PUT", path, `{"last_message_id":"5"`, 400, "~invalid_body"},
		{"PUT", path, `{"last_message_id":5}`, 400, "~invalid_body"},
		{"PUT", path, `{"last_message_id":"5"} {}`, 400, "~invalid_body"},
		{"PUT", path, `{"last_message_id":"5","colour":1}`, 400, "~invalid_body"},
		{"PUT", path, `["5",1]`, 400, "~invalid_body"},
		{"PUT", path, `{"mention_count":5}`, 400, "~invalid_body"},
		{"PUT", path, `{"last_message_id":"5","mention_count":-1}`, 400, "~invalid_body"},
		{"PUT", path, strings.Repeat(" ", 5000), 413, "~body_too_large"},
		{"POST", "/users/1/channels/2/mentions", `{"count":0}`, 400, "~invalid_body"},
		{"POST", "/users/1/channels/2/mentions", ``, 400, "~invalid_body"},
	})
}

func TestA405NamesWhatIsAllowed(t *testing.T) {
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest("DELETE", "/users/1/channels/2/read-state", nil)
	NewHandler(NewStore(1)).ServeHTTP(recorder, request)
	if allowed := recorder.Header().Get("Allow"); allowed != "GET, HEAD, PUT" {
		t.Errorf("Allow: %q", allowed)
	}
	if recorder.Code != http.StatusMethodNotAllowed {
		t.Errorf("status %d", recorder.Code)
	}
}
