package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// patience is how long an answer of the events API is waited for.
const patience = 10 * time.Second

// reconciler delivers events.
type reconciler struct {
	client   client.Client
	api      *eventsAPI
	endpoint string
	intents  bool
}

func runController(ctx context.Context, args []string) error {
	r := &reconciler{}
	flags := flag.NewFlagSet("controller", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig `file`")
	endpoint := flags.String("endpoint", "", "`URL` of the events API")
	keyFile := flags.String("key-file", "", "`file` with the API key")
	namespaces := flags.String("namespaces", "", "`list` of namespaces; empty: all")
	width := flags.Int("width", 16, "how many events side by side")
	flags.BoolVar(&r.intents, "intents", true, "write into the status that an attempt is about to be made")
	if err := parse(flags, args, "kubeconfig", "endpoint", "key-file"); err != nil {
		return err
	}
	if *width < 1 {
		return errors.New("--width must be at least 1")
	}
	config, err := restConfig(*kubeconfig, "controller")
	if err != nil {
		return err
	}
	r.endpoint = *endpoint
	if r.api, err = newEventsAPI(*endpoint, *keyFile, *width); err != nil {
		return err
	}
	r.api.client.Timeout = patience
	manager, err := newManager(config, names(*namespaces))
	if err != nil {
		return err
	}
	if err := r.register(manager, *width); err != nil {
		return err
	}
	return start(ctx, manager)
}

// newManager is a manager of these namespaces, or of all if there are none, and of nothing else.
func newManager(config *rest.Config, namespaces []string) (ctrl.Manager, error) {
	ctrl.SetLogger(logr.FromSlogHandler(
		slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	scheme := runtime.NewScheme()
	addToScheme(scheme)
	options := ctrl.Options{Scheme: scheme, Metrics: server.Options{BindAddress: "0"}}
	for _, namespace := range namespaces {
		if options.Cache.DefaultNamespaces == nil {
			options.Cache.DefaultNamespaces = map[string]cache.Config{}
		}
		options.Cache.DefaultNamespaces[namespace] = cache.Config{}
	}
	return ctrl.NewManager(config, options)
}

// register lets the manager call the reconciler. Its own status updates leave the generation as it
// is, and so call it no second time; a creation passes, as the predicate is about updates only.
func (r *reconciler) register(manager ctrl.Manager, width int) error {
	r.client = manager.GetClient()
	return ctrl.NewControllerManagedBy(manager).
		For(&CustomEvent{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: width}).
		Complete(r)
}

// start runs the manager to the end, and tells when its cache is full.
func start(ctx context.Context, manager ctrl.Manager) error {
	// Asked for beforehand: else the cache counts as full before the controller adds its kind.
	_, err := manager.GetCache().GetInformer(ctx, &CustomEvent{}, cache.BlockUntilSynced(false))
	if err != nil {
		return err
	}
	go func() {
		if manager.GetCache().WaitForCacheSync(ctx) {
			fmt.Println("ready")
		}
	}()
	return unlessStopped(ctx, manager.Start(ctx))
}

// Reconcile delivers one event; an error has it tried again, later each time.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	return ctrl.Result{}, unlessStopped(ctx, r.deliver(ctx, request.NamespacedName))
}

func (r *reconciler) deliver(ctx context.Context, key client.ObjectKey) error {
	event := &CustomEvent{}
	if err := r.client.Get(ctx, key, event); err != nil {
		return client.IgnoreNotFound(err)
	}
	if state := event.Status.Delivery.State; state == "Delivered" || state == "Failed" {
		return nil
	}
	if r.intents {
		if err := r.write(ctx, event, func() { begin(event) }); err != nil {
			return err
		}
	}
	post, err := r.api.post(ctx, &event.Spec, event.Namespace, event.Name)
	if err != nil {
		return err
	}
	err = exchange(r.api.client, post, io.Discard)
	if err != nil && !forGood(err) {
		return err
	}
	return r.write(ctx, event, func() {
		if !r.intents {
			begin(event)
		}
		finish(event, err)
		event.Status.Resolved = r.resolved(event)
	})
}

// write patches the status with what a change does to it.
func (r *reconciler) write(ctx context.Context, event *CustomEvent, change func()) error {
	base := event.DeepCopy()
	change()
	// An event that was deleted meanwhile needs no status.
	return client.IgnoreNotFound(r.client.Status().Patch(ctx, event, client.MergeFrom(base)))
}

// begin notes an attempt.
func begin(event *CustomEvent) {
	delivery := &event.Status.Delivery
	if delivery.ID == "" {
		delivery.ID = string(uuid.NewUUID()) // a retry keeps it
	}
	delivery.State = "Retrying"
	delivery.ContentHash = contentHash(&event.Spec)
	delivery.Sequence = 1
	delivery.Attempts++
	now := metav1.Now()
	delivery.LastAttemptTime = &now
}

// finish notes how the attempt ended; the error is nil or a refusal for good.
func finish(event *CustomEvent, err error) {
	delivery, now := &event.Status.Delivery, metav1.Now()
	condition := metav1.Condition{Type: "Delivered", ObservedGeneration: event.Generation}
	var refused *refusal
	if errors.As(err, &refused) {
		delivery.State = "Failed"
		delivery.LastOutcome = &Outcome{Class: "Refused", Code: refused.code}
		condition.Status, condition.Reason = metav1.ConditionFalse, "Refused"
		condition.Message = "The events API refused it for good."
	} else {
		delivery.State = "Delivered"
		delivery.LastOutcome = &Outcome{Class: "Success", Code: http.StatusCreated}
		condition.Status, condition.Reason = metav1.ConditionTrue, "Delivered"
		condition.Message = "The events API accepted it."
	}
	delivery.UnknownOutcomes = new(int64)
	delivery.FinishedTime = &now
	meta.SetStatusCondition(&event.Status.Conditions, condition)
}

// resolved is what was sent, as the operator tells it.
func (r *reconciler) resolved(event *CustomEvent) *Resolved {
	return &Resolved{
		Endpoint:   r.endpoint,
		Severity:   severity(event.Spec.Severity),
		Clusters:   []string{cluster},
		Namespaces: []string{event.Namespace},
		Reach:      fmt.Sprintf("everything in namespace %s, cluster %s", event.Namespace, cluster),
		Sources:    map[string]string{"clusters": "the operator's setting", "namespaces": "the object's own"},
	}
}

// forGood tells whether the events API will never accept what it refused.
func forGood(err error) bool {
	var refused *refusal
	return errors.As(err, &refused) &&
		(refused.code == http.StatusBadRequest || refused.code == http.StatusUnprocessableEntity)
}

func contentHash(spec *Spec) string {
	content, err := json.Marshal(spec)
	if err != nil {
		panic(err) // it holds strings only
	}
	return fmt.Sprintf("v1:%x", sha256.Sum256(content))
}
