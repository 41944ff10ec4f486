// The same two routes with net/http alone.
package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
)

type item struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, "id is not a number", http.StatusBadRequest)
			return
		}
		var q *string
		if r.URL.Query().Has("q") {
			first := r.URL.Query().Get("q")
			q = &first
		}
		answer(w, map[string]any{"id": id, "q": q})
	})
	mux.HandleFunc("POST /items", func(w http.ResponseWriter, r *http.Request) {
		var it item
		if err := json.NewDecoder(r.Body).Decode(&it); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, it)
	})
	if err := http.ListenAndServe(os.Args[1], mux); err != nil {
		panic(err)
	}
}
