import JSON

/// How the built-in upstream answers, as the system prompt wants it.
enum EchoManner {
    case cat, dog, plain

    /// What stands before and after what the user said. No character of it has to be escaped in JSON.
    var words: (before: String, after: String) {
        switch self {
        case .cat: ("Meow! You said: ", ". Purr.")
        case .dog: ("Woof! You said: ", ". Wag, wag.")
        case .plain: ("You said: ", ".")
        }
    }

    /// Looks for the words that ask for a manner. A word is made of letters and the marks on them, in small letters where
    /// they are ASCII's; nothing but the one that is being read is kept.
    struct Words {
        private static let cats = ["cat", "cats", "kitten"].map { Array($0.utf8) }
        private static let dogs = ["dog", "dogs", "puppy"].map { Array($0.utf8) }
        private static let longest = 6

        private var word: [UInt8] = []
        private var isLong = false
        private var isCat = false
        private var isDog = false

        /// A cat where both are asked for.
        var manner: EchoManner { isCat ? .cat : isDog ? .dog : .plain }

        mutating func add(_ text: some Sequence<Unicode.Scalar>) {
            for scalar in text {
                if !scalar.isPartOfWord {
                    end()
                } else if scalar.isASCII, word.count < Self.longest {
                    word.append(UInt8(scalar.value) | 0x20)
                } else {
                    isLong = true
                }
            }
        }

        /// Here ends a word if there is one.
        mutating func end() {
            if !isLong, !word.isEmpty {
                isCat = isCat || Self.cats.contains(word)
                isDog = isDog || Self.dogs.contains(word)
            }
            word.removeAll(keepingCapacity: true)
            isLong = false
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isPartOfWord: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .enclosingMark:
            true
        default: false
        }
    }
}

/// Counts what stands between white space.
struct WordCount {
    private(set) var count = 0
    private var isInWord = false

    mutating func add(_ text: some Sequence<Unicode.Scalar>) {
        for scalar in text {
            let isSpace =
                scalar.isASCII
                ? scalar == " " || (0x09...0x0D).contains(scalar.value) : scalar.properties.isWhitespace
            if !isSpace, !isInWord { count += 1 }
            isInWord = !isSpace
        }
    }

    /// Here ends a word if there is one.
    mutating func end() { isInWord = false }
}

/// The code points of a string in a JSON text, one by one.
struct Scalars: Sequence, IteratorProtocol {
    private var bytes: JSONStringBytes
    private var decoder = UTF8()

    init(_ bytes: JSONStringBytes) { self.bytes = bytes }

    mutating func next() -> Unicode.Scalar? {
        switch decoder.decode(&bytes) {
        case .scalarValue(let scalar): scalar
        case .emptyInput: nil
        case .error: "\u{FFFD}"
        }
    }
}
