{{/* What the operator may do wherever it watches. On CustomEvents it writes status and nothing else. */}}
{{- define "customevents.rules" -}}
- apiGroups: [customevents.dev]
  resources: [customevents]
  verbs: [get, list, watch{{ if .Values.ttl.enabled }}, delete{{ end }}]
- apiGroups: [customevents.dev]
  resources: [customevents/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
# The services that an event is about.
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [list]
- apiGroups: [argoproj.io]
  resources: [rollouts]
  verbs: [list]
{{- end }}

{{/* What it takes to look for the cluster's name. */}}
{{- define "customevents.nameRules" -}}
- apiGroups: [""]
  resources: [nodes]
  verbs: [list]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [k8s-watcher-config, kubeadm-config]
  verbs: [get]
- apiGroups: [about.k8s.io]
  resources: [clusterproperties]
  resourceNames: [cluster.clusterset.k8s.io]
  verbs: [get]
{{- end }}

{{/* The binding of a role to the operator; given as (list . "Role" name namespace). */}}
{{- define "customevents.binding" -}}
{{- $top := index . 0 }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ index . 1 }}Binding
metadata:
  name: {{ index . 2 }}
  {{- with index . 3 }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "customevents.labels" (list $top "operator" dict) | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ index . 1 }}
  name: {{ index . 2 }}
subjects:
- kind: ServiceAccount
  name: {{ include "customevents.serviceAccount" $top }}
  namespace: {{ $top.Release.Namespace }}
{{- end }}
