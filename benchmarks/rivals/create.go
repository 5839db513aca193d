package main

import (
	"context"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
)

// creator makes numbered events.
type creator struct {
	kube       *kube
	namespaces []string
	count      int
	prefix     string
	rate       float64
	width      int
	status     json.RawMessage // nil: none is written

	output sync.Mutex
}

func runCreate(ctx context.Context, args []string) error {
	c := &creator{}
	flags := flag.NewFlagSet("create", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig `file`")
	namespaces := flags.String("namespaces", "", "`list` of namespaces that exist, taken in turn")
	status := flags.String("status", "", "JSON `file` with the status that each gets after its creation")
	flags.IntVar(&c.count, "count", 0, "how many")
	flags.StringVar(&c.prefix, "prefix", "e", "what their names begin with")
	flags.Float64Var(&c.rate, "rate", 0, "how many a second, each at its time; 0: as fast as --width allows")
	flags.IntVar(&c.width, "width", 16, "how many side by side, without --rate")
	if err := parse(flags, args, "kubeconfig", "namespaces"); err != nil {
		return err
	}
	if c.namespaces = names(*namespaces); len(c.namespaces) == 0 {
		return errors.New("--namespaces names none")
	}
	if c.count < 0 || c.rate < 0 {
		return errors.New("--count and --rate must not be negative")
	}
	var err error
	if c.kube, err = openKube(*kubeconfig, "create"); err != nil {
		return err
	}
	if *status != "" {
		if c.status, err = readStatus(*status); err != nil {
			return err
		}
	}
	if c.rate > 0 {
		return c.inTime(ctx)
	}
	return sideBySide(ctx, c.width, c.count, func(ctx context.Context, _, index int) error {
		return c.create(ctx, index, time.Now())
	})
}

// inTime starts each event when it is due, however long the others take: a slow API server must
// not slow down what it is measured with.
func (c *creator) inTime(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var open sync.WaitGroup
	start := time.Now()
	for index := range c.count {
		due := start.Add(time.Duration(float64(index) / c.rate * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		open.Go(func() {
			if err := c.create(ctx, index, due); err != nil {
				cancel(err)
			}
		})
	}
	open.Wait()
	return context.Cause(ctx)
}

func (c *creator) create(ctx context.Context, index int, due time.Time) error {
	event := c.event(index)
	var made *object
	if c.status != nil {
		made = &object{}
	}
	if err := c.kube.create(ctx, event, made); err != nil {
		return err
	}
	c.tell(event, due, time.Now())
	if made == nil {
		return nil
	}
	patch, err := c.kube.statusPatch(ctx, made, c.status)
	if err != nil {
		return err
	}
	return exchange(c.kube.client, patch, io.Discard)
}

func (c *creator) tell(event *object, due, created time.Time) {
	c.output.Lock()
	defer c.output.Unlock()
	fmt.Printf("%s/%s %d %d\n",
		event.Metadata.Namespace, event.Metadata.Name, due.UnixNano(), created.UnixNano())
}

func (c *creator) event(index int) *object {
	number := index + 1
	namespace := c.namespaces[index%len(c.namespaces)]
	name := fmt.Sprintf("%s-%06d", c.prefix, number)
	return &object{
		APIVersion: group + "/" + version,
		Kind:       "CustomEvent",
		Metadata:   metadata{Namespace: namespace, Name: name},
		Spec: Spec{
			EventType: "benchmark",
			Summary:   "Benchmark event " + name,
			Severity:  "information",
			Details: map[string]string{
				"bench":    namespace + "/" + name,
				"version":  "1.4.2",
				"commit":   fmt.Sprintf("%x", sha1.Sum([]byte(strconv.Itoa(number)))),
				"pipeline": fmt.Sprintf("release-%d", number),
				"team":     "platform",
			},
		},
	}
}
