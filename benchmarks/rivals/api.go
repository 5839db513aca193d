package main

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// groupVersion is that of CustomEvents.
var groupVersion = schema.GroupVersion{Group: group, Version: version}

// CustomEvent is the custom resource, as far as the controller reads and writes it.
type CustomEvent struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   Spec   `json:"spec"`
	Status Status `json:"status,omitempty"`
}

// CustomEventList is a list of them.
type CustomEventList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []CustomEvent `json:"items"`
}

// Status is what became of an event.
type Status struct {
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	Delivery   Delivery           `json:"delivery,omitempty"`
	Resolved   *Resolved          `json:"resolved,omitempty"`
}

// Resolved is what was sent for what the author left out, and where that came from.
type Resolved struct {
	Endpoint   string            `json:"endpoint"`
	Severity   string            `json:"severity"`
	Clusters   []string          `json:"clusters"`
	Namespaces []string          `json:"namespaces"`
	Reach      string            `json:"reach"`
	Sources    map[string]string `json:"sources"`
}

// Delivery is the record of the delivery.
type Delivery struct {
	State       string `json:"state,omitempty"`
	ID          string `json:"id,omitempty"`
	Sequence    int64  `json:"sequence,omitempty"`
	ContentHash string `json:"contentHash,omitempty"`
	Attempts    int64  `json:"attempts,omitempty"`
	// A pointer, so that a patch tells 0 from a field that was never written.
	UnknownOutcomes *int64       `json:"unknownOutcomes,omitempty"`
	LastAttemptTime *metav1.Time `json:"lastAttemptTime,omitempty"`
	FinishedTime    *metav1.Time `json:"finishedTime,omitempty"`
	LastOutcome     *Outcome     `json:"lastOutcome,omitempty"`
}

// Outcome is how an attempt ended.
type Outcome struct {
	Class string `json:"class"`
	Code  int    `json:"code,omitempty"`
}

// addToScheme makes the kinds known to a client.
func addToScheme(scheme *runtime.Scheme) {
	scheme.AddKnownTypes(groupVersion, &CustomEvent{}, &CustomEventList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
}

// DeepCopy is a copy that shares nothing.
func (e *CustomEvent) DeepCopy() *CustomEvent {
	copied := &CustomEvent{TypeMeta: e.TypeMeta}
	e.ObjectMeta.DeepCopyInto(&copied.ObjectMeta)
	copied.Spec = e.Spec.deepCopy()
	copied.Status = e.Status.deepCopy()
	return copied
}

// DeepCopyObject is DeepCopy, as every kind has it.
func (e *CustomEvent) DeepCopyObject() runtime.Object {
	return e.DeepCopy()
}

// DeepCopyObject is a copy that shares nothing, as every kind has it.
func (l *CustomEventList) DeepCopyObject() runtime.Object {
	copied := &CustomEventList{TypeMeta: l.TypeMeta, Items: make([]CustomEvent, len(l.Items))}
	l.ListMeta.DeepCopyInto(&copied.ListMeta)
	for i := range l.Items {
		copied.Items[i] = *l.Items[i].DeepCopy()
	}
	return copied
}

func (s Spec) deepCopy() Spec {
	s.Details = maps.Clone(s.Details)
	if s.Scope != nil {
		s.Scope = &Scope{
			Clusters:     slices.Clone(s.Scope.Clusters),
			Namespaces:   slices.Clone(s.Scope.Namespaces),
			ServiceNames: slices.Clone(s.Scope.ServiceNames),
		}
	}
	return s
}

func (s Status) deepCopy() Status {
	s.Conditions = slices.Clone(s.Conditions)
	delivery := &s.Delivery
	delivery.UnknownOutcomes = clone(delivery.UnknownOutcomes)
	delivery.LastAttemptTime = delivery.LastAttemptTime.DeepCopy()
	delivery.FinishedTime = delivery.FinishedTime.DeepCopy()
	delivery.LastOutcome = clone(delivery.LastOutcome)
	if s.Resolved != nil {
		resolved := *s.Resolved
		resolved.Clusters = slices.Clone(resolved.Clusters)
		resolved.Namespaces = slices.Clone(resolved.Namespaces)
		resolved.Sources = maps.Clone(resolved.Sources)
		s.Resolved = &resolved
	}
	return s
}

// clone is a copy of what a pointer points to, which must hold no pointers.
func clone[T any](value *T) *T {
	if value == nil {
		return nil
	}
	copied := *value
	return &copied
}
