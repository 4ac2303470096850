//! Banks.

use super::BANK;
use crate::pii::check::{begins_with, number, repeats, weighted};
use crate::pii::row::{Row, any};

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "pii/bank/bic",
        BANK,
        ("AAAAAA**|AAAAAA**-***", " "),
        is_bic,
        [0, 0, 92],
        "bic|swift|swift code|bic code|swift bic|bankleitzahl|codigo swift|code swift",
    ),
    Row::new(
        "pii/bank/us_routing",
        BANK,
        ("999999999|9999-9999-9", "- "),
        is_routing,
        [0, 0, 95],
        "routing|aba|rtn|routing number|routing transit|transit number|aba number",
    ),
    Row::new("pii/bank/uk_sort_code", BANK, ("99-99-99", "- "), any, [0, 0, 90], "sort code|sortcode|sort"),
    Row::new(
        "pii/bank/account",
        BANK,
        ("9{7,17}|~9{8,14}", " -"),
        |text| !repeats(text),
        [0, 0, 68],
        "account number|account no|account num|acct|bank account|account:|account is~|my account~|your account~|checking account|savings account|konto|kontonummer|\
         konto nr|ktnr|cuenta|numero de cuenta|compte bancaire|numero de compte|conta|numero da conta|conto corrente|\
         rekeningnummer|rekening|rachunek|numer konta|счет|счёт|账号|帐号|口座番号|계좌번호",
    ),
    Row::new(
        "pii/bank/de_blz",
        BANK,
        ("999-999-99", " "),
        |text| !text.starts_with(b"0") && !text.starts_with(b"9"),
        [0, 0, 88],
        "blz|bankleitzahl",
    ),
    Row::new(
        "pii/bank/card_code",
        BANK,
        ("999|9999", ""),
        any,
        [0, 0, 82],
        "cvv|cvc|cvv2|cvc2|cid|card verification|security code|prufziffer|cryptogramme",
    )
    .near(28),
];

/// ISO 9362: four characters of the party, a country of ISO 3166-1, two of the place, three of the branch.
fn is_bic(text: &[u8]) -> bool {
    text.get(4..6).is_some_and(|country| begins_with(country, COUNTRIES))
}

/// ISO 3166-1 alpha-2, and XK as SWIFT uses it.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW \
BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD \
GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP \
KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG \
NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR \
SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// American Bankers Association, routing number policy: Federal Reserve districts, weights 3, 7, 1.
fn is_routing(text: &[u8]) -> bool {
    matches!(number(text, 0..2), 0..=12 | 21..=32 | 61..=72 | 80)
        && !repeats(text)
        && weighted(text, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}
