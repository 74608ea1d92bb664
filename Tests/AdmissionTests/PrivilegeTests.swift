// Nobody gets rights through a collector that they do not have: which questions are asked, and what a refusal says.
// The API server is a table of who holds what.
// It never grants anything.

import JSON
import Kubernetes
import Synchronization
import Testing

@testable import Admission

/// Answers access reviews from a table of `user verb group/resource`.
private final class AccessTable: KubernetesAPI {
    private let held: Set<String>
    private let questions = Mutex<[JSONValue]>([])
    private let isBroken: Bool

    init(_ held: Set<String>, isBroken: Bool = false) {
        self.held = held
        self.isBroken = isBroken
    }

    var asked: [JSONValue] { questions.withLock { $0 } }

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        if isBroken { throw KubernetesError(.serviceUnavailable, message: "down") }
        let body = try #require(request.body)
        questions.withLock { $0.append(body) }
        let wanted = body.at("spec", "resourceAttributes") ?? [:]
        let texts = ["verb", "group", "resource", "subresource", "name", "namespace"].map { wanted[$0]?.string ?? "" }
        let key = "\(body.at("spec", "user")?.string ?? "") \(texts[0]) \(texts[1])/\(texts[2])\(texts[3].isEmpty ? "" : "/" + texts[3])"
        return ["status": ["allowed": .bool(held.contains(key))]]
    }

    func watch(_ request: KubernetesRequest) async throws -> WatchStream { throw KubernetesError(.methodNotAllowed, message: "no watches") }
}

@Suite struct PrivilegeTests {
    private static let alice = RequestingUser(name: "alice", uid: "7", groups: ["dev"], extra: ["k": ["v"]])
    private static let account = ObjectName(namespace: "n", name: "c-collector")
    private static let rights: Set<AccessRight> = [
        AccessRight(group: "", resource: "nodes/stats", verb: "get"), AccessRight(group: "apps", resource: "replicasets", verb: "list"),
        AccessRight(group: "", resource: "pods", verb: "watch", namespace: "n"),
    ]

    private func refusal(_ table: AccessTable, _ rights: Set<AccessRight> = rights) async -> AdmissionAnswer? {
        await PrivilegeCheck(api: table).refusal(of: rights, to: Self.alice, account: Self.account)
    }

    @Test func noRightsNeedNoQuestion() async {
        let table = AccessTable([])
        #expect(await refusal(table, []) == nil)
        #expect(table.asked.isEmpty)
    }

    @Test func anAdministratorIsAskedForOnce() async {
        let table = AccessTable(["alice * */*"])
        #expect(await refusal(table) == nil)
        #expect(table.asked.count == 1)
    }

    @Test func whatTheUserLacksIsNamedInOrder() async throws {
        let answer = try #require(await refusal(AccessTable(["alice list apps/replicasets"])))
        #expect(answer.code == 403 && answer.reason == "Forbidden")
        #expect(
            answer.message
                == "user \"alice\" is not allowed to create a collector whose config would grant permissions they do not hold: "
                + "get nodes/stats, watch pods in n")
    }

    @Test func whatTheServiceAccountHoldsIsNoNewGrant() async {
        let account = "system:serviceaccount:n:c-collector"
        let table = AccessTable(["\(account) get /nodes/stats", "\(account) list apps/replicasets", "alice watch /pods"])
        #expect(await refusal(table) == nil)
        let asked = table.asked.filter { $0.at("spec", "user") == .string(account) }
        #expect(asked.count == 3)
        #expect(asked.allSatisfy { $0.at("spec", "groups")?.array?.contains("system:serviceaccounts:n") == true })
    }

    @Test func aQuestionNamesTheUserAsTheServerKnowsThem() async {
        let table = AccessTable([])
        _ = await refusal(table)
        let question = table.asked.first { $0.at("spec", "resourceAttributes", "subresource") == "stats" && $0.at("spec", "user") == "alice" }
        #expect(question?.at("spec", "uid") == "7" && question?.at("spec", "groups") == ["dev"] && question?.at("spec", "extra") == ["k": ["v"]])
        #expect(question?.at("spec", "resourceAttributes", "resource") == "nodes")
    }

    @Test func whatCannotBeFoundOutIsRefused() async throws {
        let answer = try #require(await refusal(AccessTable([], isBroken: true)))
        #expect(answer.code == 500 && answer.message.contains("cannot be found out"))
    }

    @Test func tooManyRightsAreRefusedUnasked() async throws {
        let table = AccessTable(["alice * */*"])
        let many = Set((0...PrivilegeCheck.rightsMax).map { AccessRight(group: "g", resource: "r\($0)", verb: "get") })
        #expect(try #require(await refusal(table, many)).message.contains("split it"))
        #expect(table.asked.isEmpty)
    }
}
