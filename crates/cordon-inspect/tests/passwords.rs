//! Passwords and keys as people write them to each other, and what only talks about them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "test code"
)]

use cordon_core::{Channel, Score};
use cordon_inspect::Engine;

/// Texts with the secret in them.
const TOLD: &[(&str, &str)] = &[
    // A shared access signature, where URLs have it.
    (
        "https://a.blob.core.windows.net/c?sv=2022-11-02&spr=https&sig=k4Lz8Qm2Vt7Rw9Xp3Ns5Bd1Fg6Hj0KcYuTeAoZiPqMw%3D",
        "k4Lz8Qm2Vt7Rw9Xp3Ns5Bd1Fg6Hj0KcYuTeAoZiPqMw",
    ),
    (
        "see https://a.blob.core.windows.net/c?sig=k4Lz8Qm2Vt7Rw9Xp3Ns5Bd1Fg6Hj0KcYuTeAoZiPqMw%3D&se=2031",
        "k4Lz8Qm2Vt7Rw9Xp3Ns5Bd1Fg6Hj0KcYuTeAoZiPqMw",
    ),
    (
        "\"url\":\"https://a.file.core.windows.net/s/x.csv?se=2031&sig=k4Lz8Qm2Vt7Rw%2B9Xp3Ns5Bd1Fg6Hj0KcYuTeAoZiPqM%3D\"",
        "k4Lz8Qm2Vt7Rw%2B9Xp3Ns5Bd1Fg6Hj0KcYuTeAoZiPqM",
    ),
    (
        "SharedAccessSignature=sv=2022-11-02&sig=k4Lz8Qm2Vt7Rw9Xp3Ns5Bd1Fg6Hj0KcYuTeAoZiPqMw=",
        "k4Lz8Qm2Vt7Rw9Xp3Ns5Bd1Fg6Hj0KcYuTeAoZiPqMw=",
    ),
    // Twitter's bearer tokens hold zeros in base64, and their signs escaped.
    (
        "Authorization: Bearer AAAAAAAAAAAAAAAAAAAAAKq4wQEAAAAAb9Lx%2BTmV3rZsYd7JcWn0HfGuPo8%3DkE2vRt6yQbXa1MzNi5DpLw4SjUc9FhGo7TeKmBnVxZrAqPyWlI",
        "AAAAAAAAAAAAAAAAAAAAAKq4wQEAAAAAb9Lx%2BTmV3rZsYd7JcWn0HfGuPo8%3DkE2vRt6yQbXa1MzNi5DpLw4SjUc9FhGo7TeKmBnVxZrAqPyWlI",
    ),
    (
        "bearer_token = \"AAAAAAAAAAAAAAAAAAAAAKq4wQEAAAAAb9LxTmV3rZsYd7JcWn0HfGuPo8kE2vRt6yQbXa1MzNi5DpLw4SjUc9FhGo7TeKmBnVxZrAqPyWlI\"",
        "AAAAAAAAAAAAAAAAAAAAAKq4wQEAAAAAb9LxTmV3rZsYd7JcWn0HfGuPo8kE2vRt6yQbXa1MzNi5DpLw4SjUc9FhGo7TeKmBnVxZrAqPyWlI",
    ),
    (
        "Authorization: SSWS 00aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW2xY4zA6c",
        "00aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW2xY4zA6c",
    ),
    // Other languages' words.
    ("mot de passe : Tulipe42!", "Tulipe42!"),
    ("Le mot de passe est Tulipe42!", "Tulipe42!"),
    ("Passwort: Blume77xy", "Blume77xy"),
    ("Das Passwort für das WLAN ist Blume77xy.", "Blume77xy"),
    ("Kennwort: Blume77xy", "Blume77xy"),
    ("contraseña: Girasol9x", "Girasol9x"),
    ("clave de acceso: Girasol9x", "Girasol9x"),
    ("senha: Girassol9x", "Girassol9x"),
    ("A senha é Girassol9x", "Girassol9x"),
    ("palavra-passe: Girassol9x", "Girassol9x"),
    ("пароль: Romashka7!", "Romashka7!"),
    ("Пароль — не этот. ПАРОЛЬ: Romashka7!", "Romashka7!"),
    ("密码：Lotus8x9y", "Lotus8x9y"),
    ("密码是Lotus8x9y", "Lotus8x9y"),
    ("密碼: Lotus8x9y", "Lotus8x9y"),
    ("パスワード：Sakura88x", "Sakura88x"),
    ("パスワードはSakura88xです", "Sakura88x"),
    ("비밀번호: Mugung77x", "Mugung77x"),
    ("비밀번호는 Mugung77x 입니다", "Mugung77x"),
    ("رمز عبور: Laleh88x", "Laleh88x"),
    ("گذرواژه: Laleh88x", "Laleh88x"),
    ("كلمة المرور: Zahra77x", "Zahra77x"),
    ("סיסמה: Nurit55x", "Nurit55x"),
    ("hasło: Stokrotka7", "Stokrotka7"),
    ("wachtwoord: Tulp42!x", "Tulp42!x"),
    ("parola: Girasole9", "Girasole9"),
    ("lösenord: Blomma77x", "Blomma77x"),
    ("adgangskode: Blomst77x", "Blomst77x"),
    ("şifre: Papatya77", "Papatya77"),
    ("heslo: Kvetina77", "Kvetina77"),
    ("jelszó: Virag77x", "Virag77x"),
    ("salasana: Kukka77x", "Kukka77x"),
    ("mật khẩu: Hoasen77x", "Hoasen77x"),
    ("kata sandi: Melati77x", "Melati77x"),
    ("รหัสผ่าน: Dokmai77x", "Dokmai77x"),
    ("पासवर्ड: Kamal77x", "Kamal77x"),
    ("{\"mot de passe\": \"Tulipe42!\"}", "Tulipe42!"),
    // Told in a sentence, in a pair, in a QR code.
    ("The wifi password for the office is Harbour2024!", "Harbour2024!"),
    ("passcode to the server room is Harbour2024!", "Harbour2024!"),
    ("Login: bob / Harbour2024!", "Harbour2024!"),
    ("The credentials are bob@example.org / hunter42x", "hunter42x"),
    ("log in as bob / hunter42x", "hunter42x"),
    ("WIFI:T:WPA;S:Office;P:harbour house 9;H:false;;", "harbour house 9"),
    ("WIFI:S:Office;T:WPA;P:correcthorse;;", "correcthorse"),
    ("WIFI:P:correcthorse;T:WPA;S:Office;;", "correcthorse"),
    ("Das WLAN-Passwort im Keller ist jetzt Heron#4471, liegt auch am Empfang.", "Heron#4471"),
    ("le mot de passe du compte commun c'est Heron-Velo93 (avec H majuscule)", "Heron-Velo93"),
    ("la contraseña de la oficina cambió: Garza#Lenta27 y avisa", "Garza#Lenta27"),
    ("la nueva contraseña del router es ahora Garza#Lenta27", "Garza#Lenta27"),
    ("пароль от сервера Tsaplya_8Lun , логин root", "Tsaplya_8Lun"),
    ("пароль от сервера теперь: Tsaplya_8Lun", "Tsaplya_8Lun"),
    ("modem şifresi Balıkçıl+Deniz86 oldu", "Balıkçıl+Deniz86"),
    ("a senha do servidor é GarcaVerde_58 com maiúscula", "GarcaVerde_58"),
    ("数据库admin密码改成了 baiLu$2931wu ，请保存", "baiLu$2931wu"),
    ("密码现在是 baiLu$2931wu", "baiLu$2931wu"),
    ("hasło do serwera: Czapla?Kot614", "Czapla?Kot614"),
    ("het wachtwoord van de router is nu Reiger!58x", "Reiger!58x"),
    ("la password del wifi è Airone!58x", "Airone!58x"),
    ("I changed the wifi password to Heron#4471 this morning", "Heron#4471"),
    ("The password of the staging box was reset to Heron#4471.", "Heron#4471"),
    ("Password for the router: Heron#4471", "Heron#4471"),
    ("sqlplus -S billing/Heron58x@//db.example.org:1521/BILL @close.sql", "Heron58x"),
    ("sqlplus billing/Heron58x@orcl", "Heron58x"),
    // In a line of its own.
    (
        "An admin user has been created. Please use the following password to proceed to installation:\n\n7c1f9ab3e05d4482b6a1f0c93e77d210\n\nIt is also found in a file.",
        "7c1f9ab3e05d4482b6a1f0c93e77d210",
    ),
    ("Your temporary password is:\nBlume77xy\nChange it soon.", "Blume77xy"),
    // As settings, environments and commands have them.
    ("  mapsApiKey:            \"7c1f9ab3e05d4482b6a1f0c93e77d210\",", "7c1f9ab3e05d4482b6a1f0c93e77d210"),
    ("password    =              Harbour2024!", "Harbour2024!"),
    ("MAILER_PASS=harbourhouse", "harbourhouse"),
    ("sshpass -p harbourhouse ssh root@example.org", "harbourhouse"),
    ("psexec \\\\10.0.0.7 -u Administrator -p harbourhouse cmd", "harbourhouse"),
    ("sonar.login=7c1f9ab3e05d4482b6a1f0c93e77d2106b54e8aa", "7c1f9ab3e05d4482b6a1f0c93e77d2106b54e8aa"),
    (
        "$sonarLogin = \"7c1f9ab3e05d4482b6a1f0c93e77d2106b54e8aa\"",
        "7c1f9ab3e05d4482b6a1f0c93e77d2106b54e8aa",
    ),
    ("HEROKU_KEY: 7c1f9ab3-e05d-4482-b6a1-f0c93e77d210", "7c1f9ab3-e05d-4482-b6a1-f0c93e77d210"),
    ("amqp://rabbit:rabbit@queue.tulip.io:5672", "amqp://rabbit:rabbit@queue.tulip.io:5672"),
    ("postgres://postgres:postgres@10.0.0.7:5432/db", "postgres://postgres:postgres@10.0.0.7:5432/db"),
    (
        "postgres://billing:Harbour2024!@db.example.org:5432/main",
        "postgres://billing:Harbour2024!@db.example.org:5432/main",
    ),
    // What only happens to hold a word for nothing.
    ("password: \"q7Null2xx!\"", "q7Null2xx!"),
    ("password: \"Noneedle77!\"", "Noneedle77!"),
];

/// Talk about passwords, and what looks like one of the above.
const TALK: &[&str] = &[
    "The password policy for the office is 12 characters or more.",
    "The password for the archive is required.",
    "The password for the tool is SHA-256 hashed.",
    "Le mot de passe est obligatoire. Mot de passe : voir plus haut",
    "Passwort: siehe unten. Das Passwort ist abgelaufen.",
    "contraseña: obligatoria",
    "пароль: обязательное поле",
    "密码：必填",
    "パスワードは必須です",
    "비밀번호는 8자 이상입니다",
    "رمز عبور: الزامی",
    "la parola: amicizia; parola: 2024-10-12",
    "{\"parola\": \"amicizia\", \"haslo\": \"wolnosc\", \"heslo\": \"svoboda\"}",
    "hasło: encyklopedia",
    "input / output, bob / alice, 24/7, and / or, login / logout",
    "Login: SAML / OAuth2",
    "login page: home / contact",
    "user: read / write",
    "T:WPA;S:Office;P:harbourhouse;;",
    "WIFI:T:nopass;S:Guest;;",
    "https://example.net/?design=1&sig=none",
    "https://example.net/c?sig=shortvalue",
    "password: null, password: None, token = undefined, secret: hidden, insert_password_here",
    "SSWS is the scheme of the header",
    "The key for the map is A4-B7 to C9.",
    "2026-11-22 user: alice | Windows10 | Chrome120",
    "account: 4711 | Invoice-2024",
    "The password for the vault is AWS-managed.",
    "The password for the portal is E-mailed",
    "Das Passwort für das Portal ist SSO-only",
    "Reset password for user: Bob_Smith42",
    "The password for your account was changed on: 12-Nov-2026",
    "I changed the password policy to NIST-800-63B",
    "Das Passwort für das Portal ist jetzt SSO-only",
    "I set the password field to Type3-hidden and the password length to 12-16chars",
    "The password of the router is now required.",
    "modem şifresi WPA2-PSK ile korunur",
    "пароль от почты должен быть Сложным123",
    "a senha do portal é obrigatória",
    "Ticket INC-20391: password reset for Room-B12",
    "she changed her seat to Row-B12, the password stays",
    "sqlplus / as sysdba and sqlplus scott/tiger@orcl are examples; see docs/install@v2",
    "Use the following password rules:\nmin8chars",
    "Reset your password with these steps:\nstep1-open the page",
    "Enter your password if:\n2fa-is-off",
    "mysql -u root -p harbour",
    "Run it with -p harbourhouse",
    "FIRST_PASS=1",
    "https://api.heroku.com/apps/7c1f9ab3-e05d-4482-b6a1-f0c93e77d210/builds",
    "mongodb://username:password@localhost:27017/database",
    "postgres://postgres:postgres@localhost:5432/db",
    "mongodb://mongodb:mongodb@localhost:27017/database",
    "sonarqube-reporter-1.2.4.tgz#7c1f9ab3e05d4482b6a1f0c93e77d2106b54e8aa",
    "mysql://admin:REPLACE_WITH_PASSWORD@localhost:3306/db",
];

#[test]
fn what_is_told_is_found() {
    let engine = Engine::builtin();
    let missed: Vec<String> = TOLD
        .iter()
        .filter(|(text, secret)| {
            let start = text.find(secret).unwrap();
            !engine.inspect(Channel::User, text).iter().any(|f| {
                f.category.as_str().starts_with("secret/")
                    && f.score >= Score::percent(50)
                    && f.span.start <= start
                    && f.span.end >= start + secret.len()
            })
        })
        .map(|(text, _)| format!("{text}: {:?}", shown(&engine, text)))
        .collect();
    assert!(missed.is_empty(), "{} are missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn talk_about_them_raises_nothing() {
    let engine = Engine::builtin();
    let raised: Vec<String> = TALK
        .iter()
        .map(|text| (text, shown(&engine, text)))
        .filter(|(_, found)| !found.is_empty())
        .map(|(text, found)| format!("{text}: {found:?}"))
        .collect();
    assert!(raised.is_empty(), "{} raise something:\n{}", raised.len(), raised.join("\n"));
}

fn shown(engine: &Engine, text: &str) -> Vec<String> {
    engine
        .inspect(Channel::User, text)
        .iter()
        .filter(|f| f.score >= Score::percent(50))
        .map(|f| format!("{} {} `{}`", f.category, f.score, &text[f.span.range()]))
        .collect()
}

/// Exactly what is a secret: a sign in a password leaves no half of it, and what stands behind it is no part of it.
#[test]
fn passwords_with_signs_in_them_are_taken_whole() {
    let engine = Engine::builtin();
    for (text, secret) in [
        ("password: kT9xw2&pQz8mLk", "kT9xw2&pQz8mLk"),
        ("password: kT9&x2wQ", "kT9&x2wQ"),
        ("DB_PASSWORD=kT9xw2&pQz8mLk", "kT9xw2&pQz8mLk"),
        ("password: kT9xw2;pQz8mLk", "kT9xw2;pQz8mLk"),
        ("password: kT9xw2,pQz8mLk, and then", "kT9xw2,pQz8mLk"),
        ("password: kT9xw2<pQz8mLk.", "kT9xw2<pQz8mLk"),
        ("DB_PASSWORD=kT9,xw2;pQz<8mLk\nDB_HOST=db", "kT9,xw2;pQz<8mLk"),
        ("https://example.net/?password=kT9xw2pQ&mode=1", "kT9xw2pQ"),
        ("https://example.net/?password=kT9xw2pQ&amp;mode=1", "kT9xw2pQ"),
        ("PASSWORD=kT9xw2pQ&&run", "kT9xw2pQ"),
        ("Server=db;Password=kT9xw2pQ;Database=main", "kT9xw2pQ"),
        ("Server=db;Password=kT9xw2;8pQ;Database=main;User=sa", "kT9xw2;8pQ"),
        ("login(password=kT9xw2pQ,timeout=3)", "kT9xw2pQ"),
        ("password: kT9xw2pQ, please", "kT9xw2pQ"),
        ("password: kT9xw2pQ,please", "kT9xw2pQ"),
        ("<password>kT9xw2pQ</password>", "kT9xw2pQ"),
        ("password: kT9xw2pQ<br>", "kT9xw2pQ"),
        ("{password: kT9xw2pQ,user: bob}", "kT9xw2pQ"),
        ("PASSWORD=kT9xw2pQ;export PASSWORD", "kT9xw2pQ"),
    ] {
        let found = engine.inspect(Channel::User, text);
        let secrets: Vec<&str> = found
            .iter()
            .filter(|f| f.category.as_str() == "secret/generic" && f.score >= Score::percent(50))
            .map(|f| &text[f.span.range()])
            .collect();
        assert_eq!(secrets, [secret], "{text}");
    }
    // What stands behind one is read like any other text.
    let text = "Password=kT9xw2pQ;mail=ana@example.org;Password=zR4vw8nB;card=4111111111111111";
    let found: Vec<&str> =
        engine.inspect(Channel::User, text).iter().map(|f| &text[f.span.range()]).collect();
    assert_eq!(found, ["kT9xw2pQ", "ana@example.org", "zR4vw8nB", "4111111111111111"]);
}

/// Sessions in the headers and commands that carry them, whatever they are called.
#[test]
fn cookies_are_sessions_where_they_are_random() {
    let engine = Engine::builtin();
    const VALUE: &str = "k4Lz8Qm2Vt7Rw9Xp3Ns5Bd1Fg6Hj0KcYuTeAoZiP";
    let secret = |text: &str| {
        let found = engine.inspect(Channel::User, text);
        found.iter().any(|f| {
            f.category.as_str().starts_with("secret/")
                && f.score >= Score::percent(50)
                && text[f.span.range()] == *VALUE
        })
    };
    for name in [
        "session",
        "sid",
        "SID",
        "__Host-session",
        "user_session",
        ".AspNetCore.Cookies",
        "rack.session",
        "ci_session",
        "SSESS0a1b2c",
        "wordpress_logged_in_9f",
        "__Secure-1PSID",
        "li_at",
        "cf_clearance",
        "remember_me",
        "PHPSESSID",
    ] {
        for text in [
            format!("GET / HTTP/1.1\nHost: example.org\nCookie: theme=dark; {name}={VALUE}\nAccept: */*"),
            format!("Set-Cookie: {name}={VALUE}; Path=/; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
            format!("curl -H 'Cookie: {name}={VALUE}' https://example.org"),
            format!("curl --cookie '{name}={VALUE}' https://example.org"),
            format!("{{\"set-cookie\": \"{name}={VALUE}; Secure\"}}"),
            format!("document.cookie = \"{name}={VALUE}\""),
        ] {
            assert!(secret(&text), "{text}");
        }
    }
    for text in [
        format!("Cookie: csrftoken={VALUE}"),
        format!("Cookie: XSRF-TOKEN={VALUE}; _ga=GA1.2.1234567890.1234567890; _gid={VALUE}"),
        "Cookie: theme=dark-mode-2024; lang=en-GB; visited=2026-11-23T10:00:00Z".to_owned(),
        format!("The cookie recipe has the number build={VALUE}"),
        format!("checksum={VALUE}"),
    ] {
        assert!(!secret(&text), "{text}");
    }
}

/// Keys of members of JSON Web Keys, of wallets, and in PuTTY's files of the shortest kind.
#[test]
fn private_keys_outside_of_blocks_are_found() {
    let engine = Engine::builtin();
    let keys = |text: &str| -> Vec<String> {
        let found = engine.inspect(Channel::Document, text);
        let keys = found
            .iter()
            .filter(|f| f.category.as_str() == "secret/private_key" && f.score >= Score::percent(50));
        keys.map(|f| text[f.span.range()].to_owned()).collect()
    };
    // RFC 7517, appendix A.2: the elliptic curve key; and A.3: a symmetric one.
    let d = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE";
    let curve = format!(
        "{{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"d\":\"{d}\"}}"
    );
    assert_eq!(keys(&curve), [d]);
    assert_eq!(
        keys("{\"kty\":\"oct\",\"alg\":\"A128KW\",\"k\":\"GawgguFyGrWKav7AX4VKUg\"}"),
        ["GawgguFyGrWKav7AX4VKUg"]
    );
    let long = |seed: usize, length: usize| -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length).map(|at| char::from(LETTERS[(at * at * 7 + at * 13 + seed * 31) % 64])).collect()
    };
    let (n, d, p) = (long(1, 342), long(2, 342), long(3, 171));
    let rsa =
        format!("{{\"kty\": \"RSA\", \"n\": \"{n}\", \"e\": \"AQAB\", \"d\": \"{d}\", \"p\": \"{p}\"}}");
    assert_eq!(keys(&rsa), [d, p.clone()]);
    // A public key has none of them.
    assert!(keys(&format!("{{\"kty\":\"RSA\",\"n\":\"{n}\",\"e\":\"AQAB\"}}")).is_empty());
    assert!(keys(&format!("{{\"id\":\"x\",\"d\":\"{p}\"}}")).is_empty());
    // BIP-32, test vector 1; the wallet import format as Bitcoin's wiki shows it.
    let extended = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi";
    assert_eq!(keys(&format!("Here it is: {extended}.")), [extended]);
    for wallet in [
        "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
        "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617",
    ] {
        assert_eq!(keys(&format!("send it with {wallet}, quickly")), [wallet]);
        assert!(keys(&wallet.replace('7', "8").replace("TJ", "TK")).is_empty());
    }
    let lines = "AAAAIKq4wQ3vT8xZ1nB6mL5pR2sD7fG9hJ0kY4cV8bN3";
    let putty = format!(
        "Public-Lines: 2\nAAAAC3NzaC1lZDI1NTE5\nPrivate-Lines: 1\n{lines}\nPrivate-MAC: 7c1f9ab3e05d4482b6a1f0c93e77d2106b54e8aa"
    );
    assert!(keys(&putty).iter().any(|key| key == lines), "{:?}", keys(&putty));
}
