//! Values beside letters of scripts that put no spaces between words, or particles right behind what they belong to.
#![allow(clippy::unwrap_used, clippy::panic, clippy::string_slice, missing_docs, reason = "test code")]

use std::sync::LazyLock;

use cordon_core::{Category, Channel, Finding, Score};
use cordon_inspect::Engine;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

/// The findings of a text, whole and in pieces of one and seven characters: they are the same.
fn findings(text: &str) -> Vec<Finding> {
    let whole = ENGINE.inspect(Channel::User, text);
    for size in [1, 7] {
        let mut scanner = ENGINE.scanner(Channel::User, &[]);
        let characters: Vec<char> = text.chars().collect();
        let mut cut: Vec<Finding> = characters
            .chunks(size)
            .flat_map(|chunk| scanner.push(&chunk.iter().collect::<String>()).findings)
            .collect();
        cut.append(&mut scanner.finish().findings);
        cut.sort_by(|a, b| (a.span, &a.category, a.detector).cmp(&(b.span, &b.category, b.detector)));
        assert_eq!(cut, whole, "in pieces of {size}: {text}");
    }
    whole
}

/// Whether just this value is found in it.
fn has(text: &str, category: &'static str, value: &str) -> bool {
    let (category, start) = (Category::known(category), text.find(value).unwrap());
    findings(text).iter().any(|found| {
        category.covers(&found.category)
            && found.score >= Score::percent(50)
            && (found.span.start, found.span.end) == (start, start + value.len())
    })
}

/// What no word needs to name.
const VALUES: [(&str, &str); 7] = [
    ("pii/card", "4111 1111 1111 1111"),
    ("pii/card", "4111111111111111"),
    ("pii/iban", "DE89370400440532013000"),
    ("pii/ip", "81.2.69.160"),
    ("pii/phone", "+49 30 901820"),
    ("pii/email", "jane.roe@example.org"),
    ("pii/device/mac", "00:1b:44:11:3a:b7"),
];

#[test]
fn values_are_found_between_letters_of_every_such_script() {
    for (before, behind) in [
        ("我的号码是", "请记下来"),
        ("番号はこちらの", "です。よろしくお願いいたします"),
        ("携帯", "まで"),
        ("제 번호는", "입니다"),
        ("หมายเลขของฉันคือ", "ครับ"),
        ("رقم", "شكرا"),
        ("המספר", "תודה"),
        ("मेरा नंबर", "है"),
    ] {
        for (category, value) in VALUES {
            // Letters on both sides, and on either one.
            for text in
                [format!("{before}{value}{behind}"), format!("{before}{value}"), format!("{value}{behind}")]
            {
                // An address may hold letters of any script.
                if category != "pii/email" {
                    assert!(has(&text, category, value), "{category} in {text}");
                }
            }
        }
    }
}

#[test]
fn numbers_that_words_name_are_found_right_behind_them() {
    for (category, value, text) in [
        ("pii/phone", "13812345678", "我的手机号是13812345678请打给我"),
        ("pii/phone", "090-1234-8765", "携帯は090-1234-8765です"),
        ("pii/phone", "010-3456-7812", "제 번호는 010-3456-7812입니다"),
        (
            "pii/phone",
            "03-1234-5678",
            "お電話番号は下記の通りでございますので何卒よろしくお願いいたします03-1234-5678まで",
        ),
        ("pii/national_id", "110105198805230452", "身份证号110105198805230452"),
    ] {
        assert!(has(text, category, value), "{category} in {text}: {:?}", findings(text));
    }
}

#[test]
fn dates_and_counts_are_none() {
    for text in [
        "会议在2024年5月12日下午3点30分开始，共有128人参加，费用为12500元。",
        "第12章第3節、全320ページ、価格は1980円です。2023年10月発売。",
        "총 1234567명이 참가했고 2024년 5월 12일에 끝났습니다. 가격은 15000원입니다.",
        "版本号v10.2.3于2024年发布，下载量1234567次。",
        "ราคา12500บาท มีผู้เข้าร่วม1234คน ปี2567",
    ] {
        assert_eq!(findings(text), [], "{text}");
    }
}
