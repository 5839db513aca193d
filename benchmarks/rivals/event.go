package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// cluster is the name that every rival sends as that of its cluster.
const cluster = "prod-eu-1"

// Spec is of a CustomEvent's spec what its delivery needs.
type Spec struct {
	EventType string            `json:"eventType"`
	Summary   string            `json:"summary"`
	Severity  string            `json:"severity,omitempty"`
	Details   map[string]string `json:"details,omitempty"`
	Scope     *Scope            `json:"scope,omitempty"`
}

// Scope is of a spec's scope what can be sent as it stands.
type Scope struct {
	Clusters     []string `json:"clusters,omitempty"`
	Namespaces   []string `json:"namespaces,omitempty"`
	ServiceNames []string `json:"serviceNames,omitempty"`
}

// sent is the body of a POST; it spells the services in its own way.
type sent struct {
	EventType string            `json:"eventType"`
	Summary   string            `json:"summary"`
	Severity  string            `json:"severity"`
	Scope     sentScope         `json:"scope"`
	Details   map[string]string `json:"details"`
}

type sentScope struct {
	Clusters      []string `json:"clusters,omitempty"`
	Namespaces    []string `json:"namespaces,omitempty"`
	ServicesNames []string `json:"servicesNames,omitempty"`
}

// postBody is the body of the POST for an event, the same as the one of naive.py.
func postBody(spec *Spec, namespace, name string) ([]byte, error) {
	scope := sentScope{Clusters: []string{cluster}, Namespaces: []string{namespace}}
	if given := spec.Scope; given != nil {
		scope.ServicesNames = given.ServiceNames
		if given.Clusters != nil {
			scope.Clusters = given.Clusters
		}
		if given.Namespaces != nil {
			scope.Namespaces = given.Namespaces
		}
	}
	details := make(map[string]string, len(spec.Details)+1)
	for key, value := range spec.Details {
		details[key] = value
	}
	details["customevents.dev/source"] = namespace + "/" + name
	return json.Marshal(sent{
		EventType: spec.EventType,
		Summary:   spec.Summary,
		Severity:  severity(spec.Severity),
		Scope:     scope,
		Details:   details,
	})
}

// severity is the events API's spelling of what an author wrote.
func severity(written string) string {
	switch lower := strings.ToLower(written); lower {
	case "", "info":
		return "information"
	default:
		return lower
	}
}

// readStatus reads a whole status object out of a file.
func readStatus(file string) (json.RawMessage, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var status map[string]json.RawMessage
	if err := json.Unmarshal(content, &status); err != nil {
		return nil, fmt.Errorf("%s holds no JSON object: %w", file, err)
	}
	if status["delivery"] == nil {
		return nil, fmt.Errorf("%s holds no status: it has no delivery", file)
	}
	return json.Marshal(status)
}
