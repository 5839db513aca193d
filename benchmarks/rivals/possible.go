package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
)

// possible delivers events that it knows beforehand.
type possible struct {
	kube        *kube
	api         *eventsAPI
	status      json.RawMessage
	width       int
	protocol    int
	connections int
	noPost      bool

	clients []*http.Client // of the API server; a worker uses one of them
	refused atomic.Int64
}

// delivery is all that is left to do for an event.
type delivery struct {
	post  *http.Request // nil with --no-post
	patch *http.Request
}

func runPossible(ctx context.Context, args []string) error {
	p := &possible{}
	flags := flag.NewFlagSet("possible", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig `file`")
	endpoint := flags.String("endpoint", "", "`URL` of the events API")
	keyFile := flags.String("key-file", "", "`file` with the API key; none is sent without")
	namespaces := flags.String("namespaces", "", "`list` of the namespaces whose events are delivered")
	status := flags.String("status", "", "JSON `file` with the status that each gets")
	flags.IntVar(&p.width, "width", 16, "how many side by side")
	flags.IntVar(&p.protocol, "http", 2, "HTTP to the API server: 1 or 2")
	flags.IntVar(&p.connections, "connections", 1, "how many connections, with --http 2")
	flags.BoolVar(&p.noPost, "no-post", false, "write the status only")
	if err := parse(flags, args, "kubeconfig", "endpoint", "namespaces", "status"); err != nil {
		return err
	}
	if p.width < 1 || p.connections < 1 || p.protocol < 1 || p.protocol > 2 {
		return errors.New("--width and --connections must be at least 1, and --http 1 or 2")
	}
	var err error
	if p.status, err = readStatus(*status); err != nil {
		return err
	}
	if p.api, err = newEventsAPI(*endpoint, *keyFile, p.width); err != nil {
		return err
	}
	config, err := restConfig(*kubeconfig, "possible")
	if err != nil {
		return err
	}
	if err := p.connect(config); err != nil {
		return err
	}
	return p.run(ctx, names(*namespaces))
}

func (p *possible) run(ctx context.Context, namespaces []string) error {
	if len(namespaces) == 0 {
		return errors.New("--namespaces names none")
	}
	deliveries, err := p.prepare(ctx, namespaces)
	if err != nil {
		return err
	}
	if err := p.warmUp(ctx, namespaces); err != nil {
		return err
	}
	fmt.Println("ready", len(deliveries))
	if err := awaitLine(ctx); err != nil {
		return err
	}
	first := time.Now()
	err = sideBySide(ctx, p.width, len(deliveries), func(_ context.Context, worker, index int) error {
		return p.deliver(deliveries[index], p.clients[worker%len(p.clients)])
	})
	last := time.Now()
	if err != nil {
		return err
	}
	_, err = fmt.Printf(`{"events": %d, "first_post": %d, "last_patch": %d, "refused": %d}`+"\n",
		len(deliveries), first.UnixNano(), last.UnixNano(), p.refused.Load())
	return err
}

// connect makes the clients: for HTTP/2 one for each connection, as none opens a second.
func (p *possible) connect(config *rest.Config) error {
	var err error
	if p.kube, err = newKube(config); err != nil {
		return err
	}
	if p.protocol == 2 {
		for range p.connections {
			client, err := newClient(config, &http.Transport{
				Protocols: protocols((*http.Protocols).SetHTTP2),
				// Else it opens more when the server allows no more streams.
				HTTP2: &http.HTTP2Config{StrictMaxConcurrentRequests: true},
			})
			if err != nil {
				return err
			}
			p.clients = append(p.clients, client)
		}
		return nil
	}
	client, err := newClient(config, &http.Transport{
		Protocols:           protocols((*http.Protocols).SetHTTP1),
		MaxConnsPerHost:     p.width,
		MaxIdleConnsPerHost: p.width,
	})
	for range p.width {
		p.clients = append(p.clients, client)
	}
	return err
}

func protocols(set func(*http.Protocols, bool)) *http.Protocols {
	chosen := &http.Protocols{}
	set(chosen, true)
	return chosen
}

// newClient gives a transport the certificates and the credentials of a kubeconfig.
func newClient(config *rest.Config, transport *http.Transport) (*http.Client, error) {
	var err error
	if transport.TLSClientConfig, err = rest.TLSConfigFor(config); err != nil {
		return nil, err
	}
	transport.DisableCompression = true
	authenticated, err := rest.HTTPWrappersForConfig(config, transport)
	return &http.Client{Transport: authenticated}, err
}

// prepare makes all requests, of the namespaces in turn.
func (p *possible) prepare(ctx context.Context, namespaces []string) ([]delivery, error) {
	lists, longest := make([][]*object, len(namespaces)), 0
	for i, namespace := range namespaces {
		var err error
		if lists[i], err = p.kube.list(ctx, namespace); err != nil {
			return nil, err
		}
		longest = max(longest, len(lists[i]))
	}
	var all []delivery
	for i := range longest {
		for _, list := range lists {
			if i >= len(list) {
				continue
			}
			one, err := p.delivery(ctx, list[i])
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	return all, nil
}

func (p *possible) delivery(ctx context.Context, event *object) (one delivery, err error) {
	if !p.noPost {
		one.post, err = p.api.post(ctx, &event.Spec, event.Metadata.Namespace, event.Metadata.Name)
		if err != nil {
			return one, err
		}
	}
	one.patch, err = p.kube.statusPatch(ctx, event, p.status)
	return one, err
}

// warmUp opens all connections, which are not what is measured.
func (p *possible) warmUp(ctx context.Context, namespaces []string) error {
	list, err := http.NewRequestWithContext(ctx, http.MethodGet, p.kube.path(namespaces[0])+"?limit=1", nil)
	if err != nil {
		return err
	}
	if err := open(list, p.clients); err != nil {
		return err
	}
	if p.noPost {
		return nil
	}
	validate, err := p.api.request(ctx, http.MethodGet, "/api/v2/apikey/validate", nil)
	if err != nil {
		return err
	}
	clients := make([]*http.Client, p.width)
	for i := range clients {
		clients[i] = p.api.client
	}
	return open(validate, clients)
}

// open does a request with each of the clients; a client that is there several times opens as many
// connections, since no answer is read to its end, which frees its connection, before all came.
func open(request *http.Request, clients []*http.Client) error {
	for _, client := range clients {
		response, err := client.Do(request.Clone(request.Context()))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		defer io.Copy(io.Discard, response.Body)
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", request.URL.Path, response.Status)
		}
	}
	return nil
}

// awaitLine waits for the word to begin.
func awaitLine(ctx context.Context) error {
	read := make(chan error, 1)
	go func() {
		_, err := bufio.NewReader(os.Stdin).ReadString('\n')
		read <- err
	}()
	select {
	case err := <-read:
		if err != nil {
			return errors.New("the standard input ended before the line that starts it")
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *possible) deliver(one delivery, client *http.Client) error {
	if one.post != nil {
		if err := exchange(p.api.client, one.post, io.Discard); err != nil {
			return err
		}
	}
	err := exchange(client, one.patch, io.Discard)
	var refused *refusal
	if !errors.As(err, &refused) {
		return err
	}
	if p.refused.Add(1) == 1 {
		fmt.Fprintln(os.Stderr, "rivals: possible: the first that was refused:",
			strings.Join(strings.Fields(refused.Error()), " "))
	}
	return nil
}
