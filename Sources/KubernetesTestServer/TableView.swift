// Objects as a meta.k8s.io/v1 Table, which `kubectl get` prints.
// Representation makes one when a client asks for it.
// It never leaves a cell empty in a way that kubectl would reject: what is absent is `<none>` or null.

import JSON
import Kubernetes

enum TableView {
    static func table(_ objects: [JSONValue], metadata: JSONValue, _ kind: ServedKind) -> JSONValue {
        var columns: [JSONValue] = [definition("Name", "string", "name", "Name must be unique within a namespace.", 0)]
        columns += kind.columns.map { definition($0.name, $0.type, $0.format, $0.description, $0.priority) }
        let hasAge = kind.columns.contains { $0.name == "Age" }
        if !hasAge { columns.append(definition("Age", "string", "", "Time since the object was created.", 0)) }
        let rows = objects.map { object -> JSONValue in
            var cells: [JSONValue] = [.string(object.metadata.name)]
            cells += kind.columns.map { cell($0, object) }
            if !hasAge { cells.append(.string(age(object.at("metadata", "creationTimestamp")))) }
            return [
                "cells": .array(cells),
                "object": ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:]],
            ]
        }
        return ["kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": .array(columns), "rows": .array(rows)]
    }

    private static func definition(_ name: String, _ type: String, _ format: String, _ description: String, _ priority: Int) -> JSONValue {
        [
            "name": .string(name), "type": .string(type), "format": .string(format), "description": .string(description), "priority": .int(Int64(priority)),
        ]
    }

    private static func cell(_ column: ServedKind.Column, _ object: JSONValue) -> JSONValue {
        if column.path.hasPrefix("#") {
            let value = SimplePath.values(String(column.path.dropFirst()), in: object).first
            return .int(Int64(value?.object?.count ?? value?.array?.count ?? 0))
        }
        let found = SimplePath.values(column.path, in: object)
        if column.type == "date" { return found.first.map { .string(age($0)) } ?? nil }
        if column.type == "integer" || column.type == "number" { return found.first ?? (column.path.hasPrefix(".status") ? 0 : nil) }
        if found.isEmpty { return column.format == "custom" ? nil : "<none>" }
        return .string(found.map { $0.string ?? $0.text() }.joined(separator: ","))
    }

    /// The age of a time as kubectl writes it: `5s`, `3m`, `2h`, `4d`.
    private static func age(_ time: JSONValue?) -> String {
        guard let created = time?.string.flatMap(Timestamp.init(rfc3339:)) else { return "<unknown>" }
        let seconds = max(0, SystemClock.now().since(created).components.seconds)
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<(60 * 60 * 3): return "\(seconds / 60)m"
        case ..<(60 * 60 * 48): return "\(seconds / 3600)h"
        default: return "\(seconds / 86400)d"
        }
    }
}

/// The subset of JSONPath that printer columns use: fields, indexes, `[*]`, `[?(@.type=="Ready")]`, quoted fields.
enum SimplePath {
    static func values(_ path: String, in object: JSONValue) -> [JSONValue] {
        var current = [object]
        var rest = path[...]
        while !rest.isEmpty {
            if rest.hasPrefix("[?(@.") || rest.hasPrefix("[?(@['") {
                guard let match = rest.prefixMatch(of: /\[\?\(@\.([A-Za-z0-9_]+)\s*==\s*["']([^"']*)["']\)\]/) else { return [] }
                let (key, wanted) = (String(match.output.1), String(match.output.2))
                current = current.flatMap { ($0.array ?? []).filter { $0[key]?.string == wanted } }
                rest = rest[match.range.upperBound...]
            } else if let match = rest.prefixMatch(of: /\[([0-9]+|\*)\]/) {
                let index = Int(match.output.1)
                current = current.flatMap { value in index.map { value[$0].map { [$0] } ?? [] } ?? value.array ?? [] }
                rest = rest[match.range.upperBound...]
            } else if let match = rest.prefixMatch(of: /\['([^']+)'\]/) {
                current = current.compactMap { $0[String(match.output.1)] }
                rest = rest[match.range.upperBound...]
            } else if let match = rest.prefixMatch(of: /\.?((?:\\\.|[^.\[\\])+)/) {
                let key = String(match.output.1).split(separator: "\\.", omittingEmptySubsequences: false).joined(separator: ".")
                current = current.compactMap { $0[key] }
                rest = rest[match.range.upperBound...]
            } else {
                return []
            }
        }
        return current.filter { !$0.isNull }
    }
}
