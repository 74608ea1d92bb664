// Annotations that a conversion between versions leaves on an OpenTelemetryCollector.
// The webhook's conversion writes them; validation reads the one that tells of a problem.
// It never says anything about EBPFProbe, which has one version.

/// Names of annotations.
public enum ConversionAnnotation {
    /// What the other version cannot say, so that the way back restores it.
    public static let stash = "sonde.dev/conversion"
    /// Why `spec.config` of a v1alpha1 resource could not be read. Such a resource is refused at admission, and not rendered.
    public static let error = "sonde.dev/conversion-error"
}
