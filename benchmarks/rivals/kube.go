package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	group    = "customevents.dev"
	version  = "v1alpha1"
	pageSize = "500" // as client-go's own pager
)

// kube is the API server, as plain HTTP.
type kube struct {
	server string
	client *http.Client
}

// object is of a CustomEvent what a client of plain HTTP reads and writes.
type object struct {
	APIVersion string    `json:"apiVersion,omitempty"`
	Kind       string    `json:"kind,omitempty"`
	Metadata   metadata  `json:"metadata"`
	Spec       Spec      `json:"spec"`
	Status     rawStatus `json:"status,omitzero"`
}

type metadata struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
}

type rawStatus struct {
	// As it came, since a patch tests that it is still the same.
	Delivery json.RawMessage `json:"delivery,omitempty"`
}

// page is a part of a list of CustomEvents.
type page struct {
	Metadata struct {
		Continue        string `json:"continue"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Items []*object `json:"items"`
}

// restConfig reads a kubeconfig for a subcommand, without a limit on its requests.
func restConfig(kubeconfig, subcommand string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.UserAgent = "rivals-" + subcommand
	return config, nil
}

// openKube is newKube for those who need no more of the kubeconfig.
func openKube(kubeconfig, subcommand string) (*kube, error) {
	config, err := restConfig(kubeconfig, subcommand)
	if err != nil {
		return nil, err
	}
	return newKube(config)
}

// newKube is the API server through client-go's transport, which speaks HTTP/2.
func newKube(config *rest.Config) (*kube, error) {
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return &kube{server: strings.TrimRight(server.String(), "/"), client: client}, nil
}

// path is where CustomEvents are; an empty namespace stands for all of them.
func (k *kube) path(namespace string) string {
	path := k.server + "/apis/" + group + "/" + version
	if namespace != "" {
		path += "/namespaces/" + url.PathEscape(namespace)
	}
	return path + "/customevents"
}

// page reads a part of the list; from is where the part before ended, or empty.
func (k *kube) page(ctx context.Context, namespace, limit, from string) (*page, error) {
	query := url.Values{"limit": {limit}, "continue": {from}}
	request, err := http.NewRequestWithContext(
		ctx, http.MethodGet, k.path(namespace)+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	found := &page{}
	return found, k.read(request, found)
}

// list reads all CustomEvents of a namespace.
func (k *kube) list(ctx context.Context, namespace string) ([]*object, error) {
	var all []*object
	for from := ""; ; {
		found, err := k.page(ctx, namespace, pageSize, from)
		if err != nil {
			return nil, err
		}
		all = append(all, found.Items...)
		if from = found.Metadata.Continue; from == "" {
			return all, nil
		}
	}
}

// create makes a CustomEvent; the answer is thrown away unless it is asked for.
func (k *kube) create(ctx context.Context, event *object, answer *object) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(
		ctx, http.MethodPost, k.path(event.Metadata.Namespace), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", jsonType)
	if answer == nil {
		return exchange(k.client, request, io.Discard)
	}
	return k.read(request, answer)
}

// read does a request and reads the answer's JSON.
func (k *kube) read(request *http.Request, answer any) error {
	var content bytes.Buffer
	if err := exchange(k.client, request, &content); err != nil {
		return err
	}
	return json.Unmarshal(content.Bytes(), answer)
}

// statusPatch is the request that replaces the status of an event that is still as it was read.
func (k *kube) statusPatch(ctx context.Context, event *object, status json.RawMessage) (*http.Request, error) {
	if event.Metadata.UID == "" {
		return nil, errors.New(event.Metadata.Name + " was read without a uid")
	}
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	patch := []operation{{"test", "/metadata/uid", event.Metadata.UID}}
	if event.Status.Delivery != nil {
		patch = append(patch, operation{"test", "/status/delivery", event.Status.Delivery})
	}
	body, err := json.Marshal(append(patch, operation{"add", "/status", status}))
	if err != nil {
		return nil, err
	}
	path := k.path(event.Metadata.Namespace) + "/" + event.Metadata.Name
	request, err := http.NewRequestWithContext(
		ctx, http.MethodPatch, path+"/status?fieldManager=possible", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json-patch+json")
	return request, nil
}
