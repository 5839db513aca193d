package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// arrival is a POST that came.
type arrival struct {
	Bench string `json:"bench"`
	At    int64  `json:"at"`
}

// sink remembers what came, in its order.
type sink struct {
	mutex    sync.Mutex
	arrivals []arrival
}

func runSink(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("sink", flag.ContinueOnError)
	address := flags.String("listen", "", "`address` to listen on, such as 127.0.0.1:8080")
	if err := parse(flags, args, "listen"); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: new(sink).routes()}
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Println("ready")
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *sink) routes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("POST /mgmt/v1/events", s.take)
	routes.HandleFunc("GET /api/v2/apikey/validate", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, `{"valid":true}`)
	})
	routes.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, len(s.all()))
	})
	routes.HandleFunc("GET /arrivals", s.tell)
	routes.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.arrivals = nil
	})
	return routes
}

func (s *sink) take(w http.ResponseWriter, r *http.Request) {
	at := time.Now().UnixNano() // before the body is read: the network's part of the way ends here
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return // there is nobody left to answer
	}
	var body struct {
		Summary string `json:"summary"`
		Details struct {
			Bench string `json:"bench"`
		} `json:"details"`
	}
	if err := json.Unmarshal(content, &body); err != nil {
		answer(w, http.StatusBadRequest, `{"message":"this is not the JSON of an event"}`)
		return
	}
	name := body.Details.Bench
	if name == "" {
		name = body.Summary
	}
	s.mutex.Lock()
	s.arrivals = append(s.arrivals, arrival{name, at})
	s.mutex.Unlock()
	answer(w, http.StatusCreated, "{}")
}

func (s *sink) tell(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := bufio.NewWriter(w)
	defer lines.Flush()
	encoder := json.NewEncoder(lines)
	for _, one := range s.all() {
		if encoder.Encode(one) != nil {
			return
		}
	}
}

// all is what came so far; what comes later is appended behind it, so no copy is needed.
func (s *sink) all() []arrival {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.arrivals
}

func answer(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(code)
	io.WriteString(w, body)
}
