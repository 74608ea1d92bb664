// The kernel's files as readings, and readings as series that begin when the agent does.

import OTLPMessages
import Testing

@testable import ProbeCore

@Suite struct HostFilesTests {
    @Test func stealIsTheEighthNumberOfEachCPU() {
        let text = "cpu  1 2 3 4 5 6 7 99 0 0\ncpu0 1 2 3 4 5 6 7 250 0 0\ncpu11 1 2 3 4 5 6 7 1 0 0\nintr 5\ncpu2 1 2\ncpux 1 2 3 4 5 6 7 8\n"
        let steal = HostFiles.stealNanoseconds(inStat: text, ticksPerSecond: 100)
        #expect(steal.map(\.cpu) == [0, 11] && steal.map(\.nanoseconds) == [2_500_000_000, 10_000_000])
        #expect(HostFiles.stealNanoseconds(inStat: text, ticksPerSecond: 0).isEmpty)
    }

    @Test(arguments: [
        ("version 2", "usage_usec 5\nnr_periods 3\nnr_throttled 2\nthrottled_usec 1500\n", UInt64?(1_500_000)),
        ("version 1", "nr_periods 3\nnr_throttled 2\nthrottled_time 1500\n", 1500),
        ("no quota controller", "usage_usec 5\n", nil),
        ("no number", "throttled_usec many\n", nil),
        ("larger than nanoseconds can be", "throttled_usec 18446744073709551615\n", .max),
    ])
    func throttling(reason: String, text: String, expected: UInt64?) {
        #expect(HostFiles.throttledNanoseconds(inCPUStat: text) == expected, "\(reason)")
    }

    @Test func pressureIsTheTotalOfEachLine() {
        let text = "some avg10=0.00 avg60=0.02 avg300=0.03 total=140\nfull avg10=0.00 avg60=0.01 avg300=0.01 total=7\nodd total=3\nsome total=x\n"
        let pressure = HostFiles.pressureNanoseconds(in: text)
        #expect(pressure.map(\.kind) == [.some, .full] && pressure.map(\.nanoseconds) == [140_000, 7_000])
    }

    @Test func partitionsNameDevices() {
        let text = "major minor  #blocks  name\n\n 254        0  268435456 vda\n 259        3  1 nvme0n1p3\n 1 x 2 y\n"
        #expect(KernelNames.devices(inPartitions: text) == [254 << 20: "vda", 259 << 20 | 3: "nvme0n1p3"])
    }

    @Test func whatWasThereBeforeTheAgentIsNoCountAndALaterCgroupCountsFromItsCreation() throws {
        var aggregator = ProbeAggregatorTests.aggregator(Fixture.settings(), [ProbeAggregatorTests.nginx, CgroupDirectory(id: 3, path: "/a.service")])
        aggregator.absorb([HostReading(cgroup: 2, quantity: .throttled, nanoseconds: 5_000_000_000)], isBaseline: true)
        let later = [
            HostReading(cgroup: 2, quantity: .throttled, nanoseconds: 7_500_000_000), HostReading(cgroup: 3, quantity: .throttled, nanoseconds: 250_000_000),
        ]
        aggregator.absorb(later, isBaseline: false)
        let metrics = aggregator.endWindow(at: 2000)
        for (service, expected) in [("nginx", 2.5), ("a", 0.25)] {
            guard case .sum(let points, .cumulative, .monotonic) = try metrics.resource(service).metrics[0].data else { return #expect(Bool(false)) }
            #expect(points.map(\.value) == [.double(expected)], "\(service)")
        }
        #expect(aggregator.ledger.counts.isEmpty, "numbers in files are no events")
    }

    @Test func containersAndUnitsAreMeteredAtTheirTopmostCgroup() {
        let pod = "/kubepods/pod\(CgroupPathTests.uid)"
        let paths = [
            "/", "/kubepods", pod, "\(pod)/\(CgroupPathTests.id)", "\(pod)/\(CgroupPathTests.id)/inner", "/system.slice", "/system.slice/a.service",
            "/system.slice/a.service/w",
        ]
        let aggregator = ProbeAggregatorTests.aggregator(
            Fixture.settings(), paths.enumerated().map { CgroupDirectory(id: UInt64($0.offset + 1), path: $0.element) })
        #expect(Set(aggregator.meteredCgroups.map(\.id)) == [4, 7])
    }
}
