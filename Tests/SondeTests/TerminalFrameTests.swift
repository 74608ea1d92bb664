// Screens of `sonde top` as a terminal gets them: nothing hostile, nothing twice, never too long.

import Testing

@testable import sonde

@Suite struct TerminalFrameTests {
    /// Every screen of the fixture: each table, the help, the filter.
    static func screens(_ size: TerminalSize, ascii: Bool = false, each body: ([StyledLine], String) -> Void) {
        for keys in TopView.allCases.map({ String($0.key) }) + ["?", "/\u{e9}x", "/zzz"] {
            var state = TopState(intervalSeconds: 2)
            for scalar in keys.unicodeScalars { _ = state.on(.character(scalar)) }
            body(TopScreen(picture: Fixture.picture(), size: size, ascii: ascii).lines(&state), keys)
        }
    }

    @Test(arguments: [(80, 24), (200, 50), (40, 10), (20, 5), (10, 4), (1, 1), (80, 2), (3, 100)]) func aScreenHasTheTerminalsSize(columns: Int, rows: Int) {
        Self.screens(TerminalSize(columns: columns, rows: rows)) { lines, keys in
            #expect(lines.count == rows, "\(keys)")
            #expect(lines.allSatisfy { $0.width <= columns }, "\(keys)")
        }
    }

    @Test func theTabsFitEightyColumns() {
        var state = TopState(intervalSeconds: 2)
        let lines = TopScreen(picture: Fixture.picture(), size: TerminalSize(columns: 80, rows: 24), ascii: false).lines(&state)
        #expect(lines[1].text == "1 overview 2 sched 3 tcp 4 drops 5 dns 6 disk 7 files 8 calls 9 events 0 costs")
        #expect(lines[1].pieces.contains { $0 == ("1 overview", .inverse) })
    }

    @Test(arguments: [false, true]) func nothingHostileReachesTheTerminal(ascii: Bool) {
        Self.screens(TerminalSize(columns: 300, rows: 60), ascii: ascii) { lines, keys in
            for scalar in lines.flatMap({ $0.text.unicodeScalars }) {
                let isOurs = !ascii && "▁▂▃▄▅▆▇█▲▼…é".unicodeScalars.contains(scalar)
                #expect((0x20..<0x7f).contains(scalar.value) || isOurs, "\(keys): U+\(String(scalar.value, radix: 16))")
            }
        }
        for view in TopView.allCases {
            let text = TopTableTests.plain(view, ascii: ascii).joined()
            #expect(text.unicodeScalars.allSatisfy { (0x20..<0x7f).contains($0.value) || "▼▲".unicodeScalars.contains($0) })
        }
    }

    @Test func onlyLinesThatChangedAreSent() {
        let size = TerminalSize(columns: 20, rows: 3)
        var frame = TerminalFrame(colours: false)
        let lines = ["one", "two", "three"].map { StyledLine($0) }
        #expect(frame.update(to: lines, size: size) == "\u{1b}[0m\u{1b}[2J\u{1b}[1;1Hone\u{1b}[K\u{1b}[2;1Htwo\u{1b}[K\u{1b}[3;1Hthree\u{1b}[K")
        #expect(frame.update(to: lines, size: size) == "")
        #expect(frame.update(to: [lines[0], StyledLine("2"), lines[2]], size: size) == "\u{1b}[2;1H2\u{1b}[K")
        let full = StyledLine(String(repeating: "x", count: 20))
        #expect(frame.update(to: [full, StyledLine("2"), lines[2]], size: size) == "\u{1b}[1;1H" + full.text, "erasing would take the last column")
        #expect(frame.update(to: [full, StyledLine("2")], size: TerminalSize(columns: 20, rows: 2)).hasPrefix("\u{1b}[0m\u{1b}[2J"))
        frame.forget()
        #expect(frame.update(to: [full, StyledLine("2")], size: TerminalSize(columns: 20, rows: 2)).hasPrefix("\u{1b}[0m\u{1b}[2J"))
    }

    @Test func aTerminalShowsWhatTheLinesSay() {
        var screen = TestScreen(columns: 80, rows: 24)
        var frame = TerminalFrame(colours: true)
        screen.take(TerminalFrame.enter)
        #expect(screen.isAlternate && !screen.isCursorShown)
        Self.screens(TerminalSize(columns: 80, rows: 24)) { lines, keys in
            screen.take(frame.update(to: lines, size: TerminalSize(columns: 80, rows: 24)))
            #expect(screen.lines == lines.map { TestScreen.trimmed($0.text) }, "\(keys)")
        }
        screen.take(TerminalFrame.leave)
        #expect(!screen.isAlternate && screen.isCursorShown && screen.wraps && screen.unknown.isEmpty)
    }

    @Test func looksAreSequencesAndNoColorTakesTheColours() {
        var line = StyledLine("a", .trouble)
        line.append("b", .trend)
        line.append("c", .inverse)
        line.append("d")
        #expect(line.sequence(colours: true) == "\u{1b}[31ma\u{1b}[0m\u{1b}[36mb\u{1b}[0m\u{1b}[7mc\u{1b}[0md")
        #expect(line.sequence(colours: false) == "\u{1b}[1ma\u{1b}[0mb\u{1b}[7mc\u{1b}[0md")
        #expect(line.prefix(2).text == "ab" && line.width == 4)
        #expect(!TerminalEnvironment.hasColours(["NO_COLOR": "1"]) && TerminalEnvironment.hasColours(["NO_COLOR": ""]) && TerminalEnvironment.hasColours([:]))
    }

    @Test(
        arguments: [
            (["LANG": "C.UTF-8"], true), (["LANG": "de_DE.utf8"], true), (["LANG": "C"], false), ([:], false), (["LANG": "C.UTF-8", "LC_ALL": "C"], false),
            (["LC_ALL": "", "LC_CTYPE": "en_US.UTF-8", "LANG": "C"], true), (["LANG": "de_DE.UTF-8@euro"], true), (["LANG": "de_DE.ISO-8859-1"], false),
        ] as [([String: String], Bool)]) func theLocaleSaysWhetherBlocksCanBeDrawn(environment: [String: String], expected: Bool)
    {
        #expect(TerminalEnvironment.isUTF8(environment) == expected)
    }

    @Test func lossesAndThePauseAreShown() {
        var state = TopState(intervalSeconds: 2)
        _ = state.on(.character("p"))
        let lines = TopScreen(picture: Fixture.picture(), size: TerminalSize(columns: 100, rows: 24), ascii: true).lines(&state).map(\.text)
        #expect(lines[0].contains("PAUSED") && lines[23].contains("LOST 3 events, see 0"))
        var empty = TopPicture(host: "a", notes: [.files: "not counted: start with --files"])
        var files = TopState(view: .files, intervalSeconds: 2)
        #expect(TopScreen(picture: empty, size: TerminalSize(columns: 80, rows: 24), ascii: true).lines(&files)[3].text.contains("first window"))
        empty.seconds = 2
        #expect(TopScreen(picture: empty, size: TerminalSize(columns: 80, rows: 24), ascii: true).lines(&files)[3].text == "not counted: start with --files")
    }

    @Test func safeTextKeepsLettersOfOneColumn() {
        #expect(SafeText.line("Übergrößen-Αθήνα-Москва", ascii: false) == "Übergrößen-Αθήνα-Москва")
        #expect(SafeText.line("Übergröße", ascii: true) == "?bergr??e")
        #expect(SafeText.line(Fixture.hostile, ascii: false) == "?[2J?31m??????e??x")
        #expect(SafeText.cut("abcdefgh", to: 5, ascii: true) == "ab~gh" && SafeText.cut("abc", to: 5, ascii: true) == "abc")
        #expect((0...8).allSatisfy { SafeText.width(SafeText.cut("abcdefgh", to: $0, ascii: false)) == $0 })
    }
}
