{{/* What every pod has: also the sandbox's and the test's. */}}
{{- define "customevents.pod" -}}
securityContext:
  {{- include "customevents.set" .Values.podSecurityContext | nindent 2 }}
# Else a Service with a name like ours would come as a setting.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What every container has. The image's entrypoint is `customevents`. */}}
{{- define "customevents.container" -}}
image: {{ include "customevents.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- include "customevents.set" .Values.securityContext | nindent 2 }}
{{- end }}

{{/* A map as YAML, without what is null: so a parent chart takes a default away, and Helm hands that
null down in some versions, and not in others. */}}
{{- define "customevents.set" -}}
{{- $set := dict }}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $set $key $value }}{{ end }}
{{- end }}
{{- toYaml $set }}
{{- end }}
