// Command controlplane is a local Kubernetes control plane in one binary, for
// tests, demos and benchmarks on loopback. It is never for a real cluster.
//
// It runs one component at a time, in the foreground, with that component's
// own flags:
//
//	controlplane etcd --data-dir=DIR ...
//	controlplane kube-apiserver --etcd-servers=URL ...
//	controlplane kube-controller-manager --kubeconfig=FILE ...
//
// With --until-stdin-closes before its name, a component ends when its standard
// input does: it dies with the process that holds the other end of that pipe,
// however that process dies.
//
// Two more commands prepare what the components read:
//
//	controlplane pki DIR                                  keys and certificates
//	controlplane kubeconfig DIR SERVER USER [GROUP...]    a kubeconfig, on stdout
package main

import (
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // CronJob time zones, where the host has no zoneinfo

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client-go metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // build version metric
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// commands maps a name to what runs it and gives its exit status. Each builds
// its component only when called: the components share process-wide state
// (signal handler, feature gates, logging), so a process may hold only one.
var commands = map[string]func(args []string) int{
	"etcd": func(args []string) int {
		etcdmain.Main(append([]string{"etcd"}, args...))
		return 0
	},
	"kube-apiserver": func(args []string) int {
		cmd := apiserver.NewAPIServerCommand()
		cmd.SetArgs(args)
		return cli.Run(cmd)
	},
	"kube-controller-manager": func(args []string) int {
		cmd := controllermanager.NewControllerManagerCommand()
		cmd.SetArgs(args)
		return cli.Run(cmd)
	},
	"pki":        runPKI,
	"kubeconfig": runKubeconfig,
}

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--until-stdin-closes" {
		args = args[1:]
		go exitWithStdin()
	}
	if len(args) > 0 {
		if run, known := commands[args[0]]; known {
			os.Exit(run(args[1:]))
		}
	}
	fmt.Fprintln(os.Stderr, "usage: controlplane [--until-stdin-closes] etcd|kube-apiserver|kube-controller-manager [FLAG...]")
	fmt.Fprintln(os.Stderr, "       controlplane pki|kubeconfig ARG...")
	os.Exit(2)
}

// exitWithStdin does not shut down in order: nobody is left to wait for it, and
// the state of a local cluster is thrown away.
func exitWithStdin() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}
