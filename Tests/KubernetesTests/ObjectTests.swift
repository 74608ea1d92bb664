// Metadata, conditions and resource versions of objects.

import JSON
import Kubernetes
import Testing

@Suite struct ObjectTests {
    static let object: JSONValue = [
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": [
            "name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "generation": 3, "deletionTimestamp": "2026-01-01T00:00:00Z",
            "labels": ["x": "y", "bad": 1], "annotations": ["k": "v"], "finalizers": ["f"],
            "ownerReferences": [
                ["kind": "A", "name": "o", "uid": "1"], ["apiVersion": "g/v1", "kind": "B", "name": "c", "uid": "2", "controller": true], ["kind": "nameless"],
            ],
        ],
    ]

    @Test func metadataIsRead() {
        let metadata = Self.object.metadata
        #expect(metadata.objectName == ObjectName(namespace: "n", name: "a"))
        #expect((metadata.uid, metadata.resourceVersion, metadata.generation) == ("u", "7", 3))
        #expect(metadata.isBeingDeleted)
        #expect(metadata.deletionTimestamp == Timestamp(rfc3339: "2026-01-01T00:00:00Z"))
        #expect(metadata.labels == ["x": "y"])
        #expect(metadata.annotations == ["k": "v"])
        #expect(metadata.finalizers == ["f"])
        #expect(metadata.ownerReferences.map(\.uid) == ["1", "2"])
        #expect(metadata.controller?.group == "g")
    }

    @Test func missingOrMistypedMetadataReadsAsEmpty() {
        for value: JSONValue in [nil, 1, [:], ["metadata": nil], ["metadata": ["name": 1, "labels": [], "ownerReferences": "x"]]] {
            let metadata = value.metadata
            #expect(
                metadata.name.isEmpty && metadata.namespace == nil && metadata.labels.isEmpty && metadata.ownerReferences.isEmpty && !metadata.isBeingDeleted)
        }
    }

    @Test func ownerReferenceNamesTheOwnerAsController() {
        let owner = OwnerReference(controller: ["metadata": ["name": "a", "uid": "u"]], type: .deployments)
        #expect(owner.jsonValue == ["apiVersion": "apps/v1", "kind": "Deployment", "name": "a", "uid": "u", "controller": true, "blockOwnerDeletion": true])
        #expect(OwnerReference(decoding: owner.jsonValue) == owner)
    }

    static let versions: [(left: String, right: String, order: ResourceVersion.Order?)] = [
        ("1", "1", .same), ("1", "2", .older), ("10", "9", .newer), ("99", "100", .older), ("18446744073709551616", "18446744073709551615", .newer),
        ("abc", "abc", .same), ("abc", "abd", nil), ("1", "", nil), ("01", "1", nil), ("0", "1", nil), ("1a", "2", nil),
    ]

    @Test(arguments: versions) func resourceVersionsCompare(_ row: (left: String, right: String, order: ResourceVersion.Order?)) {
        #expect(ResourceVersion.compare(row.left, to: row.right) == row.order, "\(row.left) to \(row.right)")
    }

    @Test func unknownOrderIsNotAtLeast() {
        #expect(
            ResourceVersion.isAtLeast("5", "5") && ResourceVersion.isAtLeast("6", "5") && !ResourceVersion.isAtLeast("4", "5")
                && !ResourceVersion.isAtLeast("x", "5"))
    }
}

@Suite struct ConditionsTests {
    let start = Timestamp(secondsSinceEpoch: 100, nanoseconds: 5)
    let later = Timestamp(secondsSinceEpoch: 200)

    @Test func transitionTimeChangesOnlyWhenTheStatusFlips() {
        var conditions = Conditions()
        conditions.set(Condition("Ready", .false, reason: "Starting", message: "a", observedGeneration: 1), now: start)
        #expect(conditions["Ready"]?.lastTransitionTime == Timestamp(secondsSinceEpoch: 100))
        conditions.set(Condition("Ready", .false, reason: "Waiting", message: "b", observedGeneration: 2, lastTransitionTime: later), now: later)
        #expect(conditions["Ready"]?.lastTransitionTime == Timestamp(secondsSinceEpoch: 100))
        #expect(conditions["Ready"]?.reason == "Waiting")
        #expect(conditions["Ready"]?.observedGeneration == 2)
        conditions.set(Condition("Ready", .true, reason: "Up", message: "c", observedGeneration: 2), now: later)
        #expect(conditions["Ready"]?.lastTransitionTime == later)
        #expect(conditions.isTrue("Ready"))
    }

    @Test func eachTypeExistsOnceAndKeepsItsPlace() {
        var conditions = Conditions([
            Condition("A", .true, reason: "r", message: ""), Condition("A", .false, reason: "r", message: ""),
            Condition("B", .unknown, reason: "r", message: ""),
        ])
        #expect(conditions.all.map(\.type) == ["A", "B"])
        conditions.set(Condition("A", .false, reason: "r", message: ""), now: later)
        #expect(conditions.all.map(\.type) == ["A", "B"])
        conditions.remove("A")
        #expect(conditions["A"] == nil && conditions["B"] != nil)
    }

    @Test func jsonRoundTripsAndBadEntriesAreLeftOut() {
        var conditions = Conditions()
        conditions.set(Condition("Ready", .unknown, reason: "R", message: "m", observedGeneration: 4), now: later)
        #expect(Conditions(decoding: conditions.jsonValue) == conditions)
        #expect(Conditions(decoding: [["type": "X"], ["type": "Y", "status": "maybe"], 1]).all.isEmpty)
        #expect(Conditions(decoding: nil).all.isEmpty)
    }
}
