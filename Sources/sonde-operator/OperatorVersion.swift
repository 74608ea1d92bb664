// The version of this build, as --version, the logs, the default image and the chart say it.
// A test compares it with charts/sonde/Chart.yaml.
// It never changes at run time.

enum OperatorVersion {
    static let text = "0.1.0"
}
