//! How telephone numbers are written at home: each country's trunk prefix, the digits that its fixed and mobile numbers begin
//! with, their lengths, and the groups that are usual. Facts of the national numbering plans as the ITU collects them
//! (Operational Bulletin, "National Numbering Plans"; E.123 for the notation).

use std::collections::HashMap;
use std::sync::LazyLock;

/// The countries with their code. In a form `x` is any digit, `[…]` one of some, other digits are themselves; a space stands
/// where a separator stands, `(…)` is in brackets. A form that ends with `!` is written so by nobody else; one that
/// begins with a trunk prefix or has brackets says as much.
pub(super) const COUNTRIES: &[(&str, &str)] = &[
    ("AE 971", "05[024568] xxx xxxx|0[234679] xxx xxxx|(0[234679]) xxx xxxx"),
    ("AL 355", "06[6789] xxx xxxx|06[6789] xx xx xxx"),
    ("AM 374", "0[1-9]x xxxxxx|0[1-9]x xx xx xx"),
    (
        "AR 54",
        "(011) [2-7]xxx xxxx|011 [2-7]xxx xxxx|(0[23]xx) xxx xxxx|(0[23]xxx) xx xxxx|11 [2-7]xxx xxxx|15 xxxx xxxx|0[23]xx 15 xxx xxxx",
    ),
    ("AT 43", "06[5-9]x xxxxxxx|06[5-9]x xxx xx xx|06[5-9]x xxx xxxx|01 xxx xx xx|01 xxxxxxx|(01) xxx xx xx"),
    ("AU 61", "04xx xxx xxx|0[2378] xxxx xxxx|(0[2378]) xxxx xxxx|1300 xxx xxx|1800 xxx xxx"),
    ("AZ 994", "0[15-7]x xxx xx xx|(0[1-9]x) xxx xx xx"),
    ("BA 387", "06x xxx xxx|03x xxx xxx"),
    ("BD 880", "01[3-9]xx xxxxxx|01[3-9]x xxxxxxxx|01[3-9]xx xxx xxx"),
    ("BE 32", "04xx xx xx xx|0[1-9] xxx xx xx|0[1-9]x xx xx xx|04xx xxx xxx"),
    ("BG 359", "08[789]x xxx xxx|08[789] xxx xxxx|02 xxx xxxx"),
    (
        "BR 55",
        "([1-9]x) 9xxxx xxxx|([1-9]x) [2-5]xxx xxxx|[1-9]x 9xxxx xxxx!|(0[1-9]x) [2-9]xxx xxxx|0[1-9]x 9xxxx xxxx|0800 xxx xxxx",
    ),
    ("BY 375", "8 (0xx) xxx xx xx|8 0xx xxx xx xx"),
    ("CH 41", "07[5-9] xxx xx xx|0[2-9]x xxx xx xx|0800 xxx xxx|(0[2-9]x) xxx xx xx"),
    ("CL 56", "9 [3-9]xxx xxxx!|([2-7]x) [2-9]xx xxxx|(2) 2xxx xxxx"),
    ("CM 237", "6 xx xx xx xx!"),
    (
        "CN 86",
        "1[3-9]x xxxx xxxx!|0[12]x xxxx xxxx|0[12]x xxxxxxxx|0[3-9]xx xxxxxxx|0[3-9]xx xxxxxxxx|(0[12]x) xxxx xxxx|(0[3-9]xx) xxxxxxx|400 xxx xxxx",
    ),
    ("CO 57", "3xx xxx xxxx|(60[1-8]) xxx xxxx|60[1-8] xxx xxxx"),
    ("CZ 420", "[67]xx xxx xxx|[2-5]xx xxx xxx"),
    (
        "DE 49",
        "01[567]x xxxxxxx|01[567]x xxxxxxxx|01[567]x xxx xxxx|01[567]x xxx xx xx|01[567]x xxxx xxxx|0[2-9]0 xxxxxxx|0[2-9]0 xxxxxxxx|0[2-9]0 xxxx xxxx|\
             089 xxxxxxx|089 xxxxxxxx|0[2-9]xx xxxxxx|0[2-9]xx xxxxxxx|0[2-9]xxx xxxxx|0[2-9]xxx xxxxxx|(0[2-9]x) xxxxxx|(0[2-9]x) xxxxxxx|(0[2-9]x) xxxxxxxx|\
             (0[2-9]xx) xxxxxx|(0[2-9]xx) xxxxxxx|(0[2-9]xxx) xxxxx|(0[2-9]xxx) xxxxxx|0800 xxx xxxx",
    ),
    ("DK 45", "[2-9]x xx xx xx|[2-9]xxx xxxx"),
    ("DZ 213", "0[567]xx xx xx xx|0[567]xx xxx xxx"),
    ("EC 593", "09x xxx xxxx|(0[2-7]) xxx xxxx|09 xxxx xxxx"),
    ("EE 372", "5xxx xxxx|5xx xxxx"),
    ("EG 20", "01[0125]x xxx xxxx|01[0125] xxxx xxxx|02 xxxx xxxx|(02) xxxx xxxx"),
    ("ES 34", "[67]xx xx xx xx!|[67]xx xxx xxx|9x xxx xx xx!|9xx xx xx xx!|9xx xxx xxx"),
    ("ET 251", "09x xxx xxxx|011 xxx xxxx"),
    ("FI 358", "04[0-9] xxx xxxx|050 xxx xxxx|09 xxx xxxx|0[1-9]x xxx xxxx|04x xxx xx xx"),
    ("FR 33", "0[1-9] xx xx xx xx|0800 xx xx xx|0800 xxx xxx"),
    (
        "GB 44",
        "07[1-9]xx xxxxxx|07[1-9]xx xxx xxx|02[0-9] xxxx xxxx|(02[0-9]) xxxx xxxx|01xx xxx xxxx|01xxx xxxxxx|01xxx xxx xxx|(01xxx) xxxxxx|\
             (01xx) xxx xxxx|03xx xxx xxxx|0[89]xx xxx xxxx|07[1-9]x xxxx xxxx",
    ),
    ("GE 995", "5xx xx xx xx!|5xx xxx xxx"),
    ("GH 233", "0[25]x xxx xxxx|030 xxx xxxx"),
    ("GR 30", "69x xxx xxxx|69xx xxx xxx|210 xxx xxxx|21x xxxxxxx|2xxx xxxxxx"),
    ("HK 852", "[5-9]xxx xxxx|[23]xxx xxxx"),
    ("HR 385", "09x xxx xxxx|09x xxx xxx|01 xxxx xxx|0[2-5]x xxx xxx"),
    ("HU 36", "06 [2-9]x xxx xxxx|06 1 xxx xxxx|06 [2-9]x xxx xxx|(06 1) xxx xxxx|06[237]0 xxx xxxx"),
    (
        "ID 62",
        "08xx xxxx xxxx|08xx xxxx xxx|08xx xxx xxx|(0[2-7]x) xxx xxxx|(0[2-7]x) xxxx xxxx|021 xxx xxxx|021 xxxx xxxx|(0[2-7]xx) xxx xxx",
    ),
    ("IE 353", "08[3-9] xxx xxxx|01 xxx xxxx|(01) xxx xxxx|0[2-9]x xxx xxxx"),
    ("IL 972", "05x xxx xxxx|05x xxxxxxx|0[23489] xxx xxxx|0[23489] xxxxxxx|07[2-9] xxx xxxx"),
    ("IN 91", "[6-9]xxxx xxxxx|0xx xxxx xxxx|(0xx) xxxx xxxx|0xxxx xxxxxx|[6-9]xx xxx xxxx|1800 xxx xxxx"),
    ("IQ 964", "07xx xxx xxxx|07xxx xxx xxx"),
    (
        "IR 98",
        "09xx xxx xxxx|09xx xxx xx xx|021 xxxx xxxx|021 xxxxxxxx|0[1-8]x xxxx xxxx|0[1-8]x xxxxxxxx|(0[1-8]x) xxxxxxxx|(0[1-8]x) xxxx xxxx",
    ),
    (
        "IT 39",
        "3xx xxx xxxx|3xx xx xx xxx!|0[26] xxxx xxxx|0[26] xxxxxxxx|0[1-9]x xxxxxxx|0[1-9]xx xxxxxx|0[1-9]x xxx xxxx|800 xxx xxx|3xx xxxxxxx",
    ),
    ("JO 962", "07[789] xxx xxxx|07[789]x xxx xxx|06 xxx xxxx"),
    (
        "JP 81",
        "0[5-9]0 xxxx xxxx|0[1-9] xxxx xxxx|0[1-9]x xxx xxxx|0[1-9]xx xx xxxx|(0[1-9]) xxxx xxxx|(0[1-9]x) xxx xxxx|0120 xxx xxx|0800 xxx xxxx",
    ),
    ("KE 254", "0[17]xx xxx xxx|0[17]xx xxxxxx|020 xxx xxxx"),
    (
        "KR 82",
        "01[016789] xxxx xxxx|01[016789] xxx xxxx|02 xxxx xxxx|02 xxx xxxx|0[3-6]x xxx xxxx|0[3-6]x xxxx xxxx|(02) xxxx xxxx|070 xxxx xxxx",
    ),
    ("LK 94", "07x xxx xxxx|0[1-9]x xxx xxxx|0[1-9]x x xxx xxx"),
    ("LT 370", "8 6xx xxxxx|8 [3-5]xx xxxxx|(8 6xx) xxxxx|8 5 xxx xxxx"),
    ("LV 371", "2xxx xxxx|6xxx xxxx"),
    ("MA 212", "0[5-7]xx xx xx xx|0[5-7] xx xx xx xx|0[5-7]xx xxxxxx"),
    ("MD 373", "0[67]x xxx xxx|0[67]xx xx xxx|022 xx xx xx"),
    (
        "MX 52",
        "(55) xxxx xxxx|(33) xxxx xxxx|(81) xxxx xxxx|([2-9]xx) xxx xxxx|55 xxxx xxxx|33 xxxx xxxx|81 xxxx xxxx",
    ),
    ("MY 60", "01x xxx xxxx|01x xxxx xxxx|03 xxxx xxxx|0[4-9] xxx xxxx|08x xxx xxx"),
    ("NG 234", "0[789][01]x xxx xxxx|0[789][01] xxxx xxxx|01 xxx xxxx"),
    (
        "NL 31",
        "06 xxxxxxxx|06 xx xx xx xx|06 xxxx xxxx|0[1-9]x xxx xxxx|0[1-9]x xxx xx xx|0[1-9]x xxxxxxx|0[1-9]xx xxxxxx|(0[1-9]x) xxx xxxx",
    ),
    ("NO 47", "[49]xx xx xxx|[2-7]x xx xx xx|800 xx xxx"),
    ("NZ 64", "02x xxx xxxx|02x xxx xxx|0[34679] xxx xxxx|(0[34679]) xxx xxxx|0800 xxx xxx|02x xxxx xxxx"),
    ("PE 51", "9xx xxx xxx|(01) xxx xxxx|01 xxx xxxx|(0[4-8]x) xxxxxx"),
    ("PH 63", "09xx xxx xxxx|(02) xxxx xxxx|(02) xxx xxxx|(0[3-8]x) xxx xxxx|02 xxxx xxxx"),
    ("PK 92", "03xx xxxxxxx|03xx xxx xxxx|(0[2-9]x) xxxxxxxx|0[2-9]x xxxxxxxx"),
    ("PL 48", "[45678]xx xxx xxx|[1-9]x xxx xx xx|([1-9]x) xxx xx xx"),
    ("PT 351", "9[1236]x xxx xxx|2[1-9]x xxx xxx|21 xxx xx xx"),
    ("PY 595", "09[6-9]x xxx xxx|(021) xxx xxx|021 xxx xxx"),
    ("RO 40", "07xx xxx xxx|02[1-6]x xxx xxx|02[1-6] xxx xxxx|021 xxx xx xx|03[1-7]x xxx xxx"),
    ("RS 381", "06x xxx xxxx|06x xxx xxx|011 xxx xxxx|011 xxx xxx"),
    (
        "RU 7",
        "8 ([34789]xx) xxx xx xx|8 [34789]xx xxx xx xx|([34789]xx) xxx xx xx|8 [34789]xx xxx xxxx|8 ([34789]xx) xxx xxxx|7 ([34789]xx) xxx xx xx|7 [34789]xx xxx xx xx|\
            8 ([34789]xxx) xx xx xx",
    ),
    ("SA 966", "05x xxx xxxx|01[1-7] xxx xxxx|9200 xxxxx"),
    (
        "SE 46",
        "07[02369] xxx xx xx|08 xxx xx xx|08 xxx xxx xx|0[1-6]x xxx xx xx|0[1-6]x xx xx xx|07[02369]x xx xx xx|0[1-9]xx xx xx xx",
    ),
    ("SG 65", "[89]xxx xxxx|[36]xxx xxxx"),
    ("SI 386", "0[3-7]x xxx xxx|01 xxx xx xx"),
    ("SK 421", "09xx xxx xxx|02 xxxx xxxx|0[345]x xxx xx xx"),
    ("SN 221", "7[05678] xxx xx xx!|33 xxx xx xx!"),
    ("TH 66", "0[689]x xxx xxxx|02 xxx xxxx|0[689] xxxx xxxx|0[3-7]x xxx xxx"),
    ("TN 216", "[2-9]x xxx xxx"),
    (
        "TR 90",
        "05xx xxx xx xx|(05xx) xxx xx xx|0[2-4]xx xxx xx xx|(0[2-4]xx) xxx xx xx|0 (5xx) xxx xx xx|0 5xx xxx xx xx|5xx xxx xx xx!|0 ([2-4]xx) xxx xx xx|0 [2-4]xx xxx xx xx|0850 xxx xx xx",
    ),
    ("TW 886", "09xx xxx xxx|(0[2-8]) xxxx xxxx|0[2-8] xxxx xxxx|09xx xxxxxx|(0[2-8]) xxx xxxx"),
    ("TZ 255", "0[67]xx xxx xxx"),
    ("UA 380", "0[3-9]x xxx xx xx|(0[3-9]x) xxx xx xx|(0[3-9]x) xxx xxxx|0[3-9]x xxx xxxx|0800 xxx xxx"),
    ("UG 256", "07xx xxx xxx"),
    ("UY 598", "09x xxx xxx|2xxx xxxx"),
    ("UZ 998", "[39]x xxx xx xx!|([379]x) xxx xx xx"),
    (
        "VE 58",
        "04[12][2468] xxx xxxx|(02xx) xxx xxxx|02xx xxx xxxx|(04[12][2468]) xxx xxxx|04[12][2468] xxx xx xx|04[12][2468] xxxxxxx",
    ),
    (
        "VN 84",
        "0[35789]x xxx xxxx|0[35789]xx xxx xxx|02[48] xxxx xxxx|(02[48]) xxxx xxxx|0[35789]x xxx xx xx",
    ),
    ("ZA 27", "0[678]x xxx xxxx|0[1-5]x xxx xxxx|(0[1-5]x) xxx xxxx|0800 xxx xxx"),
];

/// How sure a form of a national number makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Usual {
    /// Other things are written so too.
    Plain,
    /// The country's own way to write one, without trunk prefix or brackets.
    Own,
    /// With a trunk prefix or an area code in brackets.
    Dialled,
}

/// One form: what each digit may be, a bit for each, and where the brackets stand.
#[derive(Debug)]
struct Form {
    digits: Vec<u16>,
    /// The group in brackets.
    bracket: Option<usize>,
    usual: Usual,
}

/// The forms by the lengths of their groups.
static FORMS: LazyLock<HashMap<Vec<usize>, Vec<Form>>> = LazyLock::new(|| {
    let mut forms: HashMap<Vec<usize>, Vec<Form>> = HashMap::new();
    for form in COUNTRIES.iter().flat_map(|(_, forms)| forms.split('|')) {
        let (lengths, form) = read(form);
        forms.entry(lengths).or_default().push(form);
    }
    forms
});

/// A form as it is written in the table, and the lengths of its groups.
fn read(text: &str) -> (Vec<usize>, Form) {
    let (mut digits, mut lengths, mut bracket) = (Vec::new(), vec![0_usize], None);
    let mut set: Option<Vec<u8>> = None;
    for byte in text.bytes() {
        match (byte, &mut set) {
            (b']', Some(inner)) => {
                digits.push(bits(inner));
                set = None;
                add(&mut lengths);
            }
            (_, Some(inner)) => inner.push(byte),
            (b'[', None) => set = Some(Vec::new()),
            (b'(', None) => bracket = Some(lengths.len() - 1),
            (b' ', None) => lengths.push(0),
            (b'x', None) => {
                digits.push(0x3ff);
                add(&mut lengths);
            }
            (b'0'..=b'9', None) => {
                digits.push(1 << (byte - b'0'));
                add(&mut lengths);
            }
            _ => {}
        }
    }
    // `0` leads to other areas everywhere, `8` in the countries that have it alone in front.
    let trunk = digits.first() == Some(&1)
        || lengths.first() == Some(&1) && digits.first().is_some_and(|set| matches!(set, 0x80 | 0x100));
    let usual = match () {
        () if bracket.is_some() || trunk => Usual::Dialled,
        () if text.ends_with('!') => Usual::Own,
        () => Usual::Plain,
    };
    (lengths, Form { digits, bracket, usual })
}

fn add(lengths: &mut [usize]) {
    if let Some(last) = lengths.last_mut() {
        *last += 1;
    }
}

/// The bits of `2468` and `3-9`.
fn bits(set: &[u8]) -> u16 {
    let mut bits = 0;
    for (at, byte) in set.iter().enumerate() {
        match (byte, at.checked_sub(1).and_then(|before| set.get(before)), set.get(at + 1)) {
            (b'-', Some(from), Some(to)) => (*from..=*to).for_each(|digit| bits |= 1 << (digit & 15)),
            (b'0'..=b'9', ..) => bits |= 1 << (byte & 15),
            _ => {}
        }
    }
    bits
}

/// How a number is written whose digits stand in groups of these lengths, with this group in brackets; none where no country
/// writes one so.
pub(super) fn usual(digits: &[u8], lengths: &[usize], bracket: Option<usize>) -> Option<Usual> {
    let forms = FORMS.get(lengths)?;
    let fits = |form: &&Form| {
        form.bracket == bracket
            && form.digits.len() == digits.len()
            && form.digits.iter().zip(digits).all(|(set, digit)| set >> (digit & 15) & 1 == 1)
    };
    forms.iter().filter(fits).map(|form| form.usual).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One number of a form: the first digit that each place allows, but not one digit again and again.
    fn sample(text: &str) -> (Vec<u8>, Vec<usize>, Option<usize>) {
        let (lengths, form) = read(text);
        let digits = form.digits.iter().enumerate().map(|(at, set)| {
            (0..10_u8)
                .map(|step| (step + u8::try_from(at).unwrap() * 3 + 1) % 10)
                .find(|digit| set >> digit & 1 == 1)
                .unwrap()
        });
        (digits.collect(), lengths, form.bracket)
    }

    #[test]
    fn sixty_countries_have_forms_and_every_form_fits_its_numbers() {
        assert!(COUNTRIES.len() >= 60, "{}", COUNTRIES.len());
        assert!(COUNTRIES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (country, forms) in COUNTRIES {
            for form in forms.split('|') {
                let (digits, lengths, bracket) = sample(form);
                assert!((7..=13).contains(&digits.len()), "{country} {form}");
                assert_eq!(lengths.iter().sum::<usize>(), digits.len(), "{country} {form}");
                assert!(usual(&digits, &lengths, bracket).is_some(), "{country} {form} {digits:?}");
                // A digit less is another length.
                let shorter = &digits[..digits.len() - 1];
                assert!(usual(shorter, &lengths, bracket).is_none(), "{country} {form}");
            }
        }
    }

    #[test]
    fn forms_are_read_as_they_are_written() {
        let usual = |text: &str, bracket| {
            let groups: Vec<&str> =
                text.split([' ', '-', '(', ')']).filter(|group| !group.is_empty()).collect();
            let digits: Vec<u8> = groups.concat().bytes().map(|b| b - b'0').collect();
            usual(&digits, &groups.iter().map(|group| group.len()).collect::<Vec<_>>(), bracket)
        };
        assert_eq!(usual("8 (912) 345-67-89", Some(1)), Some(Usual::Dialled));
        assert_eq!(usual("(11) 91234-5678", Some(0)), Some(Usual::Dialled));
        assert_eq!(usual("06 12 34 56 78", None), Some(Usual::Dialled));
        assert_eq!(usual("612 34 56 78", None), Some(Usual::Own));
        assert_eq!(usual("501 234 567", None), Some(Usual::Plain));
        assert_eq!(usual("(11) 11234-5678", Some(0)), None);
        assert_eq!(usual("00 12 34 56 78", None), None);
        assert_eq!((bits(b"3-5"), bits(b"028")), (0b11_1000, 0b1_0000_0101));
    }
}
