// Command rivals holds what the operator is measured against, and what the
// measuring needs: one subcommand each.
//
//	rivals sink         the events API, as cheap as possible
//	rivals create       makes CustomEvents at a given rate
//	rivals possible     delivers what lies in a cluster as fast as anything can
//	rivals bare         sends each new event at once, and does nothing else
//	rivals controller   the operator as one writes it with controller-runtime
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

var commands = map[string]func(ctx context.Context, args []string) error{
	"sink":       runSink,
	"create":     runCreate,
	"possible":   runPossible,
	"bare":       runBare,
	"controller": runController,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		// One line, whatever the error holds: it stands among those of other programs.
		fmt.Fprintln(os.Stderr, "rivals:", strings.Join(strings.Fields(err.Error()), " "))
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	known := strings.Join(slices.Sorted(maps.Keys(commands)), ", ")
	if len(args) == 0 {
		return errors.New("which subcommand? One of " + known)
	}
	command, ok := commands[args[0]]
	if !ok {
		return fmt.Errorf("%q is no subcommand; there are %s", args[0], known)
	}
	err := command(ctx, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}

// parse reads a subcommand's flags, of which the required ones must not be left empty.
func parse(flags *flag.FlagSet, args []string, required ...string) error {
	flags.SetOutput(io.Discard) // it would print the usage below each mistake
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return err
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is not understood: there are flags only", flags.Arg(0))
	}
	for _, name := range required {
		if flags.Lookup(name).Value.String() == "" {
			return fmt.Errorf("--%s is missing", name)
		}
	}
	return nil
}

// names reads a list such as "shop,web".
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// unlessStopped forgives the errors of what a signal broke off.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
