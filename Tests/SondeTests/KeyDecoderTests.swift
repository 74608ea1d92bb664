// Bytes of terminals as keys: whole, split at every place, unknown, and random.

import TestSupport
import Testing

@testable import sonde

@Suite struct KeyDecoderTests {
    static func keys(_ text: String) -> [TerminalKey] {
        var decoder = KeyDecoder()
        return decoder.take(Array(text.utf8))
    }

    static let sequences: [(String, [TerminalKey])] = [
        ("q", [.character("q")]), ("/é€😀", [.character("/"), .character("é"), .character("€"), .character("😀")]),
        ("\r", [.enter]), ("\n", [.enter]), ("\t", [.tab]), ("\u{7f}", [.backspace]), ("\u{8}", [.backspace]), ("\u{3}", [.character("\u{3}")]),
        ("\u{1b}[A", [.up]), ("\u{1b}[B", [.down]), ("\u{1b}[C", [.right]), ("\u{1b}[D", [.left]),
        ("\u{1b}OA", [.up]), ("\u{1b}OB", [.down]), ("\u{1b}OH", [.home]), ("\u{1b}OF", [.end]), ("\u{1b}OM", [.enter]),
        ("\u{1b}[H", [.home]), ("\u{1b}[F", [.end]), ("\u{1b}[1~", [.home]), ("\u{1b}[4~", [.end]), ("\u{1b}[7~", [.home]), ("\u{1b}[8~", [.end]),
        ("\u{1b}[5~", [.pageUp]), ("\u{1b}[6~", [.pageDown]), ("\u{1b}[Z", [.backTab]),
        ("\u{1b}[1;5A", [.up]), ("\u{1b}[6;2~", [.pageDown]),
        // Known to terminals, of no use here: nothing of them may look as if it had been typed.
        ("\u{1b}[3~q", [.character("q")]), ("\u{1b}[200~", []), ("\u{1b}[15~", []), ("\u{1b}OP", []), ("\u{1b}[[A", []), ("\u{1b}[[Aq", [.character("q")]),
        ("\u{1b}[<0;10;20M", []), ("\u{1b}[?62;22c", []), ("\u{1b}]11;rgb:0000/0000/0000\u{7}q", [.character("q")]),
        ("\u{1b}P1$r0m\u{1b}\\q", [.character("q")]), ("\u{1b}x", [.escape, .character("x")]),
        // A sequence that another one cuts short.
        ("\u{1b}[1\u{1b}[A", [.up]),
        // No UTF-8.
        ("\u{1b}[A\u{1b}[A", [.up, .up]),
    ]

    @Test(arguments: sequences) func isOneKey(text: String, expected: [TerminalKey]) { #expect(Self.keys(text) == expected) }

    @Test(arguments: sequences) func isTheSameWhenItComesByteByByte(text: String, expected: [TerminalKey]) {
        var decoder = KeyDecoder()
        #expect(text.utf8.flatMap { decoder.take([$0]) } == expected)
        #expect(!decoder.isPending)
    }

    @Test func escapeAloneIsAKeyWhenNothingFollows() {
        var decoder = KeyDecoder()
        #expect(decoder.take([0x1b]) == [] && decoder.isPending)
        #expect(decoder.settle() == [.escape] && !decoder.isPending)
        #expect(decoder.settle() == [])
        #expect(decoder.take([0x1b, 0x1b]) == [.escape])
        #expect(decoder.settle() == [.escape])
    }

    @Test func anUnfinishedSequenceIsForgotten() {
        var decoder = KeyDecoder()
        for text in ["\u{1b}[1;", "\u{1b}O", "\u{1b}]0;title", "\u{1b}[["] {
            #expect(decoder.take(Array(text.utf8)) == [])
            #expect(decoder.settle() == [])
            #expect(decoder.take([UInt8(ascii: "q")]) == [.character("q")])
        }
    }

    @Test(arguments: [[0xff, 0x71], [0xc3, 0x71], [0x80, 0x71], [0xed, 0xa0, 0x80, 0x71], [0xf4, 0x90, 0x80, 0x80, 0x71]] as [[UInt8]])
    func bytesThatAreNoUTF8GiveNothing(bytes: [UInt8]) {
        var decoder = KeyDecoder()
        #expect(decoder.take(bytes) == [.character("q")])
    }

    @Test func longParametersAreNotKept() {
        #expect(Self.keys("\u{1b}[" + String(repeating: "1", count: 100_000) + "~q") == [.character("q")])
    }

    @Test func randomBytesNeverBreakIt() {
        var generator = Seeded()
        var decoder = KeyDecoder()
        for _ in 0..<200_000 {
            let byte = generator.next() % 4 == 0 ? [0x1b, 0x5b, 0x4f, 0x5d, 0x3b][Int(generator.next() % 5)] : UInt8(truncatingIfNeeded: generator.next())
            for case .character(let scalar) in decoder.take([byte]) { #expect(scalar != "\u{1b}", "seed \(generator.seed)") }
        }
        _ = decoder.settle()
        #expect(decoder.take([UInt8(ascii: "q")]) == [.character("q")], "seed \(generator.seed)")
    }
}
