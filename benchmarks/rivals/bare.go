package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// idle is how many connections to the events API are kept, so that a burst opens none.
const idle = 256

// bare sends each event that it sees.
type bare struct {
	kube *kube
	api  *eventsAPI
}

// change is of a line of a watch what sending needs; the message is that of an error.
type change struct {
	Type   string `json:"type"`
	Object struct {
		Metadata metadata `json:"metadata"`
		Spec     Spec     `json:"spec"`
		Message  string   `json:"message"`
	} `json:"object"`
}

func runBare(ctx context.Context, args []string) error {
	b := &bare{}
	flags := flag.NewFlagSet("bare", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig `file`")
	endpoint := flags.String("endpoint", "", "`URL` of the events API")
	keyFile := flags.String("key-file", "", "`file` with the API key; none is sent without")
	namespaces := flags.String("namespaces", "", "`list` of namespaces; empty: all")
	if err := parse(flags, args, "kubeconfig", "endpoint"); err != nil {
		return err
	}
	var err error
	if b.kube, err = openKube(*kubeconfig, "bare"); err != nil {
		return err
	}
	if b.api, err = newEventsAPI(*endpoint, *keyFile, idle); err != nil {
		return err
	}
	watched := names(*namespaces)
	if len(watched) == 0 {
		watched = []string{""}
	}
	return unlessStopped(ctx, b.run(ctx, watched))
}

func (b *bare) run(ctx context.Context, namespaces []string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var streams []io.ReadCloser
	for _, namespace := range namespaces {
		stream, err := b.watch(ctx, namespace)
		if err != nil {
			return err
		}
		defer stream.Close()
		streams = append(streams, stream)
	}
	fmt.Println("ready")
	for _, stream := range streams {
		go func() { cancel(b.follow(ctx, stream, cancel)) }()
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// watch begins to watch with what comes after now.
func (b *bare) watch(ctx context.Context, namespace string) (io.ReadCloser, error) {
	now, err := b.kube.page(ctx, namespace, "1", "")
	if err != nil {
		return nil, err
	}
	query := url.Values{"watch": {"true"}, "resourceVersion": {now.Metadata.ResourceVersion}}
	request, err := http.NewRequestWithContext(
		ctx, http.MethodGet, b.kube.path(namespace)+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	response, err := b.kube.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, errors.New("the watch was refused: " + response.Status)
	}
	return response.Body, nil
}

// follow sends what is added, until the watch ends.
func (b *bare) follow(ctx context.Context, stream io.Reader, fail context.CancelCauseFunc) error {
	for decoder := json.NewDecoder(stream); ; {
		var seen change
		if err := decoder.Decode(&seen); err != nil {
			return fmt.Errorf("the watch ended: %w", err)
		}
		switch seen.Type {
		case "ADDED":
			go func() {
				if err := b.send(ctx, &seen); err != nil {
					fail(err)
				}
			}()
		case "ERROR":
			return errors.New("the watch ended: " + seen.Object.Message)
		}
	}
}

func (b *bare) send(ctx context.Context, seen *change) error {
	event := &seen.Object
	request, err := b.api.post(ctx, &event.Spec, event.Metadata.Namespace, event.Metadata.Name)
	if err != nil {
		return err
	}
	return exchange(b.api.client, request, io.Discard)
}
