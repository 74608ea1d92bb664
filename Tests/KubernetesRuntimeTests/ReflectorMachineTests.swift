// The reflector's protocol, step by step and without a server (docs/controllers.md rules 6, 8, 9, 10).

import JSON
import Kubernetes
import KubernetesRuntime
import Testing

@Suite struct ReflectorMachineTests {
    static let gone = KubernetesError(.gone, status: 410, reason: "Expired", message: "too old")
    static let away = KubernetesError(.network, message: "connection refused")

    static func at(_ seconds: Int) -> MonotonicTime { MonotonicTime(sinceOrigin: .seconds(seconds)) }

    /// A machine that has listed version `version` at time 0 and watches.
    static func watching(_ version: String = "100") -> ReflectorMachine {
        var machine = ReflectorMachine(seed: 1)
        _ = machine.on(.start, now: at(0))
        _ = machine.on(.listed(ObjectList(items: [], resourceVersion: version)), now: at(0))
        _ = machine.on(.replaced, now: at(0))
        return machine
    }

    @Test func listIsPagedAndThenWatchedFromItsVersion() {
        var machine = ReflectorMachine(seed: 1)
        #expect(machine.on(.start, now: Self.at(0)) == .list(.init(resourceVersion: nil, continueToken: nil, limit: 500)))
        let first = ObjectList(items: [configMap("a")], resourceVersion: "100", continueToken: "t")
        #expect(machine.on(.listed(first), now: Self.at(0)) == .list(.init(resourceVersion: nil, continueToken: "t", limit: 500)))
        let second = ObjectList(items: [configMap("b")], resourceVersion: "100")
        #expect(machine.on(.listed(second), now: Self.at(0)) == .replace([configMap("a"), configMap("b")], resourceVersion: "100"))
        guard case .watch(let step) = machine.on(.replaced, now: Self.at(0)) else {
            Issue.record("no watch after the list")
            return
        }
        #expect(step.resourceVersion == "100")
        #expect((300...600).contains(step.timeoutSeconds))
        #expect(step.deadline == .seconds(step.timeoutSeconds + 5))
    }

    @Test func firstListMayBeServedFromACache() {
        var machine = ReflectorMachine(firstList: .cached, seed: 1)
        #expect(machine.on(.start, now: Self.at(0)) == .list(.init(resourceVersion: "0", continueToken: nil, limit: 500)))
    }

    @Test func goneAsStatusListsAgainFromTheLastVersion() {
        var machine = Self.watching()
        #expect(machine.on(.failed(Self.gone), now: Self.at(60)) == .list(.init(resourceVersion: "100", continueToken: nil, limit: 500)))
    }

    @Test func goneInsideTheStreamListsAgainFromTheLastVersion() {
        var machine = Self.watching()
        _ = machine.on(.received(.modified(configMap("a", version: "120"))), now: Self.at(1))
        #expect(machine.on(.received(.failed(Self.gone)), now: Self.at(2)) == .list(.init(resourceVersion: "120", continueToken: nil, limit: 500)))
    }

    @Test(arguments: [gone, KubernetesError(.timeout, status: 504, message: "Too large resource version: 120, current: 7")])
    func versionIsDroppedOnlyAfterTheListItselfRefusesIt(_ refusal: KubernetesError) {
        var machine = Self.watching("120")
        _ = machine.on(.failed(Self.gone), now: Self.at(60))
        #expect(machine.on(.failed(refusal), now: Self.at(60)) == .list(.init(resourceVersion: nil, continueToken: nil, limit: 500)))
        _ = machine.on(.listed(ObjectList(items: [], resourceVersion: "130")), now: Self.at(60))
        _ = machine.on(.replaced, now: Self.at(60))
        #expect(
            machine.on(.failed(Self.gone), now: Self.at(90)) == .list(.init(resourceVersion: "130", continueToken: nil, limit: 500)),
            "a good list makes versions usable again")
    }

    @Test func goneRightAfterAListWaits() {
        var machine = Self.watching()
        guard case .wait = machine.on(.failed(Self.gone), now: Self.at(0)) else {
            Issue.record("a server that lists and refuses to watch would be asked in a tight loop")
            return
        }
    }

    @Test func expiredPageFallsBackToOneAnswer() {
        var machine = ReflectorMachine(seed: 1)
        _ = machine.on(.start, now: Self.at(0))
        _ = machine.on(.listed(ObjectList(items: [configMap("a")], resourceVersion: "1", continueToken: "t")), now: Self.at(0))
        #expect(machine.on(.failed(Self.gone), now: Self.at(0)) == .list(.init(resourceVersion: nil, continueToken: nil, limit: nil)))
        #expect(
            machine.on(.listed(ObjectList(items: [configMap("b")], resourceVersion: "2")), now: Self.at(0)) == .replace([configMap("b")], resourceVersion: "2"))
    }

    @Test func bookmarksAndEventsMoveTheResumePoint() {
        var machine = Self.watching()
        let event = WatchEvent.added(configMap("a", version: "101"))
        #expect(machine.on(.received(event), now: Self.at(1)) == .deliver(event))
        #expect(machine.lastVersion == "101")
        let bookmark = WatchEvent.bookmark(resourceVersion: "150", isInitialEventsEnd: false)
        #expect(machine.on(.received(bookmark), now: Self.at(2)) == .deliver(bookmark))
        guard case .watch(let step) = machine.on(.ended, now: Self.at(400)) else {
            Issue.record("a closed stream is not watched again")
            return
        }
        #expect(step.resourceVersion == "150")
    }

    @Test func oneBadObjectDoesNotEndTheWatch() {
        var machine = Self.watching()
        #expect(machine.on(.received(.undecodable("bad")), now: Self.at(1)) == .report("bad"))
        #expect(machine.lastVersion == "100")
    }

    @Test func veryShortWatchIsAFailure() {
        var machine = Self.watching()
        guard case .wait(_, let error) = machine.on(.ended, now: Self.at(0)) else {
            Issue.record("a watch that ended at once was repeated at once")
            return
        }
        #expect(error.message.contains("very short watch"))
        guard case .watch = machine.on(.waited, now: Self.at(2)) else {
            Issue.record("no watch after the wait")
            return
        }
        var other = Self.watching()
        _ = other.on(.received(.added(configMap("a", version: "101"))), now: Self.at(0))
        guard case .watch = other.on(.ended, now: Self.at(0)) else {
            Issue.record("a short watch with events is no failure")
            return
        }
    }

    @Test func brokenStreamResumesAndOtherRefusalsListAgain() {
        var broken = Self.watching()
        _ = broken.on(.failed(Self.away), now: Self.at(10))
        guard case .watch = broken.on(.waited, now: Self.at(11)) else {
            Issue.record("a broken stream does not need a new list")
            return
        }
        var forbidden = Self.watching()
        _ = forbidden.on(.failed(KubernetesError(.forbidden, status: 403, message: "no")), now: Self.at(10))
        guard case .list = forbidden.on(.waited, now: Self.at(11)) else {
            Issue.record("after a refusal the state is listed again")
            return
        }
    }

    @Test func backoffDoublesWithJitterToItsCapAndResets() {
        var machine = ReflectorMachine(seed: 7)
        _ = machine.on(.start, now: Self.at(0))
        var now = 0
        for nominal in [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30] {
            guard case .wait(let delay, _) = machine.on(.failed(Self.away), now: Self.at(now)) else {
                Issue.record("no wait")
                return
            }
            #expect(delay >= .seconds(nominal / 2) && delay <= .seconds(nominal), "\(delay) for \(nominal)")
            now += 40
            _ = machine.on(.waited, now: Self.at(now))
        }
        guard case .wait(let delay, _) = machine.on(.failed(Self.away), now: Self.at(now + 200)) else { return }
        #expect(delay <= .seconds(0.8), "two minutes of health reset the backoff")
    }

    @Test func retryAfterIsKept() {
        var machine = ReflectorMachine(seed: 7)
        _ = machine.on(.start, now: Self.at(0))
        let error = KubernetesError(.tooManyRequests, status: 429, message: "slow", retryAfter: .seconds(9))
        #expect(machine.on(.failed(error), now: Self.at(0)) == .wait(.seconds(9), error))
    }

    @Test func listWithoutAVersionIsAFailure() {
        var machine = ReflectorMachine(seed: 7)
        _ = machine.on(.start, now: Self.at(0))
        guard case .wait(_, let error) = machine.on(.listed(ObjectList(items: [], resourceVersion: "")), now: Self.at(0)) else {
            Issue.record("there is nothing to watch from")
            return
        }
        #expect(error.code == .undecodable)
    }
}
