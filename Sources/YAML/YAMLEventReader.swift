// libyaml's parser as a pull of Swift values.
// YAMLLoader takes one event after the other from it.
// It never lets a C type or pointer out of this file.

import CYAML

/// One step of a YAML stream and where it began.
struct YAMLEvent {
    enum Content {
        case streamStart, streamEnd, documentStart, documentEnd, sequenceEnd, mappingEnd
        case alias(String)
        case scalar(Scalar)
        case sequenceStart(anchor: String?, tag: String?)
        case mappingStart(anchor: String?, tag: String?)
    }

    struct Scalar {
        let text: String
        let anchor: String?
        let tag: String?
        let isPlain: Bool
    }

    let content: Content
    let line: Int
    let column: Int

    func error(_ message: String) -> YAMLError { YAMLError(message: message, line: line, column: column) }
}

/// Owns a `yaml_parser_t` and a copy of its input; frees both.
final class YAMLEventReader {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) throws(YAMLError) {
        input = .allocate(capacity: max(bytes.count, 1))
        _ = input.initialize(from: bytes)
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else { throw YAMLError(message: "out of memory", line: 1, column: 1) }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    func next() throws(YAMLError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        return YAMLEvent(content: Self.content(event), line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1)
    }

    private static func content(_ event: yaml_event_t) -> YAMLEvent.Content {
        switch event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT: return .scalar(scalar(event))
        case YAML_SEQUENCE_START_EVENT:
            return .sequenceStart(anchor: text(event.data.sequence_start.anchor), tag: text(event.data.sequence_start.tag))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            return .mappingStart(anchor: text(event.data.mapping_start.anchor), tag: text(event.data.mapping_start.tag))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        default: return .streamEnd  // YAML_STREAM_END_EVENT, and YAML_NO_EVENT behind it.
        }
    }

    private static func scalar(_ event: yaml_event_t) -> YAMLEvent.Scalar {
        let data = event.data.scalar
        let text = String(decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)  // libyaml has checked the UTF-8.
        return YAMLEvent.Scalar(text: text, anchor: Self.text(data.anchor), tag: Self.text(data.tag), isPlain: data.style == YAML_PLAIN_SCALAR_STYLE)
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? { pointer.map { String(cString: $0) } }

    private func failure() -> YAMLError {
        let state = parser.pointee
        let problem = state.problem.map { String(cString: $0) } ?? "not YAML"
        if state.error == YAML_READER_ERROR { return readerFailure(problem, offset: Int(state.problem_offset)) }
        let context = state.context.map { String(cString: $0) + ": " } ?? ""
        return YAMLError(message: context + problem, line: Int(state.problem_mark.line) + 1, column: Int(state.problem_mark.column) + 1)
    }

    /// Bytes that are no text have only an offset.
    private func readerFailure(_ problem: String, offset: Int) -> YAMLError {
        let before = input[..<min(max(offset, 0), input.count)]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let column = String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1
        return YAMLError(message: problem, line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: column)
    }
}
