//! E-mail addresses in other letters than ASCII's, and with an apostrophe.
#![allow(clippy::panic, clippy::string_slice, missing_docs, reason = "test code")]

use std::sync::LazyLock;

use cordon_core::{Category, Channel, Finding};
use cordon_inspect::{Engine, Step};

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

/// The findings of a text, whole and in pieces of one and seven characters: they are the same.
fn findings(text: &str) -> Vec<Finding> {
    let whole = ENGINE.inspect(Channel::User, text);
    for size in [1, 7] {
        let mut scanner = ENGINE.scanner(Channel::User, &[Category::known("pii")]);
        let characters: Vec<char> = text.chars().collect();
        let (mut cut, mut settled): (Vec<Finding>, usize) = (Vec::new(), 0);
        let mut take = |step: Step| {
            // What has gone on cannot be cut any more.
            let email = step.findings.iter().filter(|found| found.category.as_str() == "pii/email");
            assert!(email.clone().all(|found| found.span.start >= settled), "too late: {text}");
            settled = step.settled;
            cut.extend(step.findings);
        };
        for chunk in characters.chunks(size) {
            take(scanner.push(&chunk.iter().collect::<String>()));
        }
        take(scanner.finish());
        cut.sort_by(|a, b| (a.span, &a.category, a.detector).cmp(&(b.span, &b.category, b.detector)));
        assert_eq!(cut, whole, "in pieces of {size}: {text}");
    }
    whole
}

/// What of a text is an address.
fn addresses(text: &str) -> Vec<String> {
    let found = findings(text).into_iter().filter(|found| found.category.as_str() == "pii/email");
    found.map(|found| text[found.span.start..found.span.end].to_owned()).collect()
}

const WHOLE: [&str; 21] = [
    "почта@пример.рф",
    "иван.петров@яндекс.рф",
    "info@пример.рф",
    "почта@example.com",
    "δοκιμή@παράδειγμα.ελ",
    "user@παράδειγμα.gr",
    "用户@例子.公司",
    "info@例え.jp",
    "田中@例え.jp",
    "사용자@예시.한국",
    "o'brien@example.com",
    "j.o'neil+work@sub.mail-host.co.uk",
    "o’brien@example.com",
    "müller@bücher.de",
    "ana@почта.укр",
    "шеф@фірма.com.ua",
    "बात@उदाहरण.भारत",
    "بريد@مثال.مصر",
    "דואר@דוגמה.קום",
    "ไปรษณีย์@ตัวอย่าง.ไทย",
    "jos'e@correo.es",
];

#[test]
fn addresses_in_other_letters_are_found_whole() {
    for address in WHOLE {
        for text in [
            format!("Write to {address} now."),
            address.to_owned(),
            format!("mail: <{address}>, please"),
            format!("({address})"),
        ] {
            let found = addresses(&text);
            assert!(found.iter().any(|found| found == address), "{text}: {found:?}");
        }
    }
    // Letters of the sentence stand right behind and before them.
    for (text, address) in [
        ("田中さんは info@例え.jpです", "info@例え.jp"),
        ("请写信到 用户@例子.公司谢谢", "用户@例子.公司"),
        ("请联系user@example.com谢谢", "user@example.com"),
    ] {
        let found = addresses(text);
        assert!(found.iter().any(|found| found == address), "{text}: {found:?}");
    }
}

#[test]
fn of_an_endless_word_the_end_is_a_local_part() {
    for letter in ["w", "я", "ด", "字"] {
        let text = format!("{}почта@пример.рф", letter.repeat(2_000));
        let end = text.len();
        let found = findings(&text);
        assert!(
            found.iter().any(|f| f.span.end == end && f.span.start <= end - "почта@пример.рф".len()),
            "{letter}"
        );
    }
}

#[test]
fn what_is_no_address_is_none() {
    for text in [
        "Пишите @имя в чате, цена 5@шт.по списку",
        "икона@2x.png и иконка@3х.svg",
        "print(f'@home'), don't @me, it's @ five o'clock",
        "друзья@ и @почта.рф",
        "名前@会社 と 会社@名前。以上",
        "кто-то@где-то, и всё",
    ] {
        assert_eq!(addresses(text), [""; 0], "{text}");
    }
    // A letter before a quotation mark is a program's.
    assert_eq!(addresses("send(f'ana@example.com')"), ["ana@example.com"]);
    assert_eq!(addresses("mail='ana@example.com'"), ["ana@example.com"]);
}
