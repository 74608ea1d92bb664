// Metrics as values (opentelemetry-proto v1, metrics.proto): what ProbeCore makes and the exporter sends.
// Times are nanoseconds of the Unix epoch, as OTLP counts them.
// They never aggregate: a point says what was counted elsewhere.

/// One instrument with its points.
public struct Metric: Hashable, Sendable {
    public enum Data: Hashable, Sendable {
        case gauge([NumberPoint])
        case sum([NumberPoint], Temporality, Monotonicity)
        case histogram([HistogramPoint], Temporality)
        case exponentialHistogram([ExponentialHistogramPoint], Temporality)
    }

    public var name: String
    public var description: String
    /// UCUM, as in the semantic conventions: `s`, `By`, `{segment}`.
    public var unit: String
    public var data: Data

    public init(name: String, description: String = "", unit: String, data: Data) {
        self.name = name
        self.description = description
        self.unit = unit
        self.data = data
    }

    /// How many points this metric carries.
    public var pointCount: Int {
        switch data {
        case .gauge(let points), .sum(let points, _, _): points.count
        case .histogram(let points, _): points.count
        case .exponentialHistogram(let points, _): points.count
        }
    }
}

/// Whether a point counts since its series began or since the last point. The raw values are those of the protocol.
public enum Temporality: UInt64, Hashable, Sendable {
    case delta = 1
    case cumulative = 2
}

public enum Monotonicity: Hashable, Sendable {
    /// A counter.
    case monotonic
    /// A sum that may fall.
    case nonMonotonic
}

/// The span that a point covers. Gauges have no start: zero.
public struct TimeSpan: Hashable, Sendable {
    public var startUnixNanoseconds: UInt64
    public var endUnixNanoseconds: UInt64

    public init(startUnixNanoseconds: UInt64, endUnixNanoseconds: UInt64) {
        self.startUnixNanoseconds = startUnixNanoseconds
        self.endUnixNanoseconds = endUnixNanoseconds
    }
}

public struct NumberPoint: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        case int(Int64)
        case double(Double)
    }

    public var attributes: [Attribute]
    public var time: TimeSpan
    public var value: Value

    public init(attributes: [Attribute] = [], time: TimeSpan, value: Value) {
        self.attributes = attributes
        self.time = time
        self.value = value
    }
}

/// A histogram with explicit bounds: `bucketCounts` has one element more than `bounds`; bucket i holds (bounds[i-1], bounds[i]].
public struct HistogramPoint: Hashable, Sendable {
    public var attributes: [Attribute]
    public var time: TimeSpan
    public var count: UInt64
    public var sum: Double
    public var bucketCounts: [UInt64]
    public var bounds: [Double]

    public init(attributes: [Attribute] = [], time: TimeSpan, count: UInt64, sum: Double, bucketCounts: [UInt64], bounds: [Double]) {
        precondition(bucketCounts.count == bounds.count + 1, "a histogram needs one bucket more than bounds")
        self.attributes = attributes
        self.time = time
        self.count = count
        self.sum = sum
        self.bucketCounts = bucketCounts
        self.bounds = bounds
    }
}

/// A histogram with bounds at powers of `2^(2^-scale)`; with scale 0, bucket `index` holds (2^index, 2^(index+1)]. Minimum and maximum are left out.
public struct ExponentialHistogramPoint: Hashable, Sendable {
    public var attributes: [Attribute]
    public var time: TimeSpan
    public var count: UInt64
    public var sum: Double
    public var scale: Int32
    /// Values whose magnitude is at most `zeroThreshold`.
    public var zeroCount: UInt64
    public var zeroThreshold: Double
    /// The index of the first positive bucket.
    public var offset: Int32
    public var bucketCounts: [UInt64]

    public init(
        attributes: [Attribute] = [], time: TimeSpan, count: UInt64, sum: Double, scale: Int32 = 0, zeroCount: UInt64 = 0, zeroThreshold: Double = 0,
        offset: Int32, bucketCounts: [UInt64]
    ) {
        self.attributes = attributes
        self.time = time
        self.count = count
        self.sum = sum
        self.scale = scale
        self.zeroCount = zeroCount
        self.zeroThreshold = zeroThreshold
        self.offset = offset
        self.bucketCounts = bucketCounts
    }
}
