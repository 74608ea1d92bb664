// The request that carries metrics to a receiver: ExportMetricsServiceRequest of opentelemetry-proto v1 as bytes.
// The agent builds one each interval and hands the bytes to the exporter.
// It never splits a request; who builds it keeps it small.

/// Metrics of one resource, taken by one scope.
public struct ResourceMetrics: Hashable, Sendable {
    public var resource: Resource
    public var scope: Scope
    public var metrics: [Metric]

    public init(resource: Resource, scope: Scope, metrics: [Metric]) {
        self.resource = resource
        self.scope = scope
        self.metrics = metrics
    }
}

/// The body of `POST /v1/metrics`.
public struct MetricsRequest: Hashable, Sendable {
    public var resourceMetrics: [ResourceMetrics]

    public init(_ resourceMetrics: [ResourceMetrics]) { self.resourceMetrics = resourceMetrics }

    /// How many points the request carries; receivers count rejected data in points.
    public var pointCount: Int { resourceMetrics.reduce(0) { $0 + $1.metrics.reduce(0) { $0 + $1.pointCount } } }

    /// The protobuf form: resource_metrics = 1.
    public func bytes() -> [UInt8] {
        var writer = ProtobufWriter(reservingBytes: 512 + pointCount * 128)
        for group in resourceMetrics { writer.message(1) { $0.resourceMetrics(group) } }
        return writer.bytes
    }
}

extension ProtobufWriter {
    /// `ResourceMetrics`: resource = 1 (attributes = 1), scope_metrics = 2, schema_url = 3 (of the resource; its names are of the same version).
    fileprivate mutating func resourceMetrics(_ group: ResourceMetrics) {
        message(1) { $0.attributes(1, group.resource.attributes) }
        message(2) { writer in
            // `ScopeMetrics`: scope = 1, metrics = 2, schema_url = 3.
            writer.scope(1, group.scope)
            for metric in group.metrics { writer.message(2) { $0.metric(metric) } }
            writer.nonEmptyString(3, group.scope.schemaURL)
        }
        nonEmptyString(3, group.scope.schemaURL)
    }

    /// `Metric`: name = 1, description = 2, unit = 3, gauge = 5, sum = 7, histogram = 9, exponential_histogram = 10.
    /// In each of these: data_points = 1, aggregation_temporality = 2, is_monotonic = 3.
    private mutating func metric(_ metric: Metric) {
        nonEmptyString(1, metric.name)
        nonEmptyString(2, metric.description)
        nonEmptyString(3, metric.unit)
        switch metric.data {
        case .gauge(let points):
            message(5) { writer in for point in points { writer.message(1) { $0.number(point) } } }
        case .sum(let points, let temporality, let monotonicity):
            message(7) { writer in
                for point in points { writer.message(1) { $0.number(point) } }
                writer.integer(2, temporality.rawValue)
                if monotonicity == .monotonic { writer.integer(3, 1) }
            }
        case .histogram(let points, let temporality):
            message(9) { writer in
                for point in points { writer.message(1) { $0.histogram(point) } }
                writer.integer(2, temporality.rawValue)
            }
        case .exponentialHistogram(let points, let temporality):
            message(10) { writer in
                for point in points { writer.message(1) { $0.exponentialHistogram(point) } }
                writer.integer(2, temporality.rawValue)
            }
        }
    }

    /// start_time_unix_nano = 2 and time_unix_nano = 3, the same in every kind of point.
    private mutating func time(_ time: TimeSpan) {
        if time.startUnixNanoseconds != 0 { fixed64(2, time.startUnixNanoseconds) }
        fixed64(3, time.endUnixNanoseconds)
    }

    /// `NumberDataPoint`: start and time, as_double = 4, as_int = 6 (sfixed64), attributes = 7.
    private mutating func number(_ point: NumberPoint) {
        time(point.time)
        switch point.value {
        case .double(let value): double(4, value)
        case .int(let value): fixed64(6, UInt64(bitPattern: value))
        }
        attributes(7, point.attributes)
    }

    /// `HistogramDataPoint`: start and time, count = 4 (fixed64), sum = 5, bucket_counts = 6, explicit_bounds = 7, attributes = 9.
    private mutating func histogram(_ point: HistogramPoint) {
        time(point.time)
        fixed64(4, point.count)
        double(5, point.sum)
        packedFixed64(6, point.bucketCounts)
        packedFixed64(7, point.bounds.map(\.bitPattern))
        attributes(9, point.attributes)
    }

    /// `ExponentialHistogramDataPoint`: attributes = 1, start and time, count = 4 (fixed64), sum = 5, scale = 6 (sint32), zero_count = 7 (fixed64),
    /// positive = 8 (offset = 1 as sint32, bucket_counts = 2 as packed varints), zero_threshold = 14.
    private mutating func exponentialHistogram(_ point: ExponentialHistogramPoint) {
        attributes(1, point.attributes)
        time(point.time)
        fixed64(4, point.count)
        double(5, point.sum)
        if point.scale != 0 { zigzag(6, Int64(point.scale)) }
        if point.zeroCount != 0 { fixed64(7, point.zeroCount) }
        if !point.bucketCounts.isEmpty {
            message(8) { writer in
                if point.offset != 0 { writer.zigzag(1, Int64(point.offset)) }
                writer.packedVarints(2, point.bucketCounts)
            }
        }
        if point.zeroThreshold != 0 { double(14, point.zeroThreshold) }
    }
}
