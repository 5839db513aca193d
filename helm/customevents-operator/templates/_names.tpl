{{/* Not empty when every namespace is watched. Then everything has a fixed name: a second release,
which would send every event once more, is refused by Helm. */}}
{{- define "customevents.clusterWide" -}}
{{- if not .Values.watchNamespaces }}true{{ end }}
{{- end }}

{{/* The name of everything, also of the Lease. Names of Services end at 63 characters. */}}
{{- define "customevents.name" -}}
{{- if include "customevents.clusterWide" . -}}
customevents
{{- else -}}
{{ .Release.Name | trunc 42 | trimSuffix "-" }}-customevents
{{- end }}
{{- end }}

{{- define "customevents.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "customevents.name" .) }}
{{- end }}

{{/* Not empty when the API key is in a file that somebody else brings: then nothing of ours mounts it. */}}
{{- define "customevents.keyFromElsewhere" -}}
{{- if or .Values.apiKeyFile (include "customevents.hasEnv" (list . "CUSTOMEVENTS_API_KEY_FILE")) }}true{{ end }}
{{- end }}

{{/* Not empty when extraEnv names this variable, in whatever letters; given as (list . name). */}}
{{- define "customevents.hasEnv" -}}
{{- $name := index . 1 }}
{{- range (index . 0).Values.extraEnv }}
{{- if eq (upper .name) $name }}true{{ end }}
{{- end }}
{{- end }}

{{/* The Secret with the API key. */}}
{{- define "customevents.keySecret" -}}
{{- if .Values.sandbox.enabled -}}
{{ include "customevents.name" . }}-sandbox
{{- else -}}
{{ .Values.apiKeySecret.name | default (printf "%s-api-key" (include "customevents.name" .)) }}
{{- end }}
{{- end }}

{{- define "customevents.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Labels that select the pods of one component; given as (list . "operator"). */}}
{{- define "customevents.selector" -}}
app.kubernetes.io/name: customevents-operator
app.kubernetes.io/instance: {{ index . 0 "Release" "Name" | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of an object; given as (list . component more): "" is of none, and the values' commonLabels
may say otherwise, but never about what selects the pods. */}}
{{- define "customevents.labels" -}}
{{- $top := index . 0 }}
{{- $ours := dict
  "app.kubernetes.io/part-of" "customevents"
  "app.kubernetes.io/managed-by" $top.Release.Service
  "app.kubernetes.io/version" $top.Chart.AppVersion
  "helm.sh/chart" (printf "%s-%s" $top.Chart.Name ($top.Chart.Version | replace "+" "_")) }}
{{- $selecting := dict }}
{{- with index . 1 }}
{{- $selecting = include "customevents.selector" (list $top .) | fromYaml }}
{{- end }}
{{- merge $selecting (index . 2 | default dict) ($top.Values.commonLabels | default dict) $ours | toYaml }}
{{- end }}

{{/* A file's objects with the labels; further metadata as YAML. Given as (list . text metadata). */}}
{{- define "customevents.labelled" -}}
{{- $metadata := printf "labels:\n%s" (include "customevents.labels" (list (index . 0) "" dict) | indent 2) }}
{{- with index . 2 }}{{ $metadata = printf "%s\n%s" . $metadata }}{{ end }}
{{- index . 1 | replace "\nmetadata:\n" (printf "\nmetadata:\n%s\n" ($metadata | indent 2)) }}
{{- end }}
