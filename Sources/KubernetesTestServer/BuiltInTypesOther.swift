// The fields of Kubernetes' other groups, as a table: a type a line, `field:type`, with what server-side apply and strategic merge need.
// BuiltInSchemas reads it; the names, list types and keys are those of Kubernetes 1.36 (client-go applyconfigurations, struct tags of k8s.io/api).
// It never holds descriptions or validation rules.

/// The notation: `string int bool any Time MicroTime Quantity IntOrString`, `[T]` an atomic list, `[T]{k1,k2}` a list with keys, `[T]{}` a set,
/// `map<T>`, `!` an atomic struct or map, `~key` the patch merge key (`~` alone: a list of scalars is merged), `^` retain keys, `=x` a default of a key.
let builtInTypesOther = """
    admissionregistration.MatchCondition expression:string name:string
    admissionregistration.MutatingWebhook admissionReviewVersions:[string] clientConfig:admissionregistration.WebhookClientConfig failurePolicy:string
      matchConditions:[admissionregistration.MatchCondition]{name}~name matchPolicy:string name:string namespaceSelector:meta.LabelSelector
      objectSelector:meta.LabelSelector reinvocationPolicy:string rules:[admissionregistration.RuleWithOperations] sideEffects:string timeoutSeconds:int
    admissionregistration.MutatingWebhookConfiguration metadata:meta.ObjectMeta webhooks:[admissionregistration.MutatingWebhook]{name}~name
    admissionregistration.RuleWithOperations apiGroups:[string] apiVersions:[string] operations:[string] resources:[string] scope:string
    admissionregistration.ServiceReference name:string namespace:string path:string port:int
    admissionregistration.ValidatingWebhook admissionReviewVersions:[string] clientConfig:admissionregistration.WebhookClientConfig failurePolicy:string
      matchConditions:[admissionregistration.MatchCondition]{name}~name matchPolicy:string name:string namespaceSelector:meta.LabelSelector
      objectSelector:meta.LabelSelector rules:[admissionregistration.RuleWithOperations] sideEffects:string timeoutSeconds:int
    admissionregistration.ValidatingWebhookConfiguration metadata:meta.ObjectMeta webhooks:[admissionregistration.ValidatingWebhook]{name}~name
    admissionregistration.WebhookClientConfig caBundle:string service:admissionregistration.ServiceReference url:string
    apps.DaemonSet metadata:meta.ObjectMeta spec:apps.DaemonSetSpec status:apps.DaemonSetStatus
    apps.DaemonSetCondition lastTransitionTime:Time message:string reason:string status:string type:string
    apps.DaemonSetSpec minReadySeconds:int revisionHistoryLimit:int selector:meta.LabelSelector template:core.PodTemplateSpec
      updateStrategy:apps.DaemonSetUpdateStrategy
    apps.DaemonSetStatus collisionCount:int conditions:[apps.DaemonSetCondition]{type}~type currentNumberScheduled:int desiredNumberScheduled:int
      numberAvailable:int numberMisscheduled:int numberReady:int numberUnavailable:int observedGeneration:int updatedNumberScheduled:int
    apps.DaemonSetUpdateStrategy rollingUpdate:apps.RollingUpdateDaemonSet type:string
    apps.Deployment metadata:meta.ObjectMeta spec:apps.DeploymentSpec status:apps.DeploymentStatus
    apps.DeploymentCondition lastTransitionTime:Time lastUpdateTime:Time message:string reason:string status:string type:string
    apps.DeploymentSpec minReadySeconds:int paused:bool progressDeadlineSeconds:int replicas:int revisionHistoryLimit:int selector:meta.LabelSelector
      strategy:apps.DeploymentStrategy^ template:core.PodTemplateSpec
    apps.DeploymentStatus availableReplicas:int collisionCount:int conditions:[apps.DeploymentCondition]{type}~type observedGeneration:int
      readyReplicas:int replicas:int terminatingReplicas:int unavailableReplicas:int updatedReplicas:int
    apps.DeploymentStrategy rollingUpdate:apps.RollingUpdateDeployment type:string
    apps.ReplicaSet metadata:meta.ObjectMeta spec:apps.ReplicaSetSpec status:apps.ReplicaSetStatus
    apps.ReplicaSetCondition lastTransitionTime:Time message:string reason:string status:string type:string
    apps.ReplicaSetSpec minReadySeconds:int replicas:int selector:meta.LabelSelector template:core.PodTemplateSpec
    apps.ReplicaSetStatus availableReplicas:int conditions:[apps.ReplicaSetCondition]{type}~type fullyLabeledReplicas:int observedGeneration:int
      readyReplicas:int replicas:int terminatingReplicas:int
    apps.RollingUpdateDaemonSet maxSurge:IntOrString maxUnavailable:IntOrString
    apps.RollingUpdateDeployment maxSurge:IntOrString maxUnavailable:IntOrString
    apps.RollingUpdateStatefulSetStrategy maxUnavailable:IntOrString partition:int
    apps.StatefulSet metadata:meta.ObjectMeta spec:apps.StatefulSetSpec status:apps.StatefulSetStatus
    apps.StatefulSetCondition lastTransitionTime:Time message:string reason:string status:string type:string
    apps.StatefulSetOrdinals start:int
    apps.StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted:string whenScaled:string
    apps.StatefulSetSpec minReadySeconds:int ordinals:apps.StatefulSetOrdinals
      persistentVolumeClaimRetentionPolicy:apps.StatefulSetPersistentVolumeClaimRetentionPolicy podManagementPolicy:string replicas:int
      revisionHistoryLimit:int selector:meta.LabelSelector serviceName:string template:core.PodTemplateSpec updateStrategy:apps.StatefulSetUpdateStrategy
      volumeClaimTemplates:[core.PersistentVolumeClaim]
    apps.StatefulSetStatus availableReplicas:int collisionCount:int conditions:[apps.StatefulSetCondition]{type}~type currentReplicas:int
      currentRevision:string observedGeneration:int readyReplicas:int replicas:int updateRevision:string updatedReplicas:int
    apps.StatefulSetUpdateStrategy rollingUpdate:apps.RollingUpdateStatefulSetStrategy type:string
    autoscaling.ContainerResourceMetricSource container:string name:string target:autoscaling.MetricTarget
    autoscaling.ContainerResourceMetricStatus container:string current:autoscaling.MetricValueStatus name:string
    autoscaling.CrossVersionObjectReference apiVersion:string kind:string name:string
    autoscaling.ExternalMetricSource metric:autoscaling.MetricIdentifier target:autoscaling.MetricTarget
    autoscaling.ExternalMetricStatus current:autoscaling.MetricValueStatus metric:autoscaling.MetricIdentifier
    autoscaling.HPAScalingPolicy periodSeconds:int type:string value:int
    autoscaling.HPAScalingRules policies:[autoscaling.HPAScalingPolicy] selectPolicy:string stabilizationWindowSeconds:int tolerance:Quantity
    autoscaling.HorizontalPodAutoscaler metadata:meta.ObjectMeta spec:autoscaling.HorizontalPodAutoscalerSpec
      status:autoscaling.HorizontalPodAutoscalerStatus
    autoscaling.HorizontalPodAutoscalerBehavior scaleDown:autoscaling.HPAScalingRules scaleUp:autoscaling.HPAScalingRules
    autoscaling.HorizontalPodAutoscalerCondition lastTransitionTime:Time message:string reason:string status:string type:string
    autoscaling.HorizontalPodAutoscalerSpec behavior:autoscaling.HorizontalPodAutoscalerBehavior maxReplicas:int metrics:[autoscaling.MetricSpec]
      minReplicas:int scaleTargetRef:autoscaling.CrossVersionObjectReference
    autoscaling.HorizontalPodAutoscalerStatus conditions:[autoscaling.HorizontalPodAutoscalerCondition]{type}~type
      currentMetrics:[autoscaling.MetricStatus] currentReplicas:int desiredReplicas:int lastScaleTime:Time observedGeneration:int
    autoscaling.MetricIdentifier name:string selector:meta.LabelSelector
    autoscaling.MetricSpec containerResource:autoscaling.ContainerResourceMetricSource external:autoscaling.ExternalMetricSource
      object:autoscaling.ObjectMetricSource pods:autoscaling.PodsMetricSource resource:autoscaling.ResourceMetricSource type:string
    autoscaling.MetricStatus containerResource:autoscaling.ContainerResourceMetricStatus external:autoscaling.ExternalMetricStatus
      object:autoscaling.ObjectMetricStatus pods:autoscaling.PodsMetricStatus resource:autoscaling.ResourceMetricStatus type:string
    autoscaling.MetricTarget averageUtilization:int averageValue:Quantity type:string value:Quantity
    autoscaling.MetricValueStatus averageUtilization:int averageValue:Quantity value:Quantity
    autoscaling.ObjectMetricSource describedObject:autoscaling.CrossVersionObjectReference metric:autoscaling.MetricIdentifier
      target:autoscaling.MetricTarget
    autoscaling.ObjectMetricStatus current:autoscaling.MetricValueStatus describedObject:autoscaling.CrossVersionObjectReference
      metric:autoscaling.MetricIdentifier
    autoscaling.PodsMetricSource metric:autoscaling.MetricIdentifier target:autoscaling.MetricTarget
    autoscaling.PodsMetricStatus current:autoscaling.MetricValueStatus metric:autoscaling.MetricIdentifier
    autoscaling.ResourceMetricSource name:string target:autoscaling.MetricTarget
    autoscaling.ResourceMetricStatus current:autoscaling.MetricValueStatus name:string
    coordination.Lease metadata:meta.ObjectMeta spec:coordination.LeaseSpec
    coordination.LeaseSpec acquireTime:MicroTime holderIdentity:string leaseDurationSeconds:int leaseTransitions:int preferredHolder:string
      renewTime:MicroTime strategy:string
    discovery.Endpoint addresses:[string]{} conditions:discovery.EndpointConditions deprecatedTopology:map<string> hints:discovery.EndpointHints
      hostname:string nodeName:string targetRef:core.ObjectReference zone:string
    discovery.EndpointConditions ready:bool serving:bool terminating:bool
    discovery.EndpointHints forNodes:[discovery.ForNode] forZones:[discovery.ForZone]
    discovery.EndpointPort! appProtocol:string name:string port:int protocol:string
    discovery.EndpointSlice addressType:string endpoints:[discovery.Endpoint] metadata:meta.ObjectMeta ports:[discovery.EndpointPort]
    discovery.ForNode name:string
    discovery.ForZone name:string
    events.Event action:string deprecatedCount:int deprecatedFirstTimestamp:Time deprecatedLastTimestamp:Time deprecatedSource:core.EventSource
      eventTime:MicroTime metadata:meta.ObjectMeta note:string reason:string regarding:core.ObjectReference related:core.ObjectReference
      reportingController:string reportingInstance:string series:events.EventSeries type:string
    events.EventSeries count:int lastObservedTime:MicroTime
    meta.Condition lastTransitionTime:Time message:string observedGeneration:int reason:string status:string type:string
    meta.LabelSelector! matchExpressions:[meta.LabelSelectorRequirement] matchLabels:map<string>
    meta.LabelSelectorRequirement key:string operator:string values:[string]
    meta.ManagedFieldsEntry apiVersion:string fieldsType:string fieldsV1:any manager:string operation:string subresource:string time:Time
    meta.ObjectMeta annotations:map<string> creationTimestamp:Time deletionGracePeriodSeconds:int deletionTimestamp:Time finalizers:[string]{}~
      generateName:string generation:int labels:map<string> managedFields:[meta.ManagedFieldsEntry] name:string namespace:string
      ownerReferences:[meta.OwnerReference]{uid}~uid resourceVersion:string selfLink:string uid:string
    meta.OwnerReference! apiVersion:string blockOwnerDeletion:bool controller:bool kind:string name:string uid:string
    networking.HTTPIngressPath backend:networking.IngressBackend path:string pathType:string
    networking.HTTPIngressRuleValue paths:[networking.HTTPIngressPath]
    networking.IPBlock cidr:string except:[string]
    networking.Ingress metadata:meta.ObjectMeta spec:networking.IngressSpec status:networking.IngressStatus
    networking.IngressBackend resource:core.TypedLocalObjectReference service:networking.IngressServiceBackend
    networking.IngressLoadBalancerIngress hostname:string ip:string ports:[networking.IngressPortStatus]
    networking.IngressLoadBalancerStatus ingress:[networking.IngressLoadBalancerIngress]
    networking.IngressPortStatus error:string port:int protocol:string
    networking.IngressRule host:string http:networking.HTTPIngressRuleValue
    networking.IngressServiceBackend name:string port:networking.ServiceBackendPort
    networking.IngressSpec defaultBackend:networking.IngressBackend ingressClassName:string rules:[networking.IngressRule] tls:[networking.IngressTLS]
    networking.IngressStatus loadBalancer:networking.IngressLoadBalancerStatus
    networking.IngressTLS hosts:[string] secretName:string
    networking.NetworkPolicy metadata:meta.ObjectMeta spec:networking.NetworkPolicySpec
    networking.NetworkPolicyEgressRule ports:[networking.NetworkPolicyPort] to:[networking.NetworkPolicyPeer]
    networking.NetworkPolicyIngressRule from:[networking.NetworkPolicyPeer] ports:[networking.NetworkPolicyPort]
    networking.NetworkPolicyPeer ipBlock:networking.IPBlock namespaceSelector:meta.LabelSelector podSelector:meta.LabelSelector
    networking.NetworkPolicyPort endPort:int port:IntOrString protocol:string
    networking.NetworkPolicySpec egress:[networking.NetworkPolicyEgressRule] ingress:[networking.NetworkPolicyIngressRule] podSelector:meta.LabelSelector
      policyTypes:[string]
    networking.ServiceBackendPort! name:string number:int
    policy.PodDisruptionBudget metadata:meta.ObjectMeta spec:policy.PodDisruptionBudgetSpec status:policy.PodDisruptionBudgetStatus
    policy.PodDisruptionBudgetSpec maxUnavailable:IntOrString minAvailable:IntOrString selector:meta.LabelSelector unhealthyPodEvictionPolicy:string
    policy.PodDisruptionBudgetStatus conditions:[meta.Condition]{type}~type currentHealthy:int desiredHealthy:int disruptedPods:map<Time>
      disruptionsAllowed:int expectedPods:int observedGeneration:int
    rbac.AggregationRule clusterRoleSelectors:[meta.LabelSelector]
    rbac.ClusterRole aggregationRule:rbac.AggregationRule metadata:meta.ObjectMeta rules:[rbac.PolicyRule]
    rbac.ClusterRoleBinding metadata:meta.ObjectMeta roleRef:rbac.RoleRef subjects:[rbac.Subject]
    rbac.PolicyRule apiGroups:[string] nonResourceURLs:[string] resourceNames:[string] resources:[string] verbs:[string]
    rbac.Role metadata:meta.ObjectMeta rules:[rbac.PolicyRule]
    rbac.RoleBinding metadata:meta.ObjectMeta roleRef:rbac.RoleRef subjects:[rbac.Subject]
    rbac.RoleRef! apiGroup:string kind:string name:string
    rbac.Subject! apiGroup:string kind:string name:string namespace:string
    scheduling.PriorityClass description:string globalDefault:bool metadata:meta.ObjectMeta preemptionPolicy:string value:int
    """
