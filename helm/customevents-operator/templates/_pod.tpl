{{/* What every pod has: also the sandbox's and the test's. */}}
{{- define "customevents.pod" -}}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
# Else a Service with a name like ours would come as a setting.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
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
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}
