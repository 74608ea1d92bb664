// Quantities: the values and canonical texts that k8s.io/apimachinery gives.

import Kubernetes
import Testing

@Suite struct QuantityTests {
    static let canonical: [(text: String, canonical: String)] = [
        ("0", "0"), ("0Mi", "0"), ("1", "1"), ("+1", "1"), ("-1", "-1"), ("1.5", "1500m"), ("0.5", "500m"), (".5", "500m"), ("5.", "5"), ("100m", "100m"),
        ("1000m", "1"), ("1024", "1024"), ("1000", "1k"), ("12345k", "12345k"), ("1Ki", "1Ki"), ("1024Ki", "1Mi"), ("1.5Gi", "1536Mi"), ("100Ki", "100Ki"),
        ("0.5Ki", "512"), ("1536", "1536"), ("1e3", "1e3"), ("1E3", "1e3"), ("12e6", "12e6"), ("1E", "1E"), ("1Ei", "1Ei"), ("1n", "1n"), ("0.1n", "1n"),
        ("1u", "1u"),
        ("0.0000000001", "1n"), ("-0.0000000001", "-1n"), ("1.0000000001", "1000000001n"), ("100000000000000000000E", "9223372036854775807"), ("20Mi", "20Mi"),
        ("1.3Ki", "1332"),
    ]

    @Test(arguments: canonical) func canonicalTextIsKubernetes(_ row: (text: String, canonical: String)) {
        #expect(Quantity(row.text)?.description == row.canonical, "\(row.text)")
    }

    @Test(arguments: ["", "m", "1mm", "1 Mi", "1.2.3", "1ki", "1e", "1e99999", "0x10", "1Mi ", "--1", "∞", "1e+", String(repeating: "1", count: 65)])
    func otherTextsAreRefused(_ text: String) { #expect(Quantity(text) == nil) }

    @Test func valuesCompareAcrossSuffixes() throws {
        let small = try #require(Quantity("999Mi"))
        let large = try #require(Quantity("1Gi"))
        #expect(small < large)
        #expect(Quantity("1000m") == Quantity("1"))
        #expect(Quantity("1e3") == Quantity("1k"))
        #expect(Quantity("1Ki") != Quantity("1k"))
    }

    @Test func wholeAndMilliValuesRoundAwayFromZero() {
        #expect(Quantity("1.1")?.value == 2)
        #expect(Quantity("-1.1")?.value == -2)
        #expect(Quantity("20m")?.milliValue == 20)
        #expect(Quantity("1u")?.milliValue == 1)
        #expect(Quantity("32Mi")?.value == 33_554_432)
        #expect(Quantity("1234567890123456789.5")?.nanos == 1_234_567_890_123_456_789_500_000_000)
    }
}
