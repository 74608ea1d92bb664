// How long ago something was, in the few characters that kubectl prints: `5s`, `3m20s`, `4d2h`.
// Tables use it for ages.
// It never rounds up: 119 seconds are `119s`.

import JSON
import Kubernetes

/// Durations as text (apimachinery util/duration, HumanDuration).
enum HumanDuration {
    /// The age of an RFC 3339 time; `<unknown>` when there is none, `<invalid>` when the text is no time.
    static func text(since time: JSONValue?, now: Timestamp) -> String {
        guard let text = time?.string else { return "<unknown>" }
        guard let start = Timestamp(rfc3339: text) else { return "<invalid>" }
        return self.text(seconds: now.since(start).components.seconds)
    }

    static func text(seconds: Int64) -> String {
        // Clocks of two machines may differ a little; more is a mistake.
        if seconds < -1 { return "<invalid>" }
        if seconds < 120 { return "\(max(0, seconds))s" }
        let minutes = seconds / 60
        if minutes < 10 { return "\(minutes)m" + rest(seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        let hours = minutes / 60
        if hours < 8 { return "\(hours)h" + rest(minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        let days = hours / 24
        if days < 8 { return "\(days)d" + rest(hours % 24, "h") }
        if days < 730 { return "\(days)d" }
        return "\(days / 365)y" + (days < 8 * 365 ? rest(days % 365, "d") : "")
    }

    private static func rest(_ count: Int64, _ unit: String) -> String { count == 0 ? "" : "\(count)\(unit)" }
}
