//! Values that documentation prints for everybody to use, so that they are nobody's.

use std::net::IpAddr;

use crate::Category;

/// Card numbers that payment processors print for tests (PayPal's and Stripe's public lists).
const CARDS: [&str; 16] = [
    "4111111111111111",
    "4012888888881881",
    "4222222222222",
    "4242424242424242",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "378734493671000",
    "6011111111111117",
    "6011000990139424",
    "30569309025904",
    "38520000023237",
    "3530111333300000",
    "3566002020360505",
];

/// Social security numbers that were printed as samples and are valid for nobody: of a wallet of 1938, and of the administration's own
/// pamphlet of 1940 (Social Security Administration, "Social Security Cards Issued by Woolworth").
const SSNS: [&str; 2] = ["078051120", "219099999"];

/// Account numbers that the registry of ISO 13616 prints as examples of their country.
const IBANS: [&str; 4] =
    ["gb29nwbk60161331926819", "de89370400440532013000", "fr1420041010050500013m02606", "nl91abna0417164300"];

/// Tokens that their providers' documentation prints: GitHub's for the scanning of secrets, Amazon's and Stripe's for their interfaces.
const SECRETS: [&str; 4] = [
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
];

/// Second-level domains (RFC 2606, section 3) and top-level domains (RFC 2606, section 2; RFC 6761) that are reserved for examples.
const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];
const TOP_LEVEL: [&str; 3] = ["example", "invalid", "test"];

/// Networks for documentation: RFC 5737 and RFC 3849.
const NETWORKS: [[u8; 3]; 3] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
const NETWORK: [u16; 2] = [0x2001, 0x0db8];

/// Whether a value is published: as it stands in the text, and written in the form in which values of its category are compared.
pub(super) fn is_published(category: &Category, text: &str, written: &str) -> bool {
    let path = category.as_str();
    if path == "secret" || path.starts_with("secret/") {
        return SECRETS.contains(&written);
    }
    match path.strip_prefix("pii/") {
        Some("card") => CARDS.contains(&written),
        Some("ssn") => SSNS.contains(&written),
        Some("iban") => IBANS.contains(&written),
        Some("email") => written.rsplit_once('@').is_some_and(|(_, host)| is_example_host(host)),
        Some("ip") => written.parse().is_ok_and(is_documentation),
        Some("phone") => is_fictitious(text, written),
        _ => false,
    }
}

/// However it is spelt, with zeros in front or none (RFC 4291, section 2.2).
fn is_documentation(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => NETWORKS.iter().any(|network| address.octets().starts_with(network)),
        IpAddr::V6(address) => address.segments().starts_with(&NETWORK),
    }
}

fn is_example_host(host: &str) -> bool {
    let under = |domain: &str| {
        host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    let top = host.rsplit('.').next().unwrap_or(host);
    DOMAINS.iter().any(|domain| under(domain)) || (host.contains('.') && TOP_LEVEL.contains(&top))
}

/// Whether a telephone number is kept for fiction: 555-0100 to 555-0199 of any area of North America (the numbering plan's guidelines for
/// the central office code 555), and those that Ofcom keeps for drama in London, on mobiles and nowhere in particular.
fn is_fictitious(text: &str, written: &str) -> bool {
    let digits = written.strip_prefix('+').unwrap_or(written);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let british = digits.strip_prefix("440").or_else(|| digits.strip_prefix("44"));
    let british = british.or_else(|| digits.strip_prefix('0')).is_some_and(|number| {
        number.len() == 10 && ["2079460", "7700900", "1632960"].iter().any(|kept| number.starts_with(kept))
    });
    british || is_american_fiction(text, written)
}

/// Digits in one piece may be a number of another country (`98755 50123` is a mobile in India): only `+1` or the groups that North America
/// writes say that it is one of that plan, whose areas begin with no 0 or 1.
fn is_american_fiction(text: &str, written: &str) -> bool {
    let groups: Vec<usize> =
        text.split(|c: char| !c.is_numeric()).map(|group| group.chars().count()).filter(|n| *n > 0).collect();
    let number = match (written.strip_prefix("+1"), &*groups) {
        (Some(number), _) if number.len() == 10 => Some(number),
        (None, [3, 4] | [3, 3, 4]) => Some(written),
        (None, [1, 3, 3, 4]) => written.strip_prefix('1'),
        _ => None,
    };
    number
        .and_then(|number| number.split_at_checked(number.len().checked_sub(7)?))
        .is_some_and(|(area, local)| local.starts_with("55501") && !area.starts_with(['0', '1']))
}

#[cfg(test)]
mod tests {
    use super::super::{Allow, AllowList};
    use crate::Category;

    #[test]
    fn what_is_printed_for_all_is_on_the_list_and_its_neighbours_are_not() {
        let list = AllowList::new(&Allow { published: true, values: vec![] });
        let has = |category, text| list.contains(&Category::known(category), text);
        for (category, on, off) in [
            ("pii/card", "4111 1111 1111 1111", "4111 1111 1111 1129"),
            ("pii/ssn", "078-05-1120", "078-05-1121"),
            ("pii/iban", "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 01"),
            ("pii/email", "ana@mail.example.org", "ana@notexample.org"),
            ("pii/email", "ana@shop.test", "ana@shop.tests"),
            ("pii/email", "ana@EXAMPLE.com", "ana@example.com.evil.io"),
            ("pii/ip", "192.0.2.7", "192.0.20.7"),
            ("pii/ip", "2001:DB8::1", "2001:db80::1"),
            ("pii/ip", "2001:0db8::1", "2001:0db::1"),
            ("pii/ip", "2001:0DB8:0000:0000:0000:ff00:0042:8329", "2001:0:0db8::1"),
            ("pii/ip", "2001:db8::192.0.2.33", "2002:db8::192.0.2.33"),
            ("pii/ip", "203.0.113.255", "203.0.11.3"),
            ("pii/phone", "555-0100", "555-0200"),
            ("pii/phone", "+1 (212) 555-0147", "+1 (212) 556-0147"),
            ("pii/phone", "212.555.0199", "2125550199 0"),
            ("pii/phone", "+12125550199", "2125550199"),
            ("pii/phone", "1-212-555-0199", "1-112-555-0199"),
            ("pii/phone", "987 555 0123", "9875550123"),
            ("pii/phone", "(987) 555-0123", "98755 50123"),
            ("pii/phone", "555 0123", "5550123"),
            ("pii/phone", "+1 987 555 0123", "+91 987 555 0123"),
            ("pii/phone", "+44 20 7946 0958", "+44 20 7947 0958"),
            ("pii/phone", "07700 900123", "07700 901123"),
            (
                "secret/github",
                "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
                "ghp_16c7e42f292c6912e7710c838347ae178b4a",
            ),
        ] {
            assert!(has(category, on), "{category} {on}");
            assert!(!has(category, off), "{category} {off}");
        }
        assert!(!has("pii/national_id/de", "4111111111111111"), "of its own kind only");
    }
}
