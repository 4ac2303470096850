use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    hexadecimal.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn aes_256_gcm_agrees_with_the_published_vectors() {
    // "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega, appendix B, test cases 14 and 16.
    let key = cipher(&[0; KEY]).unwrap();
    let sealed = seal(&key, [0; NONCE], b"", &[0; 16]).unwrap();
    assert_eq!(sealed[NONCE..], bytes("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"));

    let key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let plain = bytes(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    );
    let context = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let nonce = bytes("cafebabefacedbaddecaf888").try_into().unwrap();
    let sealed = seal(&cipher(&key.try_into().unwrap()).unwrap(), nonce, &context, &plain).unwrap();
    assert_eq!(
        sealed[NONCE..],
        bytes(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
        )
    );
}

#[test]
fn the_derivation_agrees_with_rfc_5869() {
    // Appendix A.1, the first 32 of its 42 bytes.
    let key = bytes("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5").try_into().unwrap();
    let derived = derive(&key, &bytes("f0f1f2f3f4f5f6f7f8f9")).unwrap();
    assert_eq!(derived[..], bytes("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"));
}

#[test]
fn keys_do_not_show_themselves() {
    let secret = || Zeroizing::new([0xa7; KEY]);
    let shown = format!(
        "{:?} {:?} {:?}",
        MasterKey::new(secret()),
        TeamKey::new(secret()).unwrap(),
        DataKey::new(secret())
    );
    assert_eq!(shown, "MasterKey(…) TeamKey(…) DataKey(…)");
}

#[test]
fn the_check_value_tells_masters_and_stores_apart() {
    let (one, two) = (MasterKey::new(Zeroizing::new([1; KEY])), MasterKey::new(Zeroizing::new([2; KEY])));
    let (here, there) = (StoreId([1; 16]), StoreId([2; 16]));
    let value = one.check_value(&here).unwrap();
    assert!(one.fits(&here, value.as_bytes()).unwrap());
    assert!(!two.fits(&here, value.as_bytes()).unwrap());
    assert!(!one.fits(&there, value.as_bytes()).unwrap());
    assert!(!one.fits(&here, &value.as_bytes()[..31]).unwrap());
}

fn names() -> impl Strategy<Value = Name> {
    "[a-z][a-z0-9._-]{0,20}[a-z0-9]".prop_map(|text| name(&text))
}

#[derive(Clone, Debug)]
struct Place {
    store: StoreId,
    call: CallId,
    team: Name,
    generation: u64,
    subject: Option<Digest>,
    route: Option<Name>,
    object: Name,
    created: Timestamp,
    expires: Timestamp,
    reserved: u64,
}

impl Place {
    fn team(&self) -> TeamContext<'_> {
        let Self { store, team, generation, created, reserved, .. } = self;
        TeamContext { store, team, generation: *generation, created: *created, reserved: *reserved }
    }

    fn call(&self) -> CallContext<'_> {
        CallContext {
            store: &self.store,
            call: self.call,
            team: &self.team,
            generation: self.generation,
            subject: self.subject.as_ref(),
            route: self.route.as_ref(),
            created: self.created,
            expires: self.expires,
        }
    }

    fn object(&self) -> ObjectContext<'_> {
        let Self { store, call, team, generation, object, created, .. } = self;
        ObjectContext { store, call: *call, team, generation: *generation, object, stored: *created }
    }
}

fn places() -> impl Strategy<Value = Place> {
    (
        (any::<[u8; 16]>(), any::<[u8; 16]>(), names(), any::<u64>()),
        (any::<Option<[u8; 32]>>(), proptest::option::of(names()), names()),
        (any::<i64>(), any::<i64>(), any::<u64>()),
    )
        .prop_map(
            |((store, call, team, generation), (subject, route, object), (created, expires, reserved))| {
                Place {
                    store: StoreId(store),
                    call: CallId::from_bytes(call),
                    team,
                    generation,
                    subject: subject.map(Digest::from_bytes),
                    route,
                    object,
                    created: Timestamp::from_millis(created),
                    expires: Timestamp::from_millis(expires),
                    reserved,
                }
            },
        )
}

/// The same place with one thing changed.
fn elsewhere(place: &Place, which: usize) -> Place {
    let mut other = place.clone();
    let later = |time: Timestamp| Timestamp::from_millis(time.as_millis() ^ 1);
    let longer = |name: &Name| Name::parse(&format!("{}x", name.as_str())).unwrap();
    match which {
        0 => other.store.0[3] ^= 1,
        1 => other.call = CallId::from_bytes(other.call.as_bytes().map(|byte| byte ^ 1)),
        2 => other.team = longer(&place.team),
        3 => other.generation ^= 1,
        4 => {
            other.subject = if place.subject.is_some() { None } else { Some(Digest::from_bytes([0; 32])) };
        }
        5 => other.route = Some(place.route.as_ref().map_or_else(|| name("r"), longer)),
        6 => other.object = longer(&place.object),
        7 => other.created = later(place.created),
        8 => other.expires = later(place.expires),
        _ => other.reserved ^= 1,
    }
    other
}

proptest! {
    #[test]
    fn what_is_sealed_opens_in_its_place_alone(
        place in places(),
        keys in any::<[[u8; KEY]; 3]>(),
        nonce in any::<[u8; NONCE]>(),
        content in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let [master, team, data] = keys.map(Zeroizing::new);
        let master = MasterKey::new(master);
        let team = TeamKey::new(team).unwrap();
        let data = DataKey::new(data);
        let wrapped_team = master.wrap(&team, &place.team(), nonce).unwrap();
        let wrapped_data = team.wrap(&data, &place.call(), nonce).unwrap();
        let sealed = data.seal(&content, &place.object(), nonce).unwrap();

        let team = master.unwrap(&wrapped_team, &place.team()).unwrap();
        let data = team.unwrap(&wrapped_data, &place.call()).unwrap();
        prop_assert_eq!(&*data.open(&sealed, &place.object()).unwrap(), &content);

        for which in 0..10 {
            let other = elsewhere(&place, which);
            let opens = [
                master.unwrap(&wrapped_team, &other.team()).is_ok(),
                team.unwrap(&wrapped_data, &other.call()).is_ok(),
                data.open(&sealed, &other.object()).is_ok(),
            ];
            // Which of the three seals are bound to what was changed.
            let expected = match which {
                0 | 2 | 3 | 7 => [false, false, false],
                1 => [true, false, false],
                4 | 5 | 8 => [true, false, true],
                6 => [true, true, false],
                _ => [false, true, true],
            };
            prop_assert_eq!(opens, expected, "{}", which);
        }
    }

    #[test]
    fn a_changed_bit_or_length_is_found(
        content in proptest::collection::vec(any::<u8>(), 0..100),
        flip in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        place in places(),
    ) {
        let data = DataKey::new(Zeroizing::new([7; KEY]));
        let sealed = data.seal(&content, &place.object(), [9; NONCE]).unwrap();
        let mut changed = sealed.clone();
        let at = flip.index(sealed.len() * 8);
        changed[at / 8] ^= 1 << (at % 8);
        prop_assert_eq!(data.open(&changed, &place.object()).unwrap_err(), EnvelopeError::Forged);
        let cut = &sealed[..cut.index(sealed.len())];
        prop_assert_eq!(data.open(cut, &place.object()).unwrap_err(), EnvelopeError::Forged);
    }
}
