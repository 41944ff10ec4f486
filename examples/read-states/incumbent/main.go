// Command read-states keeps, for every user and channel, how far the user has read and how often
// they were mentioned since. All of it is a cache in memory: what does not fit is forgotten, least
// recently used first, and a caller that gets 404 asks the database behind it.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	capacity := flag.Int("capacity", 2_000_000, "read states kept in memory")
	preload := flag.Int("preload", 0, "read states to make up at start")
	seed := flag.Uint64("seed", 1, "seed of the preloaded read states")
	flag.Parse()

	store := NewStore(*capacity)
	Preload(store, *preload, *seed)

	if err := serve(*listen, NewHandler(store)); err != nil {
		log.Fatal(err)
	}
}

// serve answers requests until SIGINT or SIGTERM, then lets those under way finish.
func serve(address string, handler http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	log.Printf("listening on %s", listener.Addr())

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
