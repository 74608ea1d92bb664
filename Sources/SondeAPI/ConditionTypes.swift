// The condition types and reasons that the two resources carry: constants, each with what it says and what a user does about it.
// The controllers set them, docs/runbook lists them, tests compare both.
// It never holds messages: those name objects and are made where the condition is set.

/// Types of conditions in `status.conditions`.
public enum ConditionType {
    /// Always there: whether the resource does what its spec asks. Both kinds.
    public static let ready = "Ready"
    /// True while work is under way (kstatus). Both kinds.
    public static let reconciling = "Reconciling"
    /// True when nothing goes on until somebody changes something (kstatus). Both kinds.
    public static let stalled = "Stalled"
    /// True when part of what was asked is missing: an object whose kind the cluster does not serve, a signal that a kernel cannot give.
    public static let degraded = "Degraded"
    /// Whether the destination of a probe is known. EBPFProbe.
    public static let destinationResolved = "DestinationResolved"
    /// True when a node's agent reached its CPU budget and got coarser. EBPFProbe.
    public static let overBudget = "OverBudget"
    /// True when data was lost: of a probe on their way to the collector, of a collector in it. False while a collector is near to it. Not there otherwise.
    public static let dataLoss = "DataLoss"
    /// False when the spec is wrong, or works but likely not as meant, and not there otherwise; the message names each rule with its path. Both kinds.
    public static let configHealthy = "ConfigHealthy"

    public static let all = [ready, reconciling, stalled, degraded, destinationResolved, overBudget, dataLoss, configHealthy]
}

/// Reasons of conditions.
public enum ConditionReason: String, Sendable, CaseIterable {
    /// Ready=True: the objects are written and every pod is available.
    case reconciled = "Reconciled"
    /// Ready=False, Reconciling=True: pods are starting or being replaced. Wait; the message counts them.
    case rollingOut = "RollingOut"
    /// Ready=False, Reconciling=True: a change is tried in one pod before the others get it. Wait; the message names both revisions.
    case canaryRunning = "CanaryRunning"
    /// Ready=False, Stalled=True: a change was tried in one pod and taken back. The message has the reason; the pods go on as they were.
    case rolledBack = "RolledBack"
    /// Ready=False, Stalled=True, ConfigHealthy=False: the spec is wrong. The message names each field and what to write.
    case invalidConfig = "InvalidConfig"
    /// Ready=False, Stalled=True: the resource asks for something that Sonde does not do. Everything else of it runs; the message has the remedy.
    case unsupported = "Unsupported"
    /// Degraded=True: an object is left out because the cluster does not serve its kind. Install the definition; it is noticed without a restart.
    case kindNotInstalled = "KindNotInstalled"
    /// Degraded=True: the operator may not read ConfigMaps or Secrets whose change is to restart the pods. The message names them.
    case contentNotReadable = "ContentNotReadable"
    /// Degraded=True: a Role is for a namespace that is not there. Make it, or correct its name; it is looked for every minute.
    case namespaceMissing = "NamespaceMissing"
    /// ConfigHealthy=False: the message lists what likely does not do what was meant.
    case configWarnings = "ConfigWarnings"
    /// Ready=True with `managementState: unmanaged` or `paused: true`: objects stay as they are.
    case paused = "Paused"
    /// Ready=False, Stalled=True: another operator writes the same objects or owns them. Stop one of the two.
    case conflictingOperator = "ConflictingOperator"
    /// Ready=False: the API server refused an object. The message carries its answer.
    case applyFailed = "ApplyFailed"
    /// Ready=False, Stalled=True: the change needs a field that cannot change on a live object. The message names both.
    case immutableField = "ImmutableField"
    /// Ready=False: pods are refused by Pod Security. The message gives the namespace label to set.
    case podSecurity = "PodSecurity"
    /// Ready=False: pods are refused by a quota or an admission rule. The message carries the answer.
    case podsRefused = "PodsRefused"
    /// Ready=False: pods start and stop again. Look at their logs.
    case crashLooping = "CrashLooping"
    /// Ready=False: no node matches the probe's nodeSelector and affinity.
    case noMatchingNodes = "NoMatchingNodes"
    /// DestinationResolved=True.
    case resolved = "Resolved"
    /// DestinationResolved=False: there is no collector of this name in the namespace. Make it, or correct collectorRef.
    case collectorNotFound = "CollectorNotFound"
    /// DestinationResolved=False: the collector has no OTLP receiver in a metrics pipeline. The message gives the lines to add.
    case noOTLPReceiver = "NoOTLPReceiver"
    /// Degraded=True: a signal is switched on that this version does not take.
    case signalNotAvailable = "SignalNotAvailable"
    /// Degraded=True: another, older probe selects the same nodes and wins there.
    case overlap = "Overlap"
    /// Degraded=True: nodes cannot give a signal, or only a part of it. The message has the reasons with the nodes' number.
    case signalsMissing = "SignalsMissing"
    /// Degraded=True: agents run that do not answer the operator. Nothing is known of their nodes.
    case agentsSilent = "AgentsSilent"
    /// Degraded=True: agents cannot reach the receiver; data wait in their memory.
    case receiverAway = "ReceiverAway"
    /// OverBudget=True: agents take signals more coarsely, or not at all, to hold the CPU budget.
    case budgetSaving = "BudgetSaving"
    /// OverBudget=True: agents cost more than the budget, and nothing is left to take back.
    case budgetExceeded = "BudgetExceeded"
    /// DataLoss=True: agents lost events within the last ten minutes. The message names their classes.
    case eventsLost = "EventsLost"
    /// DataLoss=True: the receiver refuses data of agents.
    case receiverRefuses = "ReceiverRefuses"
    /// DataLoss=True: a collector loses data for good. The message names component, signal, items a second and the remedy.
    case dataDropped = "DataDropped"
    /// DataLoss=False: a collector refuses data, which its clients send again as long as they can.
    case dataRefused = "DataRefused"
    /// DataLoss=False: a sending queue of a collector is nearly full.
    case queueNearlyFull = "QueueNearlyFull"
}
