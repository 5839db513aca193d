{{- define "labels" }}
  labels:
    app.kubernetes.io/managed-by: {{ .Release.Service }}
    {{- if .Values.instanceLabel }}
    app.kubernetes.io/instance: {{ .Release.Name }}
    {{- end }}
{{- end }}
