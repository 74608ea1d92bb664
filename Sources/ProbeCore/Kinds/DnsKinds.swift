// DNS as metrics: lookups of clients, answers of servers.
// GroupKind lists them.
// They never change a series.

import OTLPMessages

extension GroupKind {
    /// First number: the name's. Second: `DNSOutcome`.
    public static let dnsLookups = GroupKind(
        table: "dns_lookups", valueBytes: SecondsHistogram.byteCount, eventClass: .dnsLookup, firstIsText: true,
        events: SecondsHistogram.count,
        metrics: { series, context in
            // Names that the table of texts has no room for stand beside those beyond the owner's limit: both are ~other.
            let series = Dictionary(grouping: series) { lookupAttributes($0.label, context) }
            let points = series.map { attributes, series in
                let start = series.map(\.time.startUnixNanoseconds).min() ?? 0
                let time = TimeSpan(startUnixNanoseconds: start, endUnixNanoseconds: series[0].time.endUnixNanoseconds)
                return SecondsHistogram.point(series.dropFirst().reduce(into: series[0].row) { $0 += $1.row }, attributes: attributes, time: time)
            }
            return [
                Metric(
                    name: "dns.lookup.duration", description: "Time until a DNS lookup was answered or given up.", unit: "s",
                    data: .histogram(points, .cumulative))
            ]
        })

    /// First number: RCODE.
    static let dnsAnswers = GroupKind(
        table: "dns_answers", valueBytes: 8, eventClass: .dnsAnswer, events: { $0[0] },
        metrics: { series, context in
            [
                context.sum("ebpf.dns.answers", "Answers of DNS servers.", unit: "{answer}", series, at: 0) { label in
                    guard case .exact(let code, _) = label else { return [Attribute("dns.response_code", .string(overflowValue))] }
                    return [Attribute("dns.response_code", .string(responseCodes.indices.contains(Int(code)) ? responseCodes[Int(code)] : "\(code)"))]
                }
            ]
        })

    /// IANA's names of RCODE 0 to 11, in lower case as in `error.type`.
    private static let responseCodes = [
        "noerror", "formerr", "servfail", "nxdomain", "notimp", "refused", "yxdomain", "yxrrset", "nxrrset", "notauth", "notzone", "dsotypeni",
    ]

    private static func lookupAttributes(_ label: SeriesKey.Label, _ context: MetricsContext) -> [Attribute] {
        guard case .exact(let name, let outcome) = label else { return [Attribute("dns.question.name", .string(overflowValue))] }
        let question = Attribute("dns.question.name", .string(context.labels.text(name)))
        let error = DNSOutcome(rawValue: outcome).map(\.errorType) ?? "_OTHER"
        return [question] + (error.map { [Attribute("error.type", .string($0))] } ?? [])
    }
}
