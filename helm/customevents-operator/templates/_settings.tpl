{{/* The operator's environment, as the values say it: docs/settings.md. */}}
{{- define "customevents.settings" -}}
{{- with .Values -}}
{{- if .apiKeyFile }}
CUSTOMEVENTS_API_KEY_FILE: {{ .apiKeyFile | quote }}
{{- else if not (include "customevents.keyFromElsewhere" $) }}
CUSTOMEVENTS_API_KEY_FILE: /etc/customevents/key/api-key
{{- end }}
CUSTOMEVENTS_SITE: {{ .site | quote }}
{{- if .sandbox.enabled }}
CUSTOMEVENTS_ENDPOINT: http://{{ include "customevents.name" $ }}-sandbox:8090
{{- else }}
CUSTOMEVENTS_ENDPOINT: {{ .endpoint | quote }}
{{- end }}
CUSTOMEVENTS_ALLOW_HTTP: {{ or .allowHttp .sandbox.enabled | quote }}
CUSTOMEVENTS_PROXY: {{ .proxy.eventsApi | quote }}
{{- if .extraCA.configMap }}
CUSTOMEVENTS_CA_FILE: /etc/customevents/ca/ca.crt
{{- end }}
CUSTOMEVENTS_CLUSTER_NAME: {{ .clusterName | toJson }}
CUSTOMEVENTS_WATCH_NAMESPACES: {{ .watchNamespaces | join "," | quote }}
CUSTOMEVENTS_SCOPE_WIDE_FROM: {{ .scope.wideFrom | join "," | default "-" | quote }}
CUSTOMEVENTS_DISCOVERY_RELEASE: {{ .discovery.release | quote }}
CUSTOMEVENTS_DISCOVERY_SETTLE_SECONDS: {{ .discovery.settleSeconds | toJson | quote }}
CUSTOMEVENTS_DISCOVERY_AGENT_NAMESPACES: {{ .discovery.agentNamespaces | join "," | quote }}
CUSTOMEVENTS_DELIVERY_PAUSED: {{ .delivery.paused | quote }}
CUSTOMEVENTS_DELIVERY_RATE: {{ .delivery.rate | toJson | quote }}
CUSTOMEVENTS_DELIVERY_BURST: {{ .delivery.burst | toJson | quote }}
CUSTOMEVENTS_DELIVERY_IN_FLIGHT: {{ .delivery.inFlight | toJson | quote }}
CUSTOMEVENTS_DELIVERY_POST_TIMEOUT: {{ .delivery.postTimeout | toJson | quote }}
CUSTOMEVENTS_DELIVERY_DEADLINE: {{ .delivery.deadline | toJson | quote }}
CUSTOMEVENTS_DELIVERY_ON_UNKNOWN_OUTCOME: {{ .delivery.onUnknownOutcome | quote }}
CUSTOMEVENTS_TTL_ENABLED: {{ .ttl.enabled | quote }}
CUSTOMEVENTS_PROVENANCE_ENABLED: {{ .provenance.enabled | quote }}
CUSTOMEVENTS_EVENTS_DELIVERED: {{ .events.delivered | quote }}
CUSTOMEVENTS_LOG_LEVEL: {{ .log.level | quote }}
CUSTOMEVENTS_METRICS_NAMESPACE_LABEL: {{ .metrics.namespaceLabel | quote }}
CUSTOMEVENTS_LEASE_NAME: {{ include "customevents.name" $ }}
CUSTOMEVENTS_LEASE_NAMESPACE: {{ $.Release.Namespace }}
CUSTOMEVENTS_LEASE_DURATION: {{ .lease.duration | toJson | quote }}
{{- end }}
{{- end }}

{{/* The proxies of everything that the operator asks. The Kubernetes API, whose address the kubelet puts
in, and what is inside the cluster are asked without one, also where extraEnv names the proxy. */}}
{{- define "customevents.proxies" -}}
{{- with .Values.proxy }}
{{- with .httpsProxy }}
HTTPS_PROXY: {{ . | quote }}
{{- end }}
{{- with .httpProxy }}
HTTP_PROXY: {{ . | quote }}
{{- end }}
{{- if include "customevents.hasProxy" $ }}
{{- $inside := list "$(KUBERNETES_SERVICE_HOST)" "localhost" "127.0.0.1" "::1" ".svc" ".cluster.local" }}
{{- if $.Values.sandbox.enabled }}
{{- $inside = append $inside (printf "%s-sandbox" (include "customevents.name" $)) }}
{{- end }}
NO_PROXY: {{ concat (compact (list .noProxy)) $inside | join "," | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "customevents.hasProxy" -}}
{{- with .Values.proxy }}{{ if or .httpsProxy .httpProxy }}true{{ end }}{{ end }}
{{- include "customevents.hasEnv" (list . "HTTPS_PROXY") }}
{{- include "customevents.hasEnv" (list . "HTTP_PROXY") }}
{{- end }}

{{/* A container's env from a map like these; what is empty is left to the operator's default. */}}
{{- define "customevents.env" -}}
{{- range $name, $value := . }}
{{- if $value }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
