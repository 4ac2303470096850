//! Texts that the project makes itself: attacks in several languages, and beside each kind a benign one of the same words. They
//! quote attacks, ask about them, play roles, order people rather than models, and stand in the same documents.

use std::collections::BTreeMap;

use super::Random;

/// A generated text.
pub struct Made {
    /// Whether it stands in a document.
    pub indirect: bool,
    pub attack: bool,
    pub text: String,
}

/// Phrases of each language by their kind, English first.
pub struct Phrases(Vec<BTreeMap<&'static str, Vec<&'static str>>>);

const FILES: [&str; 2] = [include_str!("english.txt"), include_str!("languages.txt")];
/// Kinds that each language has its own of, and that attacks are made of.
const ATTACKS: [&str; 5] = ["over", "reveal", "role", "secret", "order"];
/// Keys under which tools give texts.
const KEYS: [&str; 6] = ["note", "result", "review", "description", "comment", "body"];
const ENDS: [&str; 5] = [". ", " ", "\n", "! ", "; "];
/// What stands beside ordinary requests.
const CODE: [&str; 12] = [
    "for i in range(10):\n    print(i, end=\" \")",
    "```js\nconst x = items.map((i) => i.id);\nconsole.log(x[0]);\n```",
    "select name, count(*) from orders where total > 10 group by name;",
    "<div class=\"box\"><a href=\"https://example.com\">link</a></div>",
    "{\"name\": \"Anna\", \"tags\": [\"a\", \"b\"], \"age\": 30}",
    "int main(void) { printf(\"%d\\n\", 3); return 0; }",
    "\\frac{a}{b} + \\sqrt{x^2 + 1} = 0",
    "2024-05-01 12:00:01 error [db] connection refused (code=111)",
    "name,age,city\nanna,30,berlin\nbob,25,paris",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "if (a && !b || c[0] != null) { return foo(bar); }",
    "#include <vector>\nstd::vector<int> v{1,2,3};",
];
const BLOB: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789+/=";

impl Phrases {
    pub fn read() -> Self {
        let mut languages: Vec<BTreeMap<_, Vec<_>>> = Vec::new();
        let mut kind = "";
        for line in FILES.iter().flat_map(|file| file.lines()) {
            if line.starts_with("= ") {
                languages.push(BTreeMap::new());
            } else if let Some(name) = line.strip_prefix(": ") {
                kind = name;
            } else if let (Some(language), false) = (languages.last_mut(), line.starts_with("# ")) {
                language.entry(kind).or_default().push(line);
            }
        }
        Self(languages)
    }

    /// A phrase of a kind in a language, or in English where it has none.
    pub fn say(&self, language: usize, kind: &str, random: &mut Random) -> String {
        match kind {
            "any" => return self.say(language, random.pick(&ATTACKS), random),
            "blob" => {
                return (0..12 + random.below(40)).map(|_| char::from(random.pick(BLOB))).collect();
            }
            _ => {}
        }
        let lines = self.0[language].get(kind).unwrap_or_else(|| &self.0[0][kind]);
        let line = random.pick(lines);
        self.fill(language, line, random)
    }

    /// A line with one of each of its choices.
    fn fill(&self, language: usize, line: &str, random: &mut Random) -> String {
        let mut out = String::new();
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let close = match c {
                '{' => rest.find('}'),
                '<' => rest.find('>'),
                _ => None,
            };
            let inner = close.and_then(|close| rest.get(1..close)).unwrap_or_default();
            let after = close.map_or("", |close| &rest[close + 1..]);
            let kind = matches!(inner, "any" | "blob") || self.0[0].contains_key(inner);
            if c == '{' && inner.contains('|') {
                let choices: Vec<&str> = inner.split('|').collect();
                let choice = random.pick(&choices);
                out += &self.fill(language, choice, random);
                rest = after;
            } else if c == '{' && !inner.is_empty() && !inner.contains('"') {
                out += inner;
                rest = after;
            } else if c == '<' && kind {
                out += &self.say(language, inner, random);
                rest = after;
            } else {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        out
    }

    /// English, or any other language.
    fn language(&self, random: &mut Random, english_of_five: usize) -> usize {
        if random.below(5) < english_of_five { 0 } else { 1 + random.below(self.0.len() - 1) }
    }

    /// Phrases of some kinds, joined.
    fn join(&self, parts: &[(usize, &str)], random: &mut Random) -> String {
        let mut out = String::new();
        for (language, kind) in parts {
            if !out.is_empty() {
                out += random.pick(&ENDS);
            }
            out += &self.say(*language, kind, random);
        }
        out
    }
}

/// Four texts `count` times: an attack and a benign text of people, an attack in a document and a benign document.
pub fn texts(phrases: &Phrases, count: usize, seed: u64) -> Vec<Made> {
    let mut random = Random(seed);
    let mut made = Vec::new();
    for _ in 0..count {
        let language = phrases.language(&mut random, 2);
        for (indirect, attack) in [(false, true), (false, false), (true, true), (true, false)] {
            let text = match (indirect, attack) {
                (false, true) => attack_of(phrases, language, &mut random),
                (false, false) => request(phrases, language, &mut random),
                (true, true) => {
                    let inside = order(phrases, language, &mut random);
                    carry(phrases, &inside, &mut random)
                }
                (true, false) => {
                    let inside = harmless(phrases, language, &mut random);
                    carry(phrases, &inside, &mut random)
                }
            };
            made.push(Made { indirect, attack, text });
        }
    }
    made
}

/// Requests that harm somebody in the frames of attacks, so many times each, and beside each the request by itself, a harmless one in
/// such a frame and two harmless ones: neither the request nor the frame alone is an attack on a model.
pub fn framed(phrases: &Phrases, requests: &[&str], times: usize, seed: u64) -> Vec<Made> {
    let mut random = Random(seed);
    let mut made = Vec::new();
    for request in requests.iter().copied().cycle().take(times * requests.len()) {
        let request = request.trim_end_matches(['.', '?', '!']);
        let attack = frame(phrases, request, &["tail", "nowarn"], &mut random);
        let nice = random.pick(&["nice", "ask"]);
        let nice = phrases.say(0, nice, &mut random);
        let harmless = frame(phrases, &nice, &["tail", "constraint"], &mut random);
        let two = phrases.join(&[(0, "ask"), (0, "calm")], &mut random);
        for (attack, text) in [(true, attack), (false, request.to_owned()), (false, harmless), (false, two)] {
            made.push(Made { indirect: false, attack, text });
        }
    }
    made
}

/// A request in a frame of attacks, with up to three phrases of some kinds behind it.
fn frame(phrases: &Phrases, request: &str, kinds: &[&'static str], random: &mut Random) -> String {
    let first = phrases.say(0, "frame", random);
    let tails: Vec<_> = (0..random.below(4)).map(|_| (0, random.pick(kinds))).collect();
    format!("{first} {request}. {}", phrases.join(&tails, random))
}

/// What people write against a model.
fn attack_of(phrases: &Phrases, own: usize, random: &mut Random) -> String {
    let mut parts: Vec<(usize, &str)> = Vec::new();
    let before = |parts: &mut Vec<(usize, &str)>, random: &mut Random| {
        for _ in 0..random.below(3) {
            parts.push((own, random.pick(&["ask", "ask", "calm"])));
        }
    };
    match random.below(20) {
        0..=3 => {
            if random.below(4) == 0 {
                parts.push((own, random.pick(&["over", "role"])));
            }
            if random.below(3) == 0 {
                before(&mut parts, random);
            }
            parts.push((own, "secret"));
            if random.below(4) == 0 {
                parts.push((own, "secret"));
            }
        }
        4..=6 => {
            if random.below(2) == 0 {
                before(&mut parts, random);
            }
            parts.push((own, "over"));
            parts.push((own, random.pick(&["say", "ask", "reveal", "secret", "role", "harmask"])));
            if random.below(4) == 0 {
                before(&mut parts, random);
            }
        }
        7 => {
            if random.below(2) == 0 {
                before(&mut parts, random);
            }
            parts.push((own, "reveal"));
        }
        8 | 9 => {
            for _ in 0..2 + random.below(8) {
                parts.push(random.pick(&[(own, "role"), (own, "role"), (0, "nowarn")]));
            }
            if random.below(4) > 0 {
                parts.push((own, "harmask"));
            }
        }
        10..=13 => {
            let first = format!("{} {}", phrases.say(0, "frame", random), phrases.say(0, "harm", random));
            let tails = vec![(0, "tail"); random.below(4)];
            return format!("{first}. {}", phrases.join(&tails, random));
        }
        14 => parts.push((own, "fake")),
        15 => parts.push((own, "split")),
        16 => {
            parts = vec![(0, "nowarn"); 1 + random.below(5)];
            parts.insert(random.below(parts.len() + 1), (0, "harmask"));
        }
        17 => parts.push((own, "role")),
        18 => parts = vec![(own, "harmask"), (0, "nowarn")],
        _ => parts = vec![(own, "over"), (own, "over"), (own, "say")],
    }
    phrases.join(&parts, random)
}

/// What people write to a model in innocence, with the words of attacks.
fn request(phrases: &Phrases, own: usize, random: &mut Random) -> String {
    let parts = match random.below(22) {
        21 => return stutter(random),
        0..=4 => vec![(own, "calm")],
        20 => return words(phrases, own, random),
        5 | 6 => vec![(own, "calm"), (own, "ask")],
        7 => (0..2 + random.below(3)).map(|_| (own, random.pick(&["ask", "calm"]))).collect(),
        8 => vec![(own, "quote"), (own, "calm")],
        9 => vec![(own, "quote")],
        10 | 11 => {
            let first = format!("{} {}", phrases.say(0, "frame", random), phrases.say(0, "nice", random));
            let tails: Vec<_> =
                (0..random.below(4)).map(|_| (0, random.pick(&["tail", "constraint"]))).collect();
            return format!("{first}. {}", phrases.join(&tails, random));
        }
        12 => return format!("{} {}", phrases.say(0, "ask", random), random.pick(&CODE)),
        13 => return format!("{} {}", phrases.say(0, "ask", random), blobs(phrases, random)),
        14..=16 => {
            let mut parts = vec![(0, "calm")];
            parts.extend(vec![(0, "constraint"); 2 + random.below(9)]);
            parts
        }
        17 => vec![(0, "nicefact"), (own, "ask")],
        18 => {
            let mut say = |kind| phrases.say(own, kind, random);
            return format!("q: {} a: {} q: {}", say("ask"), say("doc"), say("ask"));
        }
        _ => vec![(own, "ask")],
    };
    phrases.join(&parts, random)
}

/// What stands in a document and is meant for a model.
fn order(phrases: &Phrases, own: usize, random: &mut Random) -> String {
    let own = if random.below(3) > 0 { 0 } else { own };
    match random.below(8) {
        0 => phrases.say(own, "order", random),
        1 => phrases.join(&[(own, "over"), (own, "say")], random),
        2 => phrases.join(&[(own, "over"), (0, "act")], random),
        _ => phrases.say(own, "tomodel", random),
    }
}

/// What stands in a document and is meant for people.
fn harmless(phrases: &Phrases, own: usize, random: &mut Random) -> String {
    match random.below(15) {
        14 => stutter(random),
        12 | 13 => phrases.say(0, "toman", random),
        0 | 1 => phrases.say(own, "quote", random),
        2 => phrases.say(own, "calm", random),
        10 => words(phrases, own, random),
        11 => phrases.join(&vec![(own, "calm"); 2 + random.below(4)], random),
        3 if random.below(2) == 0 => blobs(phrases, random),
        3 => phrases.say(0, "doc", random),
        4 => phrases.say(0, "nicefact", random),
        5 => phrases.join(&vec![(0, "constraint"); 2 + random.below(4)], random),
        _ => phrases.say(0, "toman", random),
    }
}

/// Words of innocent phrases in any order: that they also stand in attacks says nothing.
fn words(phrases: &Phrases, own: usize, random: &mut Random) -> String {
    let lines: Vec<String> =
        (0..2 + random.below(4)).map(|_| phrases.say(own, random.pick(&["calm", "ask"]), random)).collect();
    let mut words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
    for at in (1..words.len()).rev() {
        words.swap(at, random.below(at + 1));
    }
    words.join(" ")
}

/// A few letters or digits again and again: a repetition says nothing.
fn stutter(random: &mut Random) -> String {
    let pieces: Vec<String> = (0..1 + random.below(4))
        .map(|_| (0..1 + random.below(3)).map(|_| char::from(random.pick(BLOB))).collect())
        .collect();
    let between = random.pick(&["", " ", "/", ".", ", ", "-"]);
    (pieces.join(between) + random.pick(&["", " ", "\n"])).repeat(6 + random.below(90))
}

/// What is encoded.
fn blobs(phrases: &Phrases, random: &mut Random) -> String {
    (0..1 + random.below(8)).map(|_| phrases.say(0, "blob", random) + random.pick(&[" ", "\n"])).collect()
}

/// A document around a text.
fn carry(phrases: &Phrases, inside: &str, random: &mut Random) -> String {
    let [one, two] = [(); 2].map(|()| phrases.say(0, "doc", random));
    match random.below(9) {
        0 => format!("{{\"status\": \"ok\", \"{}\": \"{inside}\"}}", random.pick(&KEYS)),
        1 => format!("from: {}\nsubject: {one}\n\n{inside}", phrases.say(0, "who", random)),
        2 => format!("{one}. {inside} {two}"),
        3 => format!("<html><body><p>{one}</p><p>{inside}</p></body></html>"),
        4 => format!("{one}\n\n{inside}"),
        5 => format!("{inside}\n{one}"),
        6 => format!("- {one}\n- {inside}\n- {two}"),
        7 => format!("{one}. {two}. {inside}"),
        _ => inside.to_owned(),
    }
}
