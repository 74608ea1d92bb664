// Which changes of a status are told as events, and what the condition about findings says.
// Conditions are built in place; the integration suite shows the events on a server.
// It never needs a server or a clock.

import JSON
import Kubernetes
import KubernetesRuntime
import SondeAPI
import Testing

@testable import Operator

@Suite struct ResourceEventsTests {
    private static func warning(_ number: Int) -> Finding {
        Finding(.warning, rule: "rule-\(number % 3)", path: "spec.a[\(number)]", message: "is doubtful", remedy: "write b")
    }

    private static func healthy(_ findings: [Finding]) -> Condition {
        Condition(ConditionType.configHealthy, .false, reason: ConditionReason.configWarnings.rawValue, message: FindingsText.text(findings))
    }

    private static func condition(_ type: String, _ status: Condition.Status, _ reason: ConditionReason, _ message: String = "m") -> Condition {
        Condition(type, status, reason: reason.rawValue, message: message)
    }

    private func notes(_ old: [Condition], _ new: [Condition]) -> [String] {
        ResourceEvents.notes(from: Conditions(old), to: Conditions(new)).map { "\($0.kind.rawValue) \($0.reason): \($0.note)" }
    }

    // MARK: Ready and others

    @Test func aChangeOfReadyIsToldOnceAndItsMessageIsNot() {
        let rolling = Self.condition("Ready", .false, .rollingOut, "1 of 2"), more = Self.condition("Ready", .false, .rollingOut, "2 of 2")
        let ready = Self.condition("Ready", .true, .reconciled, "all")
        #expect(notes([], [rolling]) == ["Normal RollingOut: 1 of 2"])
        #expect(notes([rolling], [more]).isEmpty)
        #expect(notes([more], [ready]) == ["Normal Reconciled: all"])
        #expect(notes([ready], [ready]).isEmpty)
    }

    @Test(arguments: [ConditionReason.podsRefused, .podSecurity, .applyFailed, .conflictingOperator, .crashLooping, .immutableField])
    func whatKeepsAResourceFromBeingReadyIsAWarning(reason: ConditionReason) {
        #expect(notes([Self.condition("Ready", .true, .reconciled)], [Self.condition("Ready", .false, reason)]) == ["Warning \(reason.rawValue): m"])
    }

    @Test func kstatusConditionsAreSilent() {
        #expect(notes([], [Self.condition("Reconciling", .true, .rollingOut), Self.condition("Stalled", .true, .applyFailed)]).isEmpty)
        #expect(notes([Self.condition("Stalled", .true, .applyFailed)], []).isEmpty)
    }

    @Test func conditionsOfTroubleAreToldWhenTheyComeChangeAndGo() {
        let lost = Self.condition("DataLoss", .true, .eventsLost, "dns"), refused = Self.condition("DataLoss", .true, .receiverRefuses, "401")
        #expect(notes([], [lost]) == ["Warning EventsLost: dns"])
        #expect(notes([lost], [refused]) == ["Warning ReceiverRefuses: 401"])
        #expect(notes([refused], []) == ["Normal Recovered: DataLoss is over; it was: 401"])
    }

    @Test func aDestinationIsNewsWhenItWasAwayBefore() {
        let found = Self.condition("DestinationResolved", .true, .resolved), missing = Self.condition("DestinationResolved", .false, .collectorNotFound)
        #expect(notes([], [found]).isEmpty)
        #expect(notes([missing], [found]) == ["Normal Resolved: m"])
        #expect(notes([found], [missing]) == ["Warning CollectorNotFound: m"])
    }

    // MARK: Findings

    @Test func eachNewFindingIsToldOnce() {
        let (first, both) = (Self.healthy([Self.warning(1)]), Self.healthy([Self.warning(1), Self.warning(2)]))
        #expect(notes([], [first]) == ["Warning ConfigWarnings: warning spec.a[1]: is doubtful; write b (rule-1)"])
        #expect(notes([first], [both]) == ["Warning ConfigWarnings: warning spec.a[2]: is doubtful; write b (rule-2)"])
        #expect(notes([both], [first]).isEmpty)
        #expect(notes([both], []) == ["Normal ConfigHealthy: the spec has no errors and no warnings any more"])
    }

    @Test func errorsAreToldFromTheFindingsAndNotAgainFromReady() {
        let error = Finding(.error, rule: "autoscaler", path: "spec.replicas", message: "must be less", remedy: "lower it")
        let healthy = Condition(ConditionType.configHealthy, .false, reason: ConditionReason.invalidConfig.rawValue, message: FindingsText.text([error]))
        let ready = Self.condition("Ready", .false, .invalidConfig, "all errors")
        #expect(notes([], [ready, healthy]) == ["Warning InvalidConfig: error spec.replicas: must be less; lower it (autoscaler)"])
    }

    @Test func manyFindingsAreToldShortly() {
        let told = notes([], [Self.healthy((0..<15).map(Self.warning))])
        #expect(told.count == ResourceEvents.findingsMax + 1)
        #expect(told.last == "Warning ConfigWarnings: and 5 more findings, see the condition ConfigHealthy")
    }

    @Test func theTextNamesEveryRuleAndIsBounded() {
        let findings = (0..<500).map { number in
            Finding(.warning, rule: "rule-\(number % 50)", path: "spec.a", message: String(repeating: "long\n", count: 500), remedy: "b")
        }
        let text = FindingsText.text(
            findings + [Finding(.error, rule: "bad", path: "spec.b", message: "m"), Finding(.info, rule: "note", path: "c", message: "m")])
        #expect(text.utf8.count < 32_768)
        #expect(text.hasPrefix("1 error, 500 warnings (bad, rule-0, "))
        for number in 0..<50 { #expect(text.contains("rule-\(number),") || text.contains("rule-\(number))")) }
        #expect(!text.contains("note"), "notes are told by sonde validate only")
        #expect(FindingsText.lines(of: text).count == FindingsText.linesMax && FindingsText.lines(of: text)[0].hasPrefix("error spec.b"))
        #expect(text.hasSuffix("and 471 more"))
    }

    @Test func theConditionIsThereOnlyWithSomethingToSay() {
        var conditions = StatusConditions(of: ["metadata": ["generation": 1]], now: Timestamp(secondsSinceEpoch: 0))
        conditions.setConfigHealthy([Finding(.info, rule: "note", path: "c", message: "m")])
        #expect(conditions.jsonValue == [])
        conditions.setConfigHealthy([Self.warning(1)])
        #expect(conditions.reason(ConditionType.configHealthy) == "ConfigWarnings" && !conditions.has(ConditionType.configHealthy))
        conditions.setConfigHealthy([Self.warning(1), Finding(.error, rule: "bad", path: "spec.b", message: "m")])
        #expect(conditions.reason(ConditionType.configHealthy) == "InvalidConfig")
    }
}
