{{/* The chart's name, as labels carry it. */}}
{{- define "sonde.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The beginning of every object's name: the release, and the chart unless the release names it. */}}
{{- define "sonde.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "sonde.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What never changes of a release: selectors are immutable. */}}
{{- define "sonde.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sonde.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "sonde.labels" -}}
{{ include "sonde.selectorLabels" . }}
app.kubernetes.io/part-of: sonde
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "sonde.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "sonde.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* An image by digest or tag. Call with (dict "root" $ "image" .Values.image). A registry of `global` replaces the repository's own. */}}
{{- define "sonde.image" -}}
{{- $repository := .image.repository -}}
{{- with .root.Values.global.imageRegistry -}}
{{- $parts := splitList "/" $repository -}}
{{- $first := first $parts -}}
{{- if and (gt (len $parts) 1) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) -}}
{{- $repository = join "/" (rest $parts) -}}
{{- end -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository -}}
{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Cluster-wide objects carry the namespace, so that two releases do not share one. */}}
{{- define "sonde.webhookConfiguration" -}}
{{- printf "%s-%s" (include "sonde.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "sonde.webhookSecret" -}}
{{- default (printf "%s-webhook-certificate" (include "sonde.fullname" .)) .Values.webhook.certificate.secretName -}}
{{- end -}}

{{/* Whose resources and pods pass the webhook: the operator's namespaces, and never its own. */}}
{{- define "sonde.webhookNamespaces" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: [{{ .Release.Namespace }}]
{{- with .Values.watchNamespaces }}
- key: kubernetes.io/metadata.name
  operator: In
  values:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}

{{/* One entry of a webhook configuration. Call with (dict "root" $ "name" … "path" … "group" … "version" … "resource" … "operations" … "policy" … "sideEffects" …). */}}
{{- define "sonde.webhook" -}}
{{- /* No caBundle: the operator writes it, under a field manager of its own. */ -}}
- name: {{ .name }}
  clientConfig:
    service:
      namespace: {{ .root.Release.Namespace }}
      name: {{ include "sonde.fullname" .root }}-webhook
      path: {{ .path }}
      port: 443
  rules:
    - apiGroups: [{{ .group | quote }}]
      apiVersions: [{{ .version }}]
      resources: [{{ .resource }}]
      operations: {{ .operations }}
      scope: Namespaced
  failurePolicy: {{ .policy }}
  matchPolicy: Equivalent
  sideEffects: {{ .sideEffects }}
  timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
  admissionReviewVersions: [v1]
{{- end -}}

{{/* What the operator may do in a namespace. Tests/RepositoryTests/ChartTests.swift compares it with what Rendering makes. */}}
{{- define "sonde.rules" -}}
# The two resources: read, and their status written. `patch` takes the finalizer of an earlier operator off; nothing else is written.
- apiGroups: [opentelemetry.io]
  resources: [opentelemetrycollectors]
  verbs: [get, list, watch, patch]
- apiGroups: [sonde.dev]
  resources: [ebpfprobes]
  verbs: [get, list, watch]
- apiGroups: [opentelemetry.io]
  resources: [opentelemetrycollectors/status]
  verbs: [patch]
- apiGroups: [sonde.dev]
  resources: [ebpfprobes/status]
  verbs: [patch]
# Owner references that block the owner's deletion need this where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [opentelemetry.io]
  resources: [opentelemetrycollectors/finalizers]
  verbs: [update]
- apiGroups: [sonde.dev]
  resources: [ebpfprobes/finalizers]
  verbs: [update]
# What is rendered: server-side apply is create and patch, what is no longer rendered is deleted.
- apiGroups: [""]
  resources: [configmaps, serviceaccounts, services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [daemonsets, deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# Kinds of other products, written where their definitions are installed.
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors, podmonitors, prometheusrules]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [route.openshift.io]
  resources: [routes]
  verbs: [get, list, watch, create, patch, delete]
# OpenShift asks for this right where a Route names its host.
- apiGroups: [route.openshift.io]
  resources: [routes/custom-host]
  verbs: [create]
# Claims of a StatefulSet whose template grew; nothing else of a claim is changed, and none is made or deleted.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, patch]
# Read before an earlier configuration is deleted: a ReplicaSet may start pods with it.
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list]
# Pods of agents and collectors are only read: where they run, how they are, and at which address they tell their status and metrics.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
# Events are written on transitions, and read to say why pods are refused.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [list, create, patch]
{{- if .Values.rbac.readSecrets }}
# Their content is hashed and not kept, for collectors that ask to be rolled when it changes.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch]
{{- end }}
{{- end -}}
