// The fields of Kubernetes' core group, as a table: a type a line, `field:type`, with what server-side apply and strategic merge need.
// BuiltInSchemas reads it; the names, list types and keys are those of Kubernetes 1.36 (client-go applyconfigurations, struct tags of k8s.io/api).
// It never holds descriptions or validation rules.

/// The notation: `string int bool any Time MicroTime Quantity IntOrString`, `[T]` an atomic list, `[T]{k1,k2}` a list with keys, `[T]{}` a set,
/// `map<T>`, `!` an atomic struct or map, `~key` the patch merge key (`~` alone: a list of scalars is merged), `^` retain keys, `=x` a default of a key.
let builtInTypesCore = """
    core.AWSElasticBlockStoreVolumeSource fsType:string partition:int readOnly:bool volumeID:string
    core.Affinity nodeAffinity:core.NodeAffinity podAffinity:core.PodAffinity podAntiAffinity:core.PodAntiAffinity
    core.AppArmorProfile localhostProfile:string type:string
    core.AttachedVolume devicePath:string name:string
    core.AzureDiskVolumeSource cachingMode:string=ReadWrite diskName:string diskURI:string fsType:string=ext4 kind:string=Shared readOnly:bool
    core.AzureFileVolumeSource readOnly:bool secretName:string shareName:string
    core.CSIVolumeSource driver:string fsType:string nodePublishSecretRef:core.LocalObjectReference readOnly:bool volumeAttributes:map<string>
    core.Capabilities add:[string] drop:[string]
    core.CephFSVolumeSource monitors:[string] path:string readOnly:bool secretFile:string secretRef:core.LocalObjectReference user:string
    core.CinderVolumeSource fsType:string readOnly:bool secretRef:core.LocalObjectReference volumeID:string
    core.ClientIPConfig timeoutSeconds:int
    core.ClusterTrustBundleProjection labelSelector:meta.LabelSelector name:string optional:bool path:string signerName:string
    core.ConfigMap binaryData:map<string> data:map<string> immutable:bool metadata:meta.ObjectMeta
    core.ConfigMapEnvSource name:string optional:bool
    core.ConfigMapKeySelector! key:string name:string optional:bool
    core.ConfigMapNodeConfigSource kubeletConfigKey:string name:string namespace:string resourceVersion:string uid:string
    core.ConfigMapProjection items:[core.KeyToPath] name:string optional:bool
    core.ConfigMapVolumeSource defaultMode:int items:[core.KeyToPath] name:string optional:bool
    core.Container args:[string] command:[string] env:[core.EnvVar]{name}~name envFrom:[core.EnvFromSource] image:string imagePullPolicy:string
      lifecycle:core.Lifecycle livenessProbe:core.Probe name:string ports:[core.ContainerPort]{containerPort,protocol}~containerPort
      readinessProbe:core.Probe resizePolicy:[core.ContainerResizePolicy] resources:core.ResourceRequirements restartPolicy:string
      restartPolicyRules:[core.ContainerRestartRule] securityContext:core.SecurityContext startupProbe:core.Probe stdin:bool stdinOnce:bool
      terminationMessagePath:string terminationMessagePolicy:string tty:bool volumeDevices:[core.VolumeDevice]{devicePath}~devicePath
      volumeMounts:[core.VolumeMount]{mountPath}~mountPath workingDir:string
    core.ContainerExtendedResourceRequest containerName:string requestName:string resourceName:string
    core.ContainerImage names:[string] sizeBytes:int
    core.ContainerPort containerPort:int hostIP:string hostPort:int name:string protocol:string=TCP
    core.ContainerResizePolicy resourceName:string restartPolicy:string
    core.ContainerRestartRule action:string exitCodes:core.ContainerRestartRuleOnExitCodes
    core.ContainerRestartRuleOnExitCodes operator:string values:[int]{}
    core.ContainerState running:core.ContainerStateRunning terminated:core.ContainerStateTerminated waiting:core.ContainerStateWaiting
    core.ContainerStateRunning startedAt:Time
    core.ContainerStateTerminated containerID:string exitCode:int finishedAt:Time message:string reason:string signal:int startedAt:Time
    core.ContainerStateWaiting message:string reason:string
    core.ContainerStatus allocatedResources:map<Quantity> allocatedResourcesStatus:[core.ResourceStatus]{name}~name containerID:string image:string
      imageID:string lastState:core.ContainerState name:string ready:bool resources:core.ResourceRequirements restartCount:int started:bool
      state:core.ContainerState stopSignal:string user:core.ContainerUser volumeMounts:[core.VolumeMountStatus]{mountPath}~mountPath
    core.ContainerUser linux:core.LinuxContainerUser
    core.DaemonEndpoint Port:int
    core.DownwardAPIProjection items:[core.DownwardAPIVolumeFile]
    core.DownwardAPIVolumeFile fieldRef:core.ObjectFieldSelector mode:int path:string resourceFieldRef:core.ResourceFieldSelector
    core.DownwardAPIVolumeSource defaultMode:int items:[core.DownwardAPIVolumeFile]
    core.EmptyDirVolumeSource medium:string sizeLimit:Quantity
    core.EnvFromSource configMapRef:core.ConfigMapEnvSource prefix:string secretRef:core.SecretEnvSource
    core.EnvVar name:string value:string valueFrom:core.EnvVarSource
    core.EnvVarSource configMapKeyRef:core.ConfigMapKeySelector fieldRef:core.ObjectFieldSelector fileKeyRef:core.FileKeySelector
      resourceFieldRef:core.ResourceFieldSelector secretKeyRef:core.SecretKeySelector
    core.EphemeralContainer args:[string] command:[string] env:[core.EnvVar]{name} envFrom:[core.EnvFromSource] image:string imagePullPolicy:string
      lifecycle:core.Lifecycle livenessProbe:core.Probe name:string ports:[core.ContainerPort]{containerPort,protocol} readinessProbe:core.Probe
      resizePolicy:[core.ContainerResizePolicy] resources:core.ResourceRequirements restartPolicy:string restartPolicyRules:[core.ContainerRestartRule]
      securityContext:core.SecurityContext startupProbe:core.Probe stdin:bool stdinOnce:bool targetContainerName:string terminationMessagePath:string
      terminationMessagePolicy:string tty:bool volumeDevices:[core.VolumeDevice]{devicePath} volumeMounts:[core.VolumeMount]{mountPath} workingDir:string
    core.EphemeralVolumeSource volumeClaimTemplate:core.PersistentVolumeClaimTemplate
    core.Event action:string count:int eventTime:MicroTime firstTimestamp:Time involvedObject:core.ObjectReference! lastTimestamp:Time message:string
      metadata:meta.ObjectMeta reason:string related:core.ObjectReference! reportingComponent:string reportingInstance:string series:core.EventSeries
      source:core.EventSource type:string
    core.EventSeries count:int lastObservedTime:MicroTime
    core.EventSource component:string host:string
    core.ExecAction command:[string]
    core.FCVolumeSource fsType:string lun:int readOnly:bool targetWWNs:[string] wwids:[string]
    core.FileKeySelector! key:string optional:bool path:string volumeName:string
    core.FlexVolumeSource driver:string fsType:string options:map<string> readOnly:bool secretRef:core.LocalObjectReference
    core.FlockerVolumeSource datasetName:string datasetUUID:string
    core.GCEPersistentDiskVolumeSource fsType:string partition:int pdName:string readOnly:bool
    core.GRPCAction port:int service:string
    core.GitRepoVolumeSource directory:string repository:string revision:string
    core.GlusterfsVolumeSource endpoints:string path:string readOnly:bool
    core.HTTPGetAction host:string httpHeaders:[core.HTTPHeader] path:string port:IntOrString scheme:string
    core.HTTPHeader name:string value:string
    core.HostAlias hostnames:[string] ip:string
    core.HostIP ip:string
    core.HostPathVolumeSource path:string type:string
    core.ISCSIVolumeSource chapAuthDiscovery:bool chapAuthSession:bool fsType:string initiatorName:string iqn:string iscsiInterface:string=default lun:int
      portals:[string] readOnly:bool secretRef:core.LocalObjectReference targetPortal:string
    core.ImageVolumeSource pullPolicy:string reference:string
    core.ImageVolumeStatus imageRef:string
    core.KeyToPath key:string mode:int path:string
    core.Lifecycle postStart:core.LifecycleHandler preStop:core.LifecycleHandler stopSignal:string
    core.LifecycleHandler exec:core.ExecAction httpGet:core.HTTPGetAction sleep:core.SleepAction tcpSocket:core.TCPSocketAction
    core.LinuxContainerUser gid:int supplementalGroups:[int] uid:int
    core.LoadBalancerIngress hostname:string ip:string ipMode:string ports:[core.PortStatus]
    core.LoadBalancerStatus ingress:[core.LoadBalancerIngress]
    core.LocalObjectReference! name:string
    core.ModifyVolumeStatus status:string targetVolumeAttributesClassName:string
    core.NFSVolumeSource path:string readOnly:bool server:string
    core.Namespace metadata:meta.ObjectMeta spec:core.NamespaceSpec status:core.NamespaceStatus
    core.NamespaceCondition lastTransitionTime:Time message:string reason:string status:string type:string
    core.NamespaceSpec finalizers:[string]
    core.NamespaceStatus conditions:[core.NamespaceCondition]{type}~type phase:string
    core.Node metadata:meta.ObjectMeta spec:core.NodeSpec status:core.NodeStatus
    core.NodeAddress address:string type:string
    core.NodeAffinity preferredDuringSchedulingIgnoredDuringExecution:[core.PreferredSchedulingTerm]
      requiredDuringSchedulingIgnoredDuringExecution:core.NodeSelector
    core.NodeAllocatableResourceClaimStatus containers:[string]{} resourceClaimName:string resources:map<Quantity>
    core.NodeCondition lastHeartbeatTime:Time lastTransitionTime:Time message:string reason:string status:string type:string
    core.NodeConfigSource configMap:core.ConfigMapNodeConfigSource
    core.NodeConfigStatus active:core.NodeConfigSource assigned:core.NodeConfigSource error:string lastKnownGood:core.NodeConfigSource
    core.NodeDaemonEndpoints kubeletEndpoint:core.DaemonEndpoint
    core.NodeFeatures supplementalGroupsPolicy:bool
    core.NodeRuntimeHandler features:core.NodeRuntimeHandlerFeatures name:string
    core.NodeRuntimeHandlerFeatures recursiveReadOnlyMounts:bool userNamespaces:bool
    core.NodeSelector! nodeSelectorTerms:[core.NodeSelectorTerm]
    core.NodeSelectorRequirement key:string operator:string values:[string]
    core.NodeSelectorTerm! matchExpressions:[core.NodeSelectorRequirement] matchFields:[core.NodeSelectorRequirement]
    core.NodeSpec configSource:core.NodeConfigSource externalID:string podCIDR:string podCIDRs:[string]{}~ providerID:string taints:[core.Taint]
      unschedulable:bool
    core.NodeStatus addresses:[core.NodeAddress]{type}~type allocatable:map<Quantity> capacity:map<Quantity> conditions:[core.NodeCondition]{type}~type
      config:core.NodeConfigStatus daemonEndpoints:core.NodeDaemonEndpoints declaredFeatures:[string] features:core.NodeFeatures
      images:[core.ContainerImage] nodeInfo:core.NodeSystemInfo phase:string runtimeHandlers:[core.NodeRuntimeHandler]
      volumesAttached:[core.AttachedVolume] volumesInUse:[string]
    core.NodeSwapStatus capacity:int
    core.NodeSystemInfo architecture:string bootID:string containerRuntimeVersion:string kernelVersion:string kubeProxyVersion:string
      kubeletVersion:string machineID:string operatingSystem:string osImage:string swap:core.NodeSwapStatus systemUUID:string
    core.ObjectFieldSelector! apiVersion:string fieldPath:string
    core.ObjectReference! apiVersion:string fieldPath:string kind:string name:string namespace:string resourceVersion:string uid:string
    core.PersistentVolumeClaim metadata:meta.ObjectMeta spec:core.PersistentVolumeClaimSpec status:core.PersistentVolumeClaimStatus
    core.PersistentVolumeClaimCondition lastProbeTime:Time lastTransitionTime:Time message:string reason:string status:string type:string
    core.PersistentVolumeClaimSpec accessModes:[string] dataSource:core.TypedLocalObjectReference dataSourceRef:core.TypedObjectReference
      resources:core.VolumeResourceRequirements selector:meta.LabelSelector storageClassName:string volumeAttributesClassName:string volumeMode:string
      volumeName:string
    core.PersistentVolumeClaimStatus accessModes:[string] allocatedResourceStatuses:map<string> allocatedResources:map<Quantity> capacity:map<Quantity>
      conditions:[core.PersistentVolumeClaimCondition]{type}~type currentVolumeAttributesClassName:string modifyVolumeStatus:core.ModifyVolumeStatus
      phase:string
    core.PersistentVolumeClaimTemplate metadata:meta.ObjectMeta spec:core.PersistentVolumeClaimSpec
    core.PersistentVolumeClaimVolumeSource claimName:string readOnly:bool
    core.PhotonPersistentDiskVolumeSource fsType:string pdID:string
    core.Pod metadata:meta.ObjectMeta spec:core.PodSpec status:core.PodStatus
    core.PodAffinity preferredDuringSchedulingIgnoredDuringExecution:[core.WeightedPodAffinityTerm]
      requiredDuringSchedulingIgnoredDuringExecution:[core.PodAffinityTerm]
    core.PodAffinityTerm labelSelector:meta.LabelSelector matchLabelKeys:[string] mismatchLabelKeys:[string] namespaceSelector:meta.LabelSelector
      namespaces:[string] topologyKey:string
    core.PodAntiAffinity preferredDuringSchedulingIgnoredDuringExecution:[core.WeightedPodAffinityTerm]
      requiredDuringSchedulingIgnoredDuringExecution:[core.PodAffinityTerm]
    core.PodCertificateProjection certificateChainPath:string credentialBundlePath:string keyPath:string keyType:string maxExpirationSeconds:int
      signerName:string userAnnotations:map<string>
    core.PodCondition lastProbeTime:Time lastTransitionTime:Time message:string observedGeneration:int reason:string status:string type:string
    core.PodDNSConfig nameservers:[string] options:[core.PodDNSConfigOption] searches:[string]
    core.PodDNSConfigOption name:string value:string
    core.PodExtendedResourceClaimStatus requestMappings:[core.ContainerExtendedResourceRequest] resourceClaimName:string
    core.PodIP ip:string
    core.PodOS name:string
    core.PodReadinessGate conditionType:string
    core.PodResourceClaim name:string resourceClaimName:string resourceClaimTemplateName:string
    core.PodResourceClaimStatus name:string resourceClaimName:string
    core.PodSchedulingGate name:string
    core.PodSchedulingGroup podGroupName:string
    core.PodSecurityContext appArmorProfile:core.AppArmorProfile fsGroup:int fsGroupChangePolicy:string runAsGroup:int runAsNonRoot:bool runAsUser:int
      seLinuxChangePolicy:string seLinuxOptions:core.SELinuxOptions seccompProfile:core.SeccompProfile supplementalGroups:[int]
      supplementalGroupsPolicy:string sysctls:[core.Sysctl] windowsOptions:core.WindowsSecurityContextOptions
    core.PodSpec activeDeadlineSeconds:int affinity:core.Affinity automountServiceAccountToken:bool containers:[core.Container]{name}~name
      dnsConfig:core.PodDNSConfig dnsPolicy:string enableServiceLinks:bool ephemeralContainers:[core.EphemeralContainer]{name}~name
      hostAliases:[core.HostAlias]{ip}~ip hostIPC:bool hostNetwork:bool hostPID:bool hostUsers:bool hostname:string hostnameOverride:string
      imagePullSecrets:[core.LocalObjectReference]{name}~name initContainers:[core.Container]{name}~name nodeName:string nodeSelector:map<string>!
      os:core.PodOS overhead:map<Quantity> preemptionPolicy:string priority:int priorityClassName:string readinessGates:[core.PodReadinessGate]
      resourceClaims:[core.PodResourceClaim]{name}~name^ resources:core.ResourceRequirements restartPolicy:string runtimeClassName:string
      schedulerName:string schedulingGates:[core.PodSchedulingGate]{name}~name schedulingGroup:core.PodSchedulingGroup
      securityContext:core.PodSecurityContext serviceAccount:string serviceAccountName:string setHostnameAsFQDN:bool shareProcessNamespace:bool
      subdomain:string terminationGracePeriodSeconds:int tolerations:[core.Toleration]
      topologySpreadConstraints:[core.TopologySpreadConstraint]{topologyKey,whenUnsatisfiable}~topologyKey volumes:[core.Volume]{name}~name^
    core.PodStatus allocatedResources:map<Quantity> conditions:[core.PodCondition]{type}~type containerStatuses:[core.ContainerStatus]
      ephemeralContainerStatuses:[core.ContainerStatus] extendedResourceClaimStatus:core.PodExtendedResourceClaimStatus hostIP:string
      hostIPs:[core.HostIP]~ip initContainerStatuses:[core.ContainerStatus] message:string
      nodeAllocatableResourceClaimStatuses:[core.NodeAllocatableResourceClaimStatus] nominatedNodeName:string observedGeneration:int phase:string
      podIP:string podIPs:[core.PodIP]{ip}~ip qosClass:string reason:string resize:string resourceClaimStatuses:[core.PodResourceClaimStatus]{name}~name^
      resources:core.ResourceRequirements startTime:Time
    core.PodTemplateSpec metadata:meta.ObjectMeta spec:core.PodSpec
    core.PortStatus error:string port:int protocol:string
    core.PortworxVolumeSource fsType:string readOnly:bool volumeID:string
    core.PreferredSchedulingTerm preference:core.NodeSelectorTerm weight:int
    core.Probe exec:core.ExecAction failureThreshold:int grpc:core.GRPCAction httpGet:core.HTTPGetAction initialDelaySeconds:int periodSeconds:int
      successThreshold:int tcpSocket:core.TCPSocketAction terminationGracePeriodSeconds:int timeoutSeconds:int
    core.ProjectedVolumeSource defaultMode:int sources:[core.VolumeProjection]
    core.QuobyteVolumeSource group:string readOnly:bool registry:string tenant:string user:string volume:string
    core.RBDVolumeSource fsType:string image:string keyring:string=/etc/ceph/keyring monitors:[string] pool:string=rbd readOnly:bool
      secretRef:core.LocalObjectReference user:string=admin
    core.ResourceClaim name:string request:string
    core.ResourceFieldSelector! containerName:string divisor:Quantity resource:string
    core.ResourceHealth health:string message:string resourceID:string
    core.ResourceRequirements claims:[core.ResourceClaim]{name} limits:map<Quantity> requests:map<Quantity>
    core.ResourceStatus name:string resources:[core.ResourceHealth]{resourceID}
    core.SELinuxOptions level:string role:string type:string user:string
    core.ScaleIOVolumeSource fsType:string=xfs gateway:string protectionDomain:string readOnly:bool secretRef:core.LocalObjectReference sslEnabled:bool
      storageMode:string=ThinProvisioned storagePool:string system:string volumeName:string
    core.SeccompProfile localhostProfile:string type:string
    core.Secret data:map<string> immutable:bool metadata:meta.ObjectMeta stringData:map<string> type:string
    core.SecretEnvSource name:string optional:bool
    core.SecretKeySelector! key:string name:string optional:bool
    core.SecretProjection items:[core.KeyToPath] name:string optional:bool
    core.SecretVolumeSource defaultMode:int items:[core.KeyToPath] optional:bool secretName:string
    core.SecurityContext allowPrivilegeEscalation:bool appArmorProfile:core.AppArmorProfile capabilities:core.Capabilities privileged:bool
      procMount:string readOnlyRootFilesystem:bool runAsGroup:int runAsNonRoot:bool runAsUser:int seLinuxOptions:core.SELinuxOptions
      seccompProfile:core.SeccompProfile windowsOptions:core.WindowsSecurityContextOptions
    core.Service metadata:meta.ObjectMeta spec:core.ServiceSpec status:core.ServiceStatus
    core.ServiceAccount automountServiceAccountToken:bool imagePullSecrets:[core.LocalObjectReference] metadata:meta.ObjectMeta
      secrets:[core.ObjectReference]{name}~name
    core.ServiceAccountTokenProjection audience:string expirationSeconds:int path:string
    core.ServicePort appProtocol:string name:string nodePort:int port:int protocol:string=TCP targetPort:IntOrString
    core.ServiceSpec allocateLoadBalancerNodePorts:bool clusterIP:string clusterIPs:[string] externalIPs:[string] externalName:string
      externalTrafficPolicy:string healthCheckNodePort:int internalTrafficPolicy:string ipFamilies:[string] ipFamilyPolicy:string loadBalancerClass:string
      loadBalancerIP:string loadBalancerSourceRanges:[string] ports:[core.ServicePort]{port,protocol}~port publishNotReadyAddresses:bool
      selector:map<string>! sessionAffinity:string sessionAffinityConfig:core.SessionAffinityConfig trafficDistribution:string type:string
    core.ServiceStatus conditions:[meta.Condition]{type}~type loadBalancer:core.LoadBalancerStatus
    core.SessionAffinityConfig clientIP:core.ClientIPConfig
    core.SleepAction seconds:int
    core.StorageOSVolumeSource fsType:string readOnly:bool secretRef:core.LocalObjectReference volumeName:string volumeNamespace:string
    core.Sysctl name:string value:string
    core.TCPSocketAction host:string port:IntOrString
    core.Taint effect:string key:string timeAdded:Time value:string
    core.Toleration effect:string key:string operator:string tolerationSeconds:int value:string
    core.TopologySpreadConstraint labelSelector:meta.LabelSelector matchLabelKeys:[string] maxSkew:int minDomains:int nodeAffinityPolicy:string
      nodeTaintsPolicy:string topologyKey:string whenUnsatisfiable:string
    core.TypedLocalObjectReference! apiGroup:string kind:string name:string
    core.TypedObjectReference apiGroup:string kind:string name:string namespace:string
    core.Volume awsElasticBlockStore:core.AWSElasticBlockStoreVolumeSource azureDisk:core.AzureDiskVolumeSource azureFile:core.AzureFileVolumeSource
      cephfs:core.CephFSVolumeSource cinder:core.CinderVolumeSource configMap:core.ConfigMapVolumeSource csi:core.CSIVolumeSource
      downwardAPI:core.DownwardAPIVolumeSource emptyDir:core.EmptyDirVolumeSource ephemeral:core.EphemeralVolumeSource fc:core.FCVolumeSource
      flexVolume:core.FlexVolumeSource flocker:core.FlockerVolumeSource gcePersistentDisk:core.GCEPersistentDiskVolumeSource
      gitRepo:core.GitRepoVolumeSource glusterfs:core.GlusterfsVolumeSource hostPath:core.HostPathVolumeSource image:core.ImageVolumeSource
      iscsi:core.ISCSIVolumeSource name:string nfs:core.NFSVolumeSource persistentVolumeClaim:core.PersistentVolumeClaimVolumeSource
      photonPersistentDisk:core.PhotonPersistentDiskVolumeSource portworxVolume:core.PortworxVolumeSource projected:core.ProjectedVolumeSource
      quobyte:core.QuobyteVolumeSource rbd:core.RBDVolumeSource scaleIO:core.ScaleIOVolumeSource secret:core.SecretVolumeSource
      storageos:core.StorageOSVolumeSource vsphereVolume:core.VsphereVirtualDiskVolumeSource
    core.VolumeDevice devicePath:string name:string
    core.VolumeMount mountPath:string mountPropagation:string name:string readOnly:bool recursiveReadOnly:string subPath:string subPathExpr:string
    core.VolumeMountStatus mountPath:string name:string readOnly:bool recursiveReadOnly:string volumeStatus:core.VolumeStatus
    core.VolumeProjection clusterTrustBundle:core.ClusterTrustBundleProjection configMap:core.ConfigMapProjection downwardAPI:core.DownwardAPIProjection
      podCertificate:core.PodCertificateProjection secret:core.SecretProjection serviceAccountToken:core.ServiceAccountTokenProjection
    core.VolumeResourceRequirements limits:map<Quantity> requests:map<Quantity>
    core.VolumeStatus image:core.ImageVolumeStatus
    core.VsphereVirtualDiskVolumeSource fsType:string storagePolicyID:string storagePolicyName:string volumePath:string
    core.WeightedPodAffinityTerm podAffinityTerm:core.PodAffinityTerm weight:int
    core.WindowsSecurityContextOptions gmsaCredentialSpec:string gmsaCredentialSpecName:string hostProcess:bool runAsUserName:string
    """
