// What runs for a configuration under a budget, sampling by time, and what the agent costs.

import ProbeCore
import ProbePrograms
import SondeAPI
import Testing

@testable import sonde_agent

@Suite struct BudgetTests {
    private static func signals(_ change: (inout ProbeSignals) -> Void = { _ in }) -> ProbeSignals {
        var signals = AgentConfiguration(endpoint: "http://localhost:4318").signals
        change(&signals)
        return signals
    }

    @Test func precisionAndBudgetChooseTheSchedulersProgram() {
        let cases: [(ProbeSignals.Precision, [SavingStep], String?)] = [
            (.auto, [], "sched"), (.exact, [], "sched"), (.fast, [], "sched_fast"), (.auto, [.schedulerFast], "sched_fast"),
            (.fast, [.schedulerOff], nil), (.auto, [.schedulerFast, .schedulerOff], nil),
        ]
        for (precision, steps, expected) in cases {
            let names = ProbePlan.programs(Self.signals { $0.scheduler.precision = precision }, saving: steps).map(\.name)
            #expect(names.first { $0.hasPrefix("sched") } == expected, "\(precision), \(steps)")
        }
    }

    @Test func whatIsOffIsNeitherRunNorTakenBack() {
        let off = Self.signals {
            $0.scheduler.enabled = false
            $0.tcp.enabled = false
        }
        #expect(!ProbePlan.programs(off, saving: []).contains { ["sched", "sched_fast", "tcp", "syscall"].contains($0.name) })
        #expect(ProbePlan.possibleSteps(off).isDisjoint(with: [.schedulerFast, .schedulerOff, .tcpOff, .systemCallsOff]))
        #expect(!ProbePlan.possibleSteps(Self.signals { $0.scheduler.precision = .exact }).contains(.schedulerFast))
    }

    @Test func everyFamilyThatIsAvailableRunsAProgramAndNoOther() {
        for (name, _) in Self.signals().families {
            let only = Self.signals {
                $0.scheduler.enabled = name == "scheduler"
                $0.tcp.enabled = name == "tcp"
                $0.drops.enabled = name == "drops"
                $0.dns.enabled = name == "dns"
                $0.http.enabled = name == "http"
                $0.disk.enabled = name == "disk"
                $0.events.enabled = name == "events"
                $0.syscalls.enabled = name == "syscalls"
                $0.files.enabled = name == "files"
            }
            #expect(ProbePlan.programs(only, saving: []).isEmpty != ProbeSignals.available.contains(name), "\(name)")
        }
    }

    @Test func seriesStayWhileTheBudgetHoldsTheirProgramBack() {
        let signals = Self.signals { $0.syscalls.enabled = true }
        #expect(!ProbePlan.programs(signals, saving: [.systemCallsOff]).contains { $0.name == "syscall" })
        #expect(ProbePlan.kinds(signals, tellsAddresses: false).contains("syscalls"))
    }

    @Test func theModeChoosesTheProgramOfSystemCalls() {
        let cases: [(ProbeSignals.SyscallMode, String, String)] = [(.latency, "syscall", "syscalls"), (.counts, "syscall_counts", "syscall_calls")]
        for (mode, program, kind) in cases {
            let signals = Self.signals {
                $0.syscalls.enabled = true
                $0.syscalls.mode = mode
            }
            let counting = { (steps: [SavingStep]) in ProbePlan.programs(signals, saving: steps).filter(\.countsSystemCalls).map(\.name) }
            #expect(counting([]) == [program] && counting([.systemCallsSampled]) == [program])
            #expect(counting([.systemCallsOff]) == [])
            #expect(ProbePlan.kinds(signals, tellsAddresses: false).intersection(["syscalls", "syscall_calls"]) == [kind], "the other's series end")
            for step in [SavingStep.systemCallsSampled, .systemCallsOff] { #expect(step.programs.contains(program)) }
        }
        #expect(ProbePlan.programs(Self.signals { $0.syscalls.mode = .counts }, saving: []).allSatisfy { !$0.countsSystemCalls }, "off by default")
    }

    @Test func seriesOfAddressesAreThereWhileTheyAreTold() {
        #expect(ProbePlan.kinds(Self.signals(), tellsAddresses: true).contains(GroupKind.peers.name))
        #expect(!ProbePlan.kinds(Self.signals(), tellsAddresses: false).contains(GroupKind.peers.name))
        #expect(!ProbePlan.kinds(Self.signals { $0.tcp.enabled = false }, tellsAddresses: true).contains(GroupKind.peers.name))
    }

    @Test func aSampledProgramRunsOneSecondOfTenAndIsScaledByWhatItRan() {
        let second: UInt64 = 1_000_000_000
        var duty = DutyCycle(now: 0)
        #expect(duty.turn(now: second - 1) == nil && duty.turn(now: second) == false)
        #expect(duty.turn(now: 10 * second - 1) == nil && duty.turn(now: 10 * second) == true)
        #expect(duty.turn(now: 11 * second) == false)
        #expect(duty.scale(now: 20 * second) == 10)
        #expect(duty.scale(now: 25 * second) == 1, "it never ran: nothing was counted")
        #expect(duty.turn(now: 26 * second) == true)
        #expect(duty.scale(now: 27 * second) == 2)
    }

    @Test func costsAreDifferencesAndAReloadedProgramBeginsAtZero() {
        var meter = CostMeter(now: 0, process: ProcessReading(userSeconds: 1, systemSeconds: 1, residentBytes: 0))
        let process = { (seconds: Double) in ProcessReading(userSeconds: seconds, systemSeconds: 1, residentBytes: 0) }
        let first = meter.cost(kernelSeconds: ["sched": 2], process: process(1.5), now: 10_000_000_000)
        #expect(first == NodeCost(elapsedSeconds: 10, kernelSeconds: ["sched": 2], agentSeconds: 0.5))
        let second = meter.cost(kernelSeconds: ["sched": 0.5], process: process(1.5), now: 20_000_000_000)
        #expect(second.kernelSeconds == ["sched": 0.5] && second.agentSeconds == 0)
    }
}
