//! What ordinary text looks like that disguises look like too: scripts that join letters by invisible characters, emoji,
//! code, mathematics, encoded files, dumps and ids. None of it may raise anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "test code"
)]

use cordon_core::{Channel, Score};
use cordon_inspect::Engine;
use cordon_inspect::obfuscate::Obfuscation;

/// Numbers that look random, the same in every run (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    fn of(&mut self, alphabet: &str, count: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..count).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    /// Sentences of some of the words.
    fn prose(&mut self, words: &str, count: usize) -> String {
        let words: Vec<&str> = words.split(' ').collect();
        let sentence = |draw: &mut Self| {
            let chosen: Vec<&str> = (0..4 + draw.below(9)).map(|_| words[draw.below(words.len())]).collect();
            chosen.join(" ") + ". "
        };
        (0..count).map(|_| sentence(self)).collect()
    }

    fn bytes(&mut self, head: &[u8], count: usize) -> Vec<u8> {
        head.iter().copied().chain((0..count).map(|_| (self.next() >> 56) as u8)).collect()
    }
}

fn base64(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let value = (0..3).fold(0_u32, |value, i| value << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        (0..4)
            .map(|i| {
                if i <= chunk.len() {
                    char::from(alphabet[(value >> (18 - 6 * i) & 63) as usize])
                } else {
                    '='
                }
            })
            .collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

fn lines(text: &str, width: usize) -> String {
    text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned() + "\n").collect()
}

fn dump(bytes: &[u8]) -> String {
    let line = |(i, row): (usize, &[u8])| {
        let pairs: Vec<String> =
            row.chunks(2).map(|pair| pair.iter().map(|b| format!("{b:02x}")).collect()).collect();
        let shown: String =
            row.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '.' }).collect();
        format!("{:08x}: {}  {shown}\n", i * 16, pairs.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

/// A script of minified program text: short names, few spaces.
fn minified(draw: &mut Draw) -> String {
    let mut text = String::from("!function(e,t){\"use strict\";");
    for _ in 0..120 {
        let (a, b, c) = (draw.of("abcdefghijklmn", 1), draw.of("opqrstuvw", 1), draw.of("ABCDEFxyz", 2));
        text += &match draw.below(5) {
            0 => format!("var {a}={b}.{c}||{{}};"),
            1 => format!("function {c}({a},{b}){{return {a}?{b}({a}):void 0}}"),
            2 => format!("if(!{a}&&{b}.{c}){{{a}=[{}]}}", draw.below(999)),
            3 => format!(
                "{a}.{c}=function(){{return\"\\x{:02x}\\u{:04x}\"}},",
                32 + draw.below(90),
                draw.below(50_000)
            ),
            _ => format!("{b}=/^[\\w.-]+\\d{{2,{}}}$/i.test({a});", draw.below(9) + 2),
        };
    }
    text + "}(window);"
}

const PERSIAN: &str = "می‌خواهم کتاب‌ها را ببینم و خانه‌ی ما بزرگ‌تر از آن است که می‌گویند نمی‌دانم دانش‌آموزان به کتابخانه رفته‌اند سه‌شنبه \
    هوا آفتابی بود گل‌های باغچه شکفته‌اند این‌که چه می‌شود برنامه‌ریزی ۱۲ نفر";
const HINDI: &str =
    "क्‍षमा कीजिए यह पुस्तक श्री‌मान की है हम दिल्ली जा रहे हैं बच्‍चे विद्यालय में पढ़ते हैं क्‍या आप २० मिनट रुक सकते हैं";
const MALAYALAM: &str = "അവന്‍ വീട്ടില്‍ ഉണ്ട് ഞാന്‍ പുസ്തകം വായിച്ചു മലയാളം എളുപ്പമാണ് അവള്‍ നാളെ വരും";
const SINHALA: &str = "ශ්‍රී ලංකාව ලස්සන රටක් අපි පාසලට යමු ප්‍රශ්නය පහසුයි ක්‍රමය හොඳයි";
const BENGALI: &str = "র‍্যাব আজ সকালে বাজারে গিয়েছিল আমি বই পড়ি সে গান গায় ১২টি ফুল ফুটেছে";
const RUSSIAN: &str = "Комитет собрался в 15ч чтобы обсудить IT-отдел и COVID-19 на iPhone'ом никто не пользуется все тома около метро \
    оно само село в такси 10км она нет тот кто оса хор вес";
const GREEK: &str = "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας και το 2024 το κόστος α=β+5α ήταν μικρό όταν το είπε ο Νίκος στο IoT";
const ARABIC: &str =
    "مَرْحَبًا بِالعَالَمِ كَيْفَ حَالُكَ اليَوْمَ \u{2068}Cordon\u{2069} نظام \u{200f}جديد\u{200f} لـ 20 شخصا";
const HEBREW: &str = "שָׁלוֹם עוֹלָם הָרַכֶּבֶת יוֹצֵאת בְּשָׁעָה 10:30 \u{200e}C++\u{200e} הוא שפה";
const GERMAN: &str = "Donau\u{ad}dampf\u{ad}schiff\u{ad}fahrt Straße groß über die Brücke fährt täglich ein Schiff heißt Größe maß";
const VIETNAMESE: &str = "Viê\u{323}t Nam đẹp lắm tôi muốn đi Hà Nội vào ngày mai để thăm bạn bè và ăn phở";
const JAPANESE: &str = "会議は１２時に始まります ﾃｽﾄ です。 ＡＢＣ株式会社 の資料を確認してください";
const THAI: &str = "สวัสดีครับ วันนี้อากาศดีมาก เราไปตลาดกันไหม ราคา ๒๕๐ บาท";
const EMOJI: &str = "👨‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 🏴‍☠️ ❤️ ☀️ 1️⃣ 2️⃣ 🇮🇷 🇩🇪🇫🇷 🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} 👩‍❤️‍💋‍👨 🧑🏿‍🚀 family sun love";
const MATHEMATICS: &str =
    "∑ᵢ αᵢxᵢ² ≤ 𝔼[𝐱]·σ₁ ∀ε>0 ∃δ f′(x)=limₕ→₀ (f(x+h)−f(x))/h ℝⁿ→ℝ ½πr² Ω⊂ℂ μ±3σ λ₁≠λ₂ x̂ȳ ∇×𝐁=μ₀𝐉 ℵ₀ ⟨ψ|φ⟩";
const ENGLISH: &str = "The committee met at 9 to discuss a new library and I saw no reason to be late on May 7 or 8 so we all ate Vitamin A B C D E K \
    at table 3 with Plan A";

fn texts(draw: &mut Draw) -> Vec<(&'static str, String)> {
    let mut texts = Vec::new();
    for (name, words) in [
        ("persian", PERSIAN),
        ("hindi", HINDI),
        ("malayalam", MALAYALAM),
        ("sinhala", SINHALA),
        ("bengali", BENGALI),
        ("russian", RUSSIAN),
        ("greek", GREEK),
        ("arabic", ARABIC),
        ("hebrew", HEBREW),
        ("german", GERMAN),
        ("vietnamese", VIETNAMESE),
        ("japanese", JAPANESE),
        ("thai", THAI),
        ("emoji", EMOJI),
        ("mathematics", MATHEMATICS),
        ("english", ENGLISH),
    ] {
        texts.push((name, draw.prose(words, 12)));
        // Ordinary text stays ordinary when a program has encoded it.
        let short = draw.prose(words, 3);
        for encoding in [
            Obfuscation::Base64Lines,
            Obfuscation::Percent,
            Obfuscation::HtmlDecimal,
            Obfuscation::QuotedPrintable,
            Obfuscation::EscapeUnicode,
            Obfuscation::HexSpaced,
        ] {
            texts.push((encoding.name(), encoding.apply(&short, 0)));
        }
    }
    let png = draw.bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 3000);
    let pdf = draw.bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\nstream\n", 3000);
    let hex = |draw: &mut Draw, count| draw.of("0123456789abcdef", count);
    let uuid = |draw: &mut Draw| [8, 4, 4, 4, 12].map(|count| draw.of("0123456789abcdef", count)).join("-");
    texts.extend([
        ("image", format!("<img src=\"data:image/png;base64,{}\">", base64(&png))),
        ("image in lines", lines(&base64(&png), 76)),
        ("document", format!("![report](data:application/pdf;base64,{})", base64(&pdf))),
        ("dump", dump(&png)),
        ("dump of a document", dump(&pdf)),
        ("commits", (0..40).map(|_| format!("commit {}\n    Fix the build\n", hex(draw, 40))).collect()),
        ("digests", (0..20).map(|_| format!("image: registry.example/app@sha256:{}\n", hex(draw, 64))).collect()),
        ("uuids", (0..40).map(|_| format!("  - id: {}\n", uuid(draw))).collect()),
        ("integrity", (0..20).map(|_| format!("\"integrity\": \"sha512-{}\",\n", base64(&draw.bytes(b"", 64)))).collect()),
        ("source map", format!("//# mappings={}", (0..300).map(|_| draw.of("ACEGIKMOQSUWYacegikmo", 4) + ";").collect::<String>())),
        ("minified", minified(draw)),
        ("colours", (0..60).map(|_| format!("#{} ", hex(draw, 6))).collect()),
        ("bytes", (0..200).map(|_| format!("0x{}, ", hex(draw, 2))).collect()),
        ("numbers", (0..200).map(|_| format!("{} ", draw.below(256))).collect()),
        ("grid", (0..9).map(|_| draw.of("123456789", 9).chars().map(|c| format!("{c} ")).collect::<String>() + "\n").collect()),
        ("letters", (0..6).map(|_| draw.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 12).chars().map(|c| format!("{c} ")).collect::<String>() + "\n").collect()),
        ("genome", lines(&draw.of("ACGT", 900), 70)),
        ("path", format!("<path d=\"M10 10 {}Z\"/>", (0..80).map(|_| format!("L {} {} ", draw.below(900), draw.below(900))).collect::<String>())),
        ("terminal", (0..20).map(|i| format!("\u{1b}[32mok\u{1b}[0m   tests/unit_{i}.rs \u{1b}[2m{} ms\u{1b}[22m\r\n", draw.below(90))).collect()),
        ("spoiler", "Gur ohgyre qvq vg, naq gur znvq xarj nyy nybat. Ohg jub gbbx gur xavsr sebz gur gnoyr?".to_owned()),
        ("leetspeak", "w00t, 7h15 g4m3 15 4w350m3! gr8 m8, y0u pl4y w1th m3 4nd 411 0f 7h3 07h3r5 70n1gh7".to_owned()),
        ("spelt out", "It is spelt M i s s i s s i p p i, or B-e-r-l-i-n, or a.s.a.p.; the U. S. A. and the U. K. agree.".to_owned()),
        ("octal", "printf(\"\\033[1mbold\\033[0m\\011\\101\"); s/\\([a-z]*\\)\\1/\\1/; C:\\101\\new\\table".to_owned()),
        ("query", "https://example.com/s?q=%D8%B3%D9%84%D8%A7%D9%85%20%D8%AF%D9%86%DB%8C%D8%A7&a=1%2B1%3D2&b=100%25&utm=x%20y".to_owned()),
        ("assignments", "a=42;b==c;d=4E;x=y=2;if(q=3D)r=AB;set width=4F length=5A; =SUM(A1:B2)".to_owned()),
    ]);
    texts
}

#[test]
fn ordinary_text_raises_nothing() {
    let engine = Engine::builtin();
    let mut failed = Vec::new();
    for seed in 0..4 {
        for (name, text) in texts(&mut Draw(seed)) {
            for channel in [Channel::User, Channel::Document] {
                for finding in engine.inspect(channel, &text) {
                    // Random letters and digits in groups are what some numbers look like, check digit and all.
                    let number = (name.starts_with("dump") || name == "integrity")
                        && finding.category.as_str().starts_with("pii/");
                    if finding.score >= Score::percent(50) && !number {
                        let seen: String = text[finding.span.range()].chars().take(60).collect();
                        failed.push(format!("{name}: {} {} {seen:?}", finding.category, finding.score));
                    }
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} findings:\n{}", failed.len(), failed.join("\n"));
}

/// A certificate of a key of RSA in PEM (RFC 5280, RFC 7468), with so many bytes of names before its key.
fn certificate(draw: &mut Draw, names: usize) -> String {
    // sha256WithRSAEncryption, then rsaEncryption, the length of its key, and the number 65537 (RFC 3279, RFC 4055).
    const SIGNED: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";
    const KEY: &[u8] =
        b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00\
        \x30\x82\x01\x0a\x02\x82\x01\x01\x00";
    const NUMBER: &[u8] = b"\x02\x03\x01\x00\x01\xa3\x53\x30\x51\x30\x1d\x06\x03\x55\x1d\x0e\x04\x16\x04\x14";
    let der = [
        &draw.bytes(b"\x30\x82\x03\x5d\x30\x82\x02\x45\xa0\x03\x02\x01\x02\x02\x14", 20),
        SIGNED,
        draw.of("abcdefghijklmnopqrstuvwxyz ", names).as_bytes(),
        KEY,
        &draw.bytes(b"", 256),
        NUMBER,
        &draw.bytes(b"", 20),
        SIGNED,
        &draw.bytes(b"\x03\x82\x01\x01\x00", 256),
    ]
    .concat();
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", lines(&base64(&der), 64))
}

/// Wherever in its lines a certificate's key begins, it is public.
#[test]
fn certificates_are_no_secrets() {
    let engine = Engine::builtin();
    let mut draw = Draw(5);
    for names in 90..90 + 3 * 48 {
        let text = certificate(&mut draw, names);
        for text in [text.clone(), text.replace('\n', "\\n"), text.replace('\n', "\n    ")] {
            let found: Vec<_> = engine
                .inspect(Channel::User, &text)
                .into_iter()
                .filter(|finding| finding.score >= Score::percent(50))
                .map(|finding| (finding.category, text[finding.span.range()].to_owned()))
                .collect();
            assert!(found.is_empty(), "{names}: {found:?}");
        }
    }
}

/// The twin: a key of the provider whose keys begin as some of a certificate's lines do, of its two parts of base64.
#[test]
fn a_key_that_begins_as_lines_of_certificates_is_found() {
    let engine = Engine::builtin();
    let mut draw = Draw(6);
    for _ in 0..40 {
        let parts = [draw.bytes(b"\x01\x01", 60), draw.bytes(b"", 32)].map(|bytes| base64(&bytes));
        let (first, second) = (parts[0].split_at(4).1, &parts[1]);
        let key = format!("AQE{}{first}-{second}", draw.of("abcdefghijklmnopqrstuvwxyz0123456789", 1));
        let text = format!("apiKey: '{key}',");
        let covered = engine.inspect(Channel::User, &text).into_iter().any(|finding| {
            finding.category.as_str() == "secret/provider_token"
                && finding.score >= Score::percent(90)
                && text[finding.span.range()].contains(key.trim_end_matches('='))
        });
        assert!(covered, "{text}");
    }
}
