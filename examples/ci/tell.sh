#!/bin/sh
# A step of a CI job: create the event, wait for it, and end with 0 only if it was delivered.
#   tell.sh NAMESPACE FILE [TIMEOUT]
# The file has a generateName, so that each run of the job is an event of its own.
set -eu
namespace=$1 file=$2 timeout=${3:-60s}

event=$(kubectl create --namespace "$namespace" --filename "$file" --output name)
if ! kubectl wait --namespace "$namespace" --for=condition=Delivered --timeout "$timeout" "$event"; then
  kubectl get --namespace "$namespace" "$event" --output wide >&2
  exit 1
fi
