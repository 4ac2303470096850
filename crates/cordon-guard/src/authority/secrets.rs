//! What tells a model to hand over somebody's keys: the place of something private, an act of reading it, an act of giving it away, and
//! the tone of an order. A tool for keys names their places too, so that the place alone says nothing.

use cordon_core::Score;

/// Places of keys and passwords, in small letters.
const PLACES: &[&str] = &[
    ".aws/credentials",
    ".docker/config",
    ".git-credentials",
    ".gnupg",
    ".kube/config",
    ".netrc",
    ".ssh/",
    "/etc/shadow",
    "id ed25519",
    "id rsa",
    "id_ed25519",
    "id_rsa",
    "mcp.json",
    "private key",
    "ssh key",
    "wallet.dat",
];
/// Places that many programs read with good reason.
const ORDINARY: &[&str] =
    &[".bash_history", ".env", ".npmrc", ".pypirc", "/etc/passwd", "chat history", "conversation history"];
/// Acts of reading.
const READS: &[&str] = &[
    "cat", "content", "contents", "copy", "dump", "fetch", "get", "load", "open", "read", "reading",
    "retrieve",
];
/// Acts of giving.
const GIVES: &[&str] = &[
    "append", "attach", "forward", "include", "insert", "pass", "post", "provide", "put", "send", "supply",
    "upload", "write",
];
/// How orders to a model begin that its user does not see.
const ORDERS: &[&str] = &[
    "<important>",
    "<system>",
    "always",
    "as sidenote",
    "before calling",
    "before using",
    "do not mention",
    "do not tell",
    "don't mention",
    "don't tell",
    "first call",
    "must",
    "otherwise the tool",
    "without telling",
    "will not work",
];
/// What takes an order back.
const REFUSALS: &[&str] =
    &["can not", "cannot", "do not read", "don't read", "must not", "never", "refuse", "will not read"];

/// What was told in one definition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    place: bool,
    /// A place of keys stands in the name of a parameter, together with what is to be done with it.
    parameter: bool,
    /// That name says where its value is to be taken from.
    fetched: bool,
    reads: bool,
    gives: bool,
    orders: bool,
    refuses: bool,
}

impl Told {
    /// How sure it is that this is an order; nothing where it is none.
    pub(super) fn score(self) -> Option<Score> {
        if self.refuses && !self.parameter {
            return None;
        }
        match (self.place && self.reads, self.gives, self.orders) {
            // A tool for certificates takes a key as well: its parameter's name alone is not yet an order.
            _ if self.parameter && (self.fetched || self.gives || self.orders) => Some(Score::percent(90)),
            _ if self.parameter => Some(Score::percent(60)),
            (true, true, true) => Some(Score::percent(90)),
            (true, true, false) | (true, false, true) => Some(Score::percent(60)),
            _ => None,
        }
    }

    /// What two definitions tell together.
    pub(super) const fn with(self, other: Self) -> Self {
        Self {
            place: self.place || other.place,
            parameter: self.parameter || other.parameter,
            fetched: self.fetched || other.fetched,
            reads: self.reads || other.reads,
            gives: self.gives || other.gives,
            orders: self.orders || other.orders,
            refuses: self.refuses || other.refuses,
        }
    }
}

/// What these texts tell, all of one definition and in small letters.
pub(super) fn told(texts: &[String]) -> Told {
    let mut told = Told::default();
    for text in texts {
        let keys = has(text, PLACES);
        let reads = has_word(text, READS);
        // The names of parameters have no sentences: words of one are the whole of what it asks for.
        let is_name = !text.is_empty() && text.starts_with(NAME);
        told.parameter |= is_name && keys && reads;
        told.fetched |= is_name && keys && has_word(text, &["from", "reading"]);
        // A path that stands alone is a value that a tool for keys is used with.
        let is_told = text.contains(char::is_whitespace);
        told.place |= is_told && (keys || has(text, ORDINARY));
        told.reads |= reads;
        told.gives |= has_word(text, GIVES);
        told.orders |= has(text, ORDERS);
        told.refuses |= has(text, REFUSALS);
    }
    told
}

/// What stands before the words of a name.
const NAME: char = '\u{0}';

/// A name as words in small letters: `contentFromReading_ssh-id_rsa` is five of them.
pub(super) fn words(name: &str) -> String {
    let mut out = String::from(NAME);
    let mut was_small = false;
    for c in name.chars() {
        if matches!(c, '_' | '-' | '.') {
            out.push(' ');
        } else {
            if c.is_uppercase() && was_small {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase();
    }
    out
}

fn has(text: &str, signs: &[&str]) -> bool {
    signs.iter().any(|sign| text.contains(sign))
}

fn has_word(text: &str, words: &[&str]) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
}
