// Objects as a meta.k8s.io/v1 Table, which `kubectl get` prints.
// Representation makes one when a client asks for it.
// It never guesses: a custom kind's cell without a value is null, which kubectl prints as nothing.

import JSON
import Kubernetes

enum TableView {
    static func table(_ objects: [JSONValue], metadata: JSONValue, _ kind: ServedKind, now: Timestamp = SystemClock.now()) -> JSONValue {
        let columns = columns(kind)
        let rows = objects.map { object -> JSONValue in
            [
                "cells": .array(columns.map { $0.cell(object, now) }),
                "object": ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:]],
            ]
        }
        return [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": .array(columns.map(definition)), "rows": .array(rows),
        ]
    }

    /// Name first; age last where the kind has no columns of its own, as servers do it.
    private static func columns(_ kind: ServedKind) -> [TableColumn] {
        if kind.isCustom { return [.objectName] + (kind.columns.isEmpty ? [.age] : kind.columns.map(custom)) }
        if let own = BuiltInColumns.columns(kind.type) { return own }
        return [.objectName] + kind.columns.map(custom) + [.age]
    }

    private static func definition(_ column: TableColumn) -> JSONValue {
        [
            "name": .string(column.name), "type": .string(column.type), "format": .string(column.format), "description": .string(column.description),
            "priority": .int(Int64(column.priority)),
        ]
    }

    private static func custom(_ column: ServedKind.Column) -> TableColumn {
        let path = JSONPath(column.path)
        let description = column.description.isEmpty ? "Custom resource definition column (in JSONPath format): \(column.path)" : column.description
        return TableColumn(name: column.name, type: column.type, format: column.format, description: description, priority: column.priority) { object, now in
            guard let value = path?.values(in: object).first else { return nil }
            return cell(value, type: column.type, now: now)
        }
    }

    /// A value as a cell of a type (apiextensions-apiserver, tableconvertor): only strings take any value; what does not fit is null.
    private static func cell(_ value: JSONValue, type: String, now: Timestamp) -> JSONValue {
        switch (type, value) {
        case ("string", .string): value
        case ("string", _): .string(value.text(.goSorted))
        case ("integer", .double(let number)): Int64(exactly: number.rounded(.towardZero)).map { .int($0) } ?? .null
        case ("integer", .int), ("integer", .uint), ("number", .int), ("number", .uint), ("number", .double), ("boolean", .bool): value
        case ("date", .string): .string(HumanDuration.text(since: value, now: now))
        default: .null
        }
    }
}
