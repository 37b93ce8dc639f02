{{- define "osmig.name" -}}
{{- if .Values.nameOverride -}}
{{- .Values.nameOverride -}}
{{- else if contains "osmig" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-osmig" (.Release.Name | trunc 34 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- /* What a selector may hold: it never changes in the life of a release. */ -}}
{{- define "osmig.selector" -}}
app.kubernetes.io/name: osmig
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "osmig.labels" -}}
app.kubernetes.io/name: osmig
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: osmig
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "osmig.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "osmig.name" .) -}}
{{- end -}}

{{- define "osmig.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "osmig.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "osmig.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- /* From what is a setting of its own to the flag; all others are extraArgs. */ -}}
{{- define "osmig.args" -}}
- run
- --log-format=json
{{- if ne (include "osmig.name" .) "osmig" }}
- --lease-name={{ include "osmig.name" . }}
{{- end }}
{{- if ne (int .Values.httpPort) 8080 }}
- --http-port={{ .Values.httpPort }}
{{- end }}
{{- range .Values.namespaces }}
- --namespace={{ . }}
{{- end }}
{{- range .Values.allowEndpoints }}
- --allow-endpoint={{ . }}
{{- end }}
{{- range .Values.serviceRanges }}
- --service-range={{ . }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}
