use cordon_core::{Category, Channel};
use proptest::prelude::*;

use super::*;
use crate::Engine;

static ENGINE: std::sync::LazyLock<Engine> = std::sync::LazyLock::new(Engine::builtin);

const STRIP: Normalise = Normalise {
    hidden: HiddenCharacters::Strip,
    unicode: UnicodeForm::Keep,
    formulas: cordon_core::resource::Formulas::Keep,
    metadata: cordon_core::resource::PictureMetadata::Keep,
};
const BOTH: Normalise = Normalise { unicode: UnicodeForm::Nfc, ..STRIP };

#[test]
fn what_nobody_sees_is_taken_out() {
    for (text, expected) in [
        ("ig\u{200b}no\u{200c}re\u{2060} \u{feff}all", "ignore all"),
        ("so\u{ad}ft", "soft"),
        ("hi\u{e0049}\u{e0067}\u{e006e}\u{e007f}", "hi"),
        ("😊\u{e0159}\u{e0157}\u{e015e} hi", "😊 hi"),
        ("a\u{fe0f}b\u{fe00}", "ab"),
        ("👍\u{fe0f}\u{fe0e}\u{fe0f}", "👍\u{fe0f}"),
        ("file\u{202e}fdp.exe", "filefdp.exe"),
        ("a\u{2066}b\u{2069}\u{200f}", "ab"),
        ("\u{1b}[31mred\u{1b}[0m\u{7}\u{0}\u{7f}\u{9b}", "[31mred[0m"),
        ("x\u{3164}y\u{ffa0}z\u{115f}", "xyz"),
        (
            "Z\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}",
            "Z\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}",
        ),
        ("🏴\u{e0067}\u{e0062}\u{e0069}\u{e0067}\u{e006e}\u{e006f}\u{e0072}\u{e0065}\u{e007f}", "🏴"),
        ("می\u{200c}\u{200d}\u{200c}خواهم", "می\u{200c}خواهم"),
    ] {
        let normal = normal(text, &STRIP);
        assert_eq!(normal.text, expected, "{text:?}");
        assert_eq!(normal.hidden, (text.chars().count() - expected.chars().count()) as u64);
    }
}

#[test]
fn what_writing_needs_stays() {
    for text in [
        "plain text, tab\tand\r\nlines",
        "می\u{200c}خواهم کتاب\u{200c}ها را",
        "PDF\u{200c}ها",
        "ه\u{200d} ق",
        "क\u{94d}\u{200d}ष श\u{94d}\u{200c}र ශ\u{dca}\u{200d}ර",
        "👨\u{200d}👩\u{200d}👧\u{200d}👦 ❤\u{fe0f}\u{200d}🔥 👩🏽\u{200d}💻 🏳\u{fe0f}\u{200d}🌈 1\u{fe0f}\u{20e3}",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} 🏴\u{200d}☠\u{fe0f} 🇩🇪",
        "שלום\u{200f}! (abc\u{200e}) \u{2067}עברית\u{2069}",
        "葛\u{e0100}城市 ∩\u{fe00}",
        "ᠠ\u{180b}ᠨ",
        "បាន\u{200b}ទៅ",
        "e\u{301}a\u{308} Việt",
        "&#x200b; \\u200b %E2%80%8B",
    ] {
        let normal = normal(text, &STRIP);
        assert!(matches!(normal.text, Cow::Borrowed(_)), "{text:?} became {:?}", normal.text);
        assert_eq!((normal.hidden, normal.composed), (0, false));
    }
}

#[test]
fn letters_are_composed_with_their_marks() {
    let composed = normal("e\u{301}le\u{200b}\u{300}ve", &BOTH);
    assert_eq!((composed.text.as_ref(), composed.hidden, composed.composed), ("él\u{e8}ve", 1, true));
    assert!(matches!(normal("élève", &BOTH).text, Cow::Borrowed(_)));
}

#[test]
fn an_escape_that_becomes_whole_reads_otherwise() {
    for text in ["%4\u{200b}1", "&#x4\u{200b}1;", "\\u\u{200b}0041"] {
        let stripped = normal(text, &STRIP);
        assert!(!reads_alike(text, &stripped.text), "{text:?}");
    }
    assert!(reads_alike("ig\u{200b}nore", &normal("ig\u{200b}nore", &STRIP).text));
}

/// Texts of what matters here.
fn texts() -> impl Strategy<Value = String> {
    const LETTERS: &str = "aZ1 #\n.éأمکשक्ක가ᄀあ葛👩👦❤🏴☠∩ᠠន";
    const HIDDEN: &str = "\u{0}\u{1b}\u{7f}\u{9b}\u{ad}\u{34f}\u{115f}\u{1160}\u{180b}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202c}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{fe00}\u{fe0e}\u{fe0f}\u{e0100}\u{e0067}\u{e0062}\u{e0031}\u{e007f}\u{300}\u{301}\u{338}\u{344}\u{64b}\u{94d}\u{20e3}\u{fb1d}\u{958}";
    let of = |from: &'static str| prop::sample::select(from.chars().collect::<Vec<_>>());
    prop::collection::vec(prop_oneof![of(LETTERS), of(HIDDEN), any::<char>()], 0..60)
        .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn twice_is_once(text in texts()) {
        for rules in [STRIP, BOTH, Normalise { unicode: UnicodeForm::Nfc, ..Normalise::default() }] {
            let once = normal(&text, &rules);
            let twice = normal(&once.text, &rules);
            prop_assert_eq!(&twice.text, &once.text);
            prop_assert_eq!((twice.hidden, twice.composed), (0, false));
            prop_assert_eq!(once.hidden > 0 || once.composed, once.text != text);
        }
    }

    #[test]
    fn nothing_hidden_is_left(text in texts()) {
        // What stands for a character goes on as it is written.
        prop_assume!(!text.contains(['%', '&', '\\', '=']));
        let normal = normal(&text, &STRIP);
        prop_assert!(reads_alike(&text, &normal.text));
        let found = ENGINE.inspect(Channel::User, &normal.text);
        let hidden = Category::known("prompt_injection/hidden");
        prop_assert!(found.iter().all(|finding| finding.category != hidden), "{:?}", normal.text);
    }
}
