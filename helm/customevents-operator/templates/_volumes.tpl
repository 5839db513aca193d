{{/* What the operator reads from files: the key, and the authorities to trust. */}}
{{- define "customevents.mounts" -}}
{{- if not (include "customevents.keyFromElsewhere" .) }}
# A folder and not a single file, or a changed key would not arrive.
- name: key
  mountPath: /etc/customevents/key
  readOnly: true
{{- end }}
{{- if .Values.extraCA.configMap }}
- name: ca
  mountPath: /etc/customevents/ca
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "customevents.volumes" -}}
{{- if not (include "customevents.keyFromElsewhere" .) }}
- name: key
  secret:
    secretName: {{ include "customevents.keySecret" . }}
    items:
    - key: {{ ternary "apiKey" .Values.apiKeySecret.key .Values.sandbox.enabled }}
      path: api-key
{{- end }}
{{- with .Values.extraCA }}
{{- if .configMap }}
- name: ca
  configMap:
    name: {{ .configMap }}
    items:
    - key: {{ .key }}
      path: ca.crt
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
