package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

const jsonType = "application/json"

// refusal is an answer that is no success.
type refusal struct {
	request string
	code    int
	said    string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", r.request, r.code, http.StatusText(r.code), r.said)
}

// exchange does a request and copies the whole answer, or returns it as a *refusal.
func exchange(client *http.Client, request *http.Request, answer io.Writer) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 == 2 {
		_, err = io.Copy(answer, response.Body)
		return err
	}
	content, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	return &refusal{
		request: request.Method + " " + request.URL.Path,
		code:    response.StatusCode,
		said:    message(content),
	}
}

// message is what an answer says in words, which the API server puts into JSON.
func message(content []byte) string {
	var status struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(content, &status) == nil && status.Message != "" {
		return status.Message
	}
	return string(content[:min(len(content), 300)])
}

// eventsAPI is where events are sent.
type eventsAPI struct {
	url    string
	key    string
	client *http.Client
}

// newEventsAPI keeps up to width connections; without a key file it sends no key.
func newEventsAPI(url, keyFile string, width int) (*eventsAPI, error) {
	api := &eventsAPI{url: strings.TrimRight(url, "/")}
	if keyFile != "" {
		content, err := os.ReadFile(keyFile)
		if err != nil {
			return nil, err
		}
		api.key = strings.TrimSpace(string(content))
	}
	api.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: width}}
	return api, nil
}

func (a *eventsAPI) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", jsonType)
	}
	if a.key != "" {
		request.Header.Set("x-api-key", a.key)
	}
	return request, nil
}

// post is the request that sends an event.
func (a *eventsAPI) post(ctx context.Context, spec *Spec, namespace, name string) (*http.Request, error) {
	body, err := postBody(spec, namespace, name)
	if err != nil {
		return nil, err
	}
	return a.request(ctx, http.MethodPost, "/mgmt/v1/events", body)
}

// sideBySide does the tasks 0 to count-1, as many at a time as there are workers, up to the first
// error.
func sideBySide(
	ctx context.Context, width, count int, do func(ctx context.Context, worker, task int) error,
) error {
	if width < 1 {
		return errors.New("--width must be at least 1")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	var taken atomic.Int64
	for worker := range min(width, count) {
		workers.Go(func() {
			for ctx.Err() == nil {
				task := int(taken.Add(1)) - 1
				if task >= count {
					return
				}
				if err := do(ctx, worker, task); err != nil {
					cancel(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}
