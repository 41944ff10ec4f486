package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxBody      = 4096
	defaultLimit = 50
	maxLimit     = 200
	maxMentions  = 1000
)

// Handler answers the HTTP interface of a store.
type Handler struct {
	store *Store
}

// NewHandler makes a handler for a store.
func NewHandler(store *Store) *Handler {
	return &Handler{store: store}
}

// problem is the body of every answer that is not a success.
type problem struct {
	Error   string `json:"error"`
	Message string `json:"message"`
}

type ackRequest struct {
	LastMessageID *ID    `json:"last_message_id"`
	MentionCount  uint32 `json:"mention_count"`
}

type mentionRequest struct {
	Count *uint32 `json:"count"`
}

type listResponse struct {
	UserID     ID          `json:"user_id"`
	ReadStates []ReadState `json:"read_states"`
}

type statusResponse struct {
	Status string `json:"status"`
}

// ServeHTTP finds the resource that a path names:
//
//	GET      /healthz
//	GET      /users/{user}/read-states?limit=50
//	GET PUT  /users/{user}/channels/{channel}/read-state
//	POST     /users/{user}/channels/{channel}/mentions
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		if allow(w, r, http.MethodGet, http.MethodHead) {
			reply(w, http.StatusOK, statusResponse{"ok"})
		}
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case len(parts) == 3 && parts[0] == "users" && parts[2] == "read-states":
		h.user(w, r, parts[1])
	case len(parts) == 5 && parts[0] == "users" && parts[2] == "channels":
		switch parts[4] {
		case "read-state":
			h.readState(w, r, parts[1], parts[3])
		case "mentions":
			h.mentions(w, r, parts[1], parts[3])
		default:
			notFound(w)
		}
	default:
		notFound(w)
	}
}

func (h *Handler) user(w http.ResponseWriter, r *http.Request, user string) {
	if !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	userID, err := ParseID(user)
	if err != nil {
		invalidID(w)
		return
	}
	limit := defaultLimit
	if text := r.URL.Query().Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxLimit {
			fail(w, http.StatusBadRequest, "invalid_limit", "limit is a number from 1 to 200")
			return
		}
	}
	reply(w, http.StatusOK, listResponse{userID, h.store.List(userID, limit)})
}

func (h *Handler) readState(w http.ResponseWriter, r *http.Request, user, channel string) {
	if !allow(w, r, http.MethodGet, http.MethodHead, http.MethodPut) {
		return
	}
	userID, channelID, ok := ids(w, user, channel)
	if !ok {
		return
	}
	if r.Method != http.MethodPut {
		state, ok := h.store.Get(userID, channelID)
		if !ok {
			fail(w, http.StatusNotFound, "unknown_read_state", "no read state of this user for this channel")
			return
		}
		reply(w, http.StatusOK, state)
		return
	}
	var request ackRequest
	if !decode(w, r, &request) {
		return
	}
	if request.LastMessageID == nil {
		invalidBody(w)
		return
	}
	state, created := h.store.Ack(userID, channelID, *request.LastMessageID, request.MentionCount)
	reply(w, statusOf(created), state)
}

func (h *Handler) mentions(w http.ResponseWriter, r *http.Request, user, channel string) {
	if !allow(w, r, http.MethodPost) {
		return
	}
	userID, channelID, ok := ids(w, user, channel)
	if !ok {
		return
	}
	var request mentionRequest
	if !decode(w, r, &request) {
		return
	}
	if request.Count == nil || *request.Count < 1 || *request.Count > maxMentions {
		invalidBody(w)
		return
	}
	state, created := h.store.Mention(userID, channelID, *request.Count)
	reply(w, statusOf(created), state)
}

func statusOf(created bool) int {
	if created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// allow answers 405 unless the method is one of those listed.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	for _, method := range methods {
		if r.Method == method {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	fail(w, http.StatusMethodNotAllowed, "method_not_allowed", "this resource does not take that method")
	return false
}

func ids(w http.ResponseWriter, user, channel string) (ID, ID, bool) {
	userID, errUser := ParseID(user)
	channelID, errChannel := ParseID(channel)
	if errUser != nil || errChannel != nil {
		invalidID(w)
		return 0, 0, false
	}
	return userID, channelID, true
}

// decode reads one JSON object with known fields; it answers 400 or 413 and returns false if the
// body is anything else.
func decode(w http.ResponseWriter, r *http.Request, into interface{}) bool {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			fail(w, http.StatusRequestEntityTooLarge, "body_too_large", "the body may have 4096 bytes")
		} else {
			invalidBody(w)
		}
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		invalidBody(w)
		return false
	}
	// Only white space may follow.
	if _, err := decoder.Token(); err != io.EOF {
		invalidBody(w)
		return false
	}
	return true
}

func notFound(w http.ResponseWriter) {
	fail(w, http.StatusNotFound, "not_found", "there is no such resource")
}

func invalidID(w http.ResponseWriter) {
	fail(w, http.StatusBadRequest, "invalid_id", "an id is a decimal number from 1 to 18446744073709551615")
}

func invalidBody(w http.ResponseWriter) {
	fail(w, http.StatusBadRequest, "invalid_body", "the body is not the JSON object that this resource takes")
}

func fail(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, problem{code, message})
}

func reply(w http.ResponseWriter, status int, body interface{}) {
	text, err := json.Marshal(body)
	if err != nil {
		log.Printf("cannot encode an answer: %v", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	// An error here is a client that has gone.
	_, _ = w.Write(text)
}
