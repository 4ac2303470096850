//! Numbers, dates and times in their forms.

use super::*;

fn only(text: &str) -> Quantity {
    let mut all = quantities(text);
    assert_eq!(all.len(), 1, "{text}: {all:?}");
    all.remove(0)
}

#[test]
fn the_same_is_the_same_however_it_is_written() {
    for (one, other) in [
        ("3 days", "three working days"),
        ("drei Werktage", "3 Tage"),
        ("90 minutes", "1.5 hours"),
        ("2 weeks", "14 days"),
        ("1 year", "12 months"),
        ("1,234 EUR", "€1234"),
        ("1.234 Euro", "1,234 euros"),
        ("12 500 kg", "12.5 tonnes"),
        ("2.5 million euros", "EUR 2,500,000"),
        ("3,5 %", "3.5 percent"),
        ("5 March 2024", "2024-03-05"),
        ("March 5, 2024", "05.03.2024"),
        ("5. März 2024", "3/5/2024"),
        ("March 2024", "on 5 March"),
        ("in 2024", "5 March 2024"),
        ("14:30", "2:30 pm"),
        ("9 Uhr", "9 am"),
        ("about 1,200 users", "1203 users"),
        ("1.2 million users", "1,203,441 users"),
        ("500 MB", "0.5 GB"),
        ("-5 °C", "−5 °C"),
        ("between -20 °C", "(-20 °C)"),
    ] {
        assert!(only(one).is_same(&only(other)), "{one} is {other}: {:?} {:?}", only(one), only(other));
    }
}

#[test]
fn what_differs_is_seen() {
    for (one, other) in [
        ("3 days", "5 days"),
        ("3 days", "3 hours"),
        ("10 EUR", "12 EUR"),
        ("10 percent", "12 %"),
        ("5 March 2024", "6 March 2024"),
        ("5 March 2024", "5 March 2023"),
        ("14:30", "15:30"),
        ("5 kg", "5 g"),
        ("1,250 users", "1203 users"),
        ("30 employees", "40 employees"),
        ("-5 °C", "5 °C"),
    ] {
        let (one, other) = (only(one), only(other));
        assert!(one.is_like(&other) && !one.is_same(&other), "{one:?} {other:?}");
    }
    assert!(only("5 kg").differs_in_unit(&only("5 g")) && only("5 EUR").differs_in_unit(&only("$5")));
    assert!(
        !only("5 kg").differs_in_unit(&only("5000 g")) && !only("5 things").differs_in_unit(&only("5 g"))
    );
    assert!(!only("30 employees").is_like(&only("40 offices")));
    assert!(only("three plans").is_slight() && only("3 plans").is_slight() && !only("30 plans").is_slight());
}

#[test]
fn labels_are_no_numbers() {
    for text in ["call 555-0199", "section 12/7", "order A17x", "v1x", "no digits"] {
        assert_eq!(quantities(text), [], "{text}");
    }
    assert!(quantities(&"1 2 3 4 5 6 7 8 9 ".repeat(99)).len() <= MOST);
    for hostile in [
        "9".repeat(2_000),
        "1.".repeat(500),
        "1 000".repeat(300),
        "0.0.0.0.0".to_owned(),
        "99999999999/1/1".to_owned(),
    ] {
        let all = quantities(&hostile);
        assert!(all.len() <= MOST && all.iter().all(|one| one.is_same(one)), "{all:?}");
    }
}
