//! Letters that look like ASCII ones. Generated: `CORDON_GOLDEN=write cargo test -p cordon-inspect confusable` writes this
//! table anew from the confusables of UTS #39 and the list below.

/// Letters of other scripts, and the ASCII letter that each looks like; sorted.
#[rustfmt::skip]
pub(super) const LOOK_ALIKES: &[(char, u8)] = &[
    ('\u{184}', b'b'), ('\u{185}', b'b'), ('\u{188}', b'c'), ('\u{18d}', b'g'), ('\u{192}', b'f'), ('\u{196}', b'I'),
    ('\u{199}', b'k'), ('\u{1a5}', b'p'), ('\u{1a6}', b'R'), ('\u{1b6}', b'z'), ('\u{1bd}', b's'), ('\u{1bf}', b'p'),
    ('\u{1c0}', b'l'), ('\u{237}', b'j'), ('\u{249}', b'j'), ('\u{24c}', b'R'), ('\u{24d}', b'r'), ('\u{251}', b'a'),
    ('\u{257}', b'd'), ('\u{25b}', b'e'), ('\u{261}', b'g'), ('\u{262}', b'g'), ('\u{263}', b'y'), ('\u{269}', b'i'),
    ('\u{26a}', b'i'), ('\u{26b}', b'l'), ('\u{26f}', b'w'), ('\u{271}', b'm'), ('\u{272}', b'n'), ('\u{274}', b'n'),
    ('\u{27e}', b'r'), ('\u{280}', b'r'), ('\u{282}', b's'), ('\u{284}', b'f'), ('\u{28b}', b'u'), ('\u{28f}', b'y'),
    ('\u{290}', b'z'), ('\u{299}', b'b'), ('\u{29c}', b'h'), ('\u{29f}', b'l'), ('\u{2a0}', b'q'), ('\u{37f}', b'J'),
    ('\u{391}', b'A'), ('\u{392}', b'B'), ('\u{395}', b'E'), ('\u{396}', b'Z'), ('\u{397}', b'H'), ('\u{399}', b'I'),
    ('\u{39a}', b'K'), ('\u{39c}', b'M'), ('\u{39d}', b'N'), ('\u{39f}', b'O'), ('\u{3a1}', b'P'), ('\u{3a4}', b'T'),
    ('\u{3a5}', b'Y'), ('\u{3a7}', b'X'), ('\u{3b1}', b'a'), ('\u{3b2}', b'b'), ('\u{3b3}', b'y'), ('\u{3b5}', b'e'),
    ('\u{3b7}', b'n'), ('\u{3b9}', b'i'), ('\u{3ba}', b'k'), ('\u{3bc}', b'u'), ('\u{3bd}', b'v'), ('\u{3bf}', b'o'),
    ('\u{3c1}', b'p'), ('\u{3c3}', b'o'), ('\u{3c4}', b't'), ('\u{3c5}', b'u'), ('\u{3c7}', b'x'), ('\u{3c9}', b'w'),
    ('\u{3dc}', b'F'), ('\u{3ed}', b'o'), ('\u{3f3}', b'j'), ('\u{3f8}', b'p'), ('\u{3fa}', b'M'), ('\u{405}', b'S'),
    ('\u{406}', b'I'), ('\u{408}', b'J'), ('\u{410}', b'A'), ('\u{412}', b'B'), ('\u{415}', b'E'), ('\u{41a}', b'K'),
    ('\u{41c}', b'M'), ('\u{41d}', b'H'), ('\u{41e}', b'O'), ('\u{420}', b'P'), ('\u{421}', b'C'), ('\u{422}', b'T'),
    ('\u{423}', b'Y'), ('\u{425}', b'X'), ('\u{42c}', b'B'), ('\u{430}', b'a'), ('\u{432}', b'b'), ('\u{433}', b'r'),
    ('\u{435}', b'e'), ('\u{438}', b'n'), ('\u{43a}', b'k'), ('\u{43c}', b'm'), ('\u{43d}', b'h'), ('\u{43e}', b'o'),
    ('\u{43f}', b'n'), ('\u{440}', b'p'), ('\u{441}', b'c'), ('\u{442}', b't'), ('\u{443}', b'y'), ('\u{445}', b'x'),
    ('\u{446}', b'u'), ('\u{448}', b'w'), ('\u{449}', b'w'), ('\u{44c}', b'b'), ('\u{44d}', b'e'), ('\u{44f}', b'r'),
    ('\u{454}', b'e'), ('\u{455}', b's'), ('\u{456}', b'i'), ('\u{458}', b'j'), ('\u{45b}', b'h'), ('\u{461}', b'w'),
    ('\u{474}', b'V'), ('\u{475}', b'v'), ('\u{493}', b'f'), ('\u{4ae}', b'Y'), ('\u{4af}', b'y'), ('\u{4b3}', b'x'),
    ('\u{4ba}', b'h'), ('\u{4bb}', b'h'), ('\u{4bd}', b'e'), ('\u{4c0}', b'I'), ('\u{4cf}', b'l'), ('\u{4e9}', b'o'),
    ('\u{501}', b'd'), ('\u{50c}', b'G'), ('\u{50d}', b'g'), ('\u{51a}', b'Q'), ('\u{51b}', b'q'), ('\u{51c}', b'W'),
    ('\u{51d}', b'w'), ('\u{54d}', b'U'), ('\u{54f}', b'S'), ('\u{555}', b'O'), ('\u{561}', b'w'), ('\u{563}', b'q'),
    ('\u{566}', b'q'), ('\u{56a}', b'd'), ('\u{570}', b'h'), ('\u{575}', b'j'), ('\u{578}', b'n'), ('\u{57c}', b'n'),
    ('\u{57d}', b'u'), ('\u{57f}', b's'), ('\u{581}', b'g'), ('\u{582}', b'i'), ('\u{584}', b'f'), ('\u{585}', b'o'),
    ('\u{10b9}', b'h'), ('\u{10bd}', b'S'), ('\u{10cd}', b'Z'), ('\u{10e7}', b'y'), ('\u{10fd}', b'S'), ('\u{10ff}', b'o'),
    ('\u{110b}', b'o'), ('\u{11bc}', b'o'), ('\u{1200}', b'U'), ('\u{12d0}', b'O'), ('\u{13a0}', b'D'), ('\u{13a1}', b'R'),
    ('\u{13a2}', b'T'), ('\u{13a5}', b'I'), ('\u{13a9}', b'Y'), ('\u{13aa}', b'A'), ('\u{13ab}', b'J'), ('\u{13ac}', b'E'),
    ('\u{13b3}', b'W'), ('\u{13b7}', b'M'), ('\u{13bb}', b'H'), ('\u{13bd}', b'Y'), ('\u{13c0}', b'G'), ('\u{13c2}', b'h'),
    ('\u{13c3}', b'Z'), ('\u{13cf}', b'b'), ('\u{13d2}', b'R'), ('\u{13d4}', b'W'), ('\u{13d5}', b'S'), ('\u{13d9}', b'V'),
    ('\u{13da}', b'S'), ('\u{13de}', b'L'), ('\u{13df}', b'C'), ('\u{13e2}', b'P'), ('\u{13e6}', b'K'), ('\u{13e7}', b'd'),
    ('\u{13f3}', b'G'), ('\u{13f4}', b'B'), ('\u{142f}', b'V'), ('\u{144c}', b'U'), ('\u{146d}', b'P'), ('\u{146f}', b'd'),
    ('\u{1472}', b'b'), ('\u{148d}', b'J'), ('\u{14aa}', b'L'), ('\u{1541}', b'x'), ('\u{157c}', b'H'), ('\u{157d}', b'x'),
    ('\u{1587}', b'R'), ('\u{15af}', b'b'), ('\u{15b4}', b'F'), ('\u{15c5}', b'A'), ('\u{15de}', b'D'), ('\u{15ea}', b'D'),
    ('\u{15f0}', b'M'), ('\u{15f7}', b'B'), ('\u{16b7}', b'X'), ('\u{16c1}', b'l'), ('\u{16d0}', b'l'), ('\u{16d5}', b'K'),
    ('\u{16d6}', b'M'), ('\u{1763}', b'x'), ('\u{1a45}', b'o'), ('\u{1c82}', b'o'), ('\u{1c83}', b'c'), ('\u{1cbd}', b'S'),
    ('\u{1cbf}', b'O'), ('\u{1cf5}', b'X'), ('\u{1d00}', b'a'), ('\u{1d04}', b'c'), ('\u{1d05}', b'd'), ('\u{1d07}', b'e'),
    ('\u{1d0a}', b'j'), ('\u{1d0b}', b'k'), ('\u{1d0d}', b'm'), ('\u{1d0f}', b'o'), ('\u{1d11}', b'o'), ('\u{1d18}', b'p'),
    ('\u{1d1b}', b't'), ('\u{1d1c}', b'u'), ('\u{1d20}', b'v'), ('\u{1d21}', b'w'), ('\u{1d22}', b'z'), ('\u{1d26}', b'r'),
    ('\u{1d83}', b'g'), ('\u{1d8c}', b'y'), ('\u{1e9d}', b'f'), ('\u{1eff}', b'y'), ('\u{2c6b}', b'Z'), ('\u{2c6c}', b'z'),
    ('\u{2c82}', b'B'), ('\u{2c85}', b'r'), ('\u{2c8c}', b'Z'), ('\u{2c8d}', b'z'), ('\u{2c8e}', b'H'), ('\u{2c92}', b'I'),
    ('\u{2c93}', b'i'), ('\u{2c94}', b'K'), ('\u{2c98}', b'M'), ('\u{2c9a}', b'N'), ('\u{2c9e}', b'O'), ('\u{2c9f}', b'o'),
    ('\u{2ca2}', b'P'), ('\u{2ca3}', b'p'), ('\u{2ca4}', b'C'), ('\u{2ca5}', b'c'), ('\u{2ca6}', b'T'), ('\u{2ca8}', b'Y'),
    ('\u{2ca9}', b'y'), ('\u{2cac}', b'X'), ('\u{2cbd}', b'w'), ('\u{2cce}', b'P'), ('\u{2ccf}', b'p'), ('\u{2cd0}', b'L'),
    ('\u{2d2d}', b'z'), ('\u{2d38}', b'V'), ('\u{2d39}', b'E'), ('\u{2d4a}', b'l'), ('\u{2d4f}', b'l'), ('\u{2d54}', b'O'),
    ('\u{2d55}', b'Q'), ('\u{2d5d}', b'X'), ('\u{3007}', b'O'), ('\u{3112}', b'T'), ('\u{311a}', b'Y'), ('\u{4e05}', b'T'),
    ('\u{4e2b}', b'Y'), ('\u{a4d0}', b'B'), ('\u{a4d1}', b'P'), ('\u{a4d2}', b'd'), ('\u{a4d3}', b'D'), ('\u{a4d4}', b'T'),
    ('\u{a4d6}', b'G'), ('\u{a4d7}', b'K'), ('\u{a4d9}', b'J'), ('\u{a4da}', b'C'), ('\u{a4dc}', b'Z'), ('\u{a4dd}', b'F'),
    ('\u{a4df}', b'M'), ('\u{a4e0}', b'N'), ('\u{a4e1}', b'L'), ('\u{a4e2}', b'S'), ('\u{a4e3}', b'R'), ('\u{a4e6}', b'V'),
    ('\u{a4e7}', b'H'), ('\u{a4ea}', b'W'), ('\u{a4eb}', b'X'), ('\u{a4ec}', b'Y'), ('\u{a4ee}', b'A'), ('\u{a4f0}', b'E'),
    ('\u{a4f2}', b'l'), ('\u{a4f3}', b'O'), ('\u{a4f4}', b'U'), ('\u{a50b}', b'T'), ('\u{a557}', b'B'), ('\u{a56f}', b'l'),
    ('\u{a576}', b'S'), ('\u{a5cb}', b'E'), ('\u{a647}', b'i'), ('\u{a6c9}', b'Z'), ('\u{a6df}', b'V'), ('\u{a730}', b'f'),
    ('\u{a731}', b's'), ('\u{a781}', b'l'), ('\u{a798}', b'F'), ('\u{a799}', b'f'), ('\u{a79f}', b'u'), ('\u{a7ae}', b'I'),
    ('\u{a7b2}', b'J'), ('\u{a7b3}', b'X'), ('\u{a7b4}', b'B'), ('\u{a7fa}', b'w'), ('\u{a7fe}', b'l'), ('\u{a830}', b'l'),
    ('\u{ab32}', b'e'), ('\u{ab35}', b'f'), ('\u{ab3d}', b'o'), ('\u{ab47}', b'r'), ('\u{ab48}', b'r'), ('\u{ab4e}', b'u'),
    ('\u{ab52}', b'u'), ('\u{ab5a}', b'y'), ('\u{ab64}', b'a'), ('\u{ab75}', b'i'), ('\u{ab81}', b'r'), ('\u{ab83}', b'w'),
    ('\u{ab93}', b'z'), ('\u{aba4}', b'w'), ('\u{aba9}', b'v'), ('\u{abaa}', b's'), ('\u{abaf}', b'c'), ('\u{1018b}', b'd'),
    ('\u{10282}', b'B'), ('\u{10286}', b'E'), ('\u{10287}', b'F'), ('\u{1028a}', b'l'), ('\u{10290}', b'X'), ('\u{10292}', b'O'),
    ('\u{10295}', b'P'), ('\u{10296}', b'S'), ('\u{10297}', b'T'), ('\u{102a0}', b'A'), ('\u{102a1}', b'B'), ('\u{102a2}', b'C'),
    ('\u{102a5}', b'F'), ('\u{102ab}', b'O'), ('\u{102b0}', b'M'), ('\u{102b1}', b'T'), ('\u{102b2}', b'Y'), ('\u{102b4}', b'X'),
    ('\u{102cf}', b'H'), ('\u{102f5}', b'Z'), ('\u{10301}', b'B'), ('\u{10302}', b'C'), ('\u{10309}', b'l'), ('\u{1030f}', b'O'),
    ('\u{10311}', b'M'), ('\u{10315}', b'T'), ('\u{10317}', b'X'), ('\u{1031c}', b'b'), ('\u{10320}', b'l'), ('\u{10322}', b'X'),
    ('\u{10404}', b'O'), ('\u{10415}', b'C'), ('\u{1041b}', b'L'), ('\u{10420}', b'S'), ('\u{1042c}', b'o'), ('\u{1043d}', b'c'),
    ('\u{10448}', b's'), ('\u{104b4}', b'R'), ('\u{104c2}', b'O'), ('\u{104ce}', b'U'), ('\u{104ea}', b'o'), ('\u{104f6}', b'u'),
    ('\u{10507}', b'Z'), ('\u{1050e}', b'l'), ('\u{10513}', b'N'), ('\u{10516}', b'O'), ('\u{10518}', b'K'), ('\u{1051b}', b'C'),
    ('\u{1051d}', b'V'), ('\u{10525}', b'F'), ('\u{10526}', b'L'), ('\u{10527}', b'X'), ('\u{10926}', b'l'), ('\u{1092c}', b'o'),
    ('\u{10c13}', b'X'), ('\u{10c17}', b'O'), ('\u{10c1f}', b'V'), ('\u{10c20}', b'Y'), ('\u{10c21}', b'M'), ('\u{10c3e}', b'l'),
    ('\u{10c82}', b'X'), ('\u{10ca5}', b'I'), ('\u{10cc2}', b'x'), ('\u{10cfa}', b'l'), ('\u{10cfc}', b'X'), ('\u{10d07}', b'o'),
    ('\u{11124}', b'o'), ('\u{11706}', b'v'), ('\u{1170a}', b'w'), ('\u{1170e}', b'w'), ('\u{1170f}', b'w'), ('\u{118a0}', b'V'),
    ('\u{118a2}', b'F'), ('\u{118a3}', b'L'), ('\u{118a4}', b'Y'), ('\u{118a6}', b'E'), ('\u{118a9}', b'Z'), ('\u{118ae}', b'E'),
    ('\u{118b2}', b'L'), ('\u{118b5}', b'O'), ('\u{118b8}', b'U'), ('\u{118bc}', b'T'), ('\u{118c0}', b'v'), ('\u{118c1}', b's'),
    ('\u{118c2}', b'F'), ('\u{118c3}', b'i'), ('\u{118c4}', b'y'), ('\u{118c8}', b'o'), ('\u{118d7}', b'o'), ('\u{118d8}', b'u'),
    ('\u{118dc}', b'y'), ('\u{118ec}', b'X'), ('\u{118ef}', b'W'), ('\u{118f2}', b'C'), ('\u{11abc}', b'Z'), ('\u{11abe}', b'N'),
    ('\u{11dda}', b'l'), ('\u{11de0}', b'O'), ('\u{11de1}', b'l'), ('\u{16a19}', b'r'), ('\u{16ad6}', b'S'), ('\u{16ae9}', b'O'),
    ('\u{16d63}', b'l'), ('\u{16eaa}', b'I'), ('\u{16eb6}', b'b'), ('\u{16f08}', b'V'), ('\u{16f0a}', b'T'), ('\u{16f16}', b'L'),
    ('\u{16f28}', b'l'), ('\u{16f35}', b'R'), ('\u{16f3a}', b'S'), ('\u{16f40}', b'A'), ('\u{16f42}', b'U'), ('\u{16f43}', b'Y'),
    ('\u{1d373}', b'T'), ('\u{1d377}', b'l'), ('\u{1e8c7}', b'l'), ('\u{1ed01}', b'l'),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use super::*;
    use crate::fold::{Folded, classify, decompose};

    /// What UTS #39 leaves out, as common typefaces show it.
    const OWN: &[(u8, &str)] = &[
        (b'A', "ΑАᎪ"),
        (b'B', "ΒВЬᏴ"),
        (b'C', "СᏟⲤ"),
        (b'D', "Ꭰ"),
        (b'E', "ΕЕᎬ"),
        (b'G', "ԌᏀ"),
        (b'H', "ΗНᎻ"),
        (b'I', "ΙІӀᎥ"),
        (b'J', "ЈᎫ"),
        (b'K', "ΚКᏦ"),
        (b'L', "Ꮮ"),
        (b'M', "ΜМᎷ"),
        (b'N', "Ν"),
        (b'O', "ΟОՕ"),
        (b'P', "ΡРᏢ"),
        (b'R', "Ꭱ"),
        (b'S', "ЅᏚ"),
        (b'T', "ΤТᎢ"),
        (b'U', "Ս"),
        (b'V', "ѴᏙ"),
        (b'W', "Ꮃ"),
        (b'X', "ΧХ"),
        (b'Y', "ΥУҮ"),
        (b'Z', "ΖᏃ"),
        (b'a', "ɑαаᴀ"),
        (b'b', "ƅʙβвь"),
        (b'c', "ƈсᴄ"),
        (b'd', "ɗԁժᴅ"),
        (b'e', "ɛεеэєҽᴇ"),
        (b'f', "ƒғքꜰ"),
        (b'g', "ɡɢԍց"),
        (b'h', "ʜнћһհ"),
        (b'i', "ɩɪιі"),
        (b'j', "ɉϳјᴊ"),
        (b'k', "ƙκкᴋ"),
        (b'l', "ɫʟ"),
        (b'm', "ɱмᴍ"),
        (b'n', "ɲɴηипոռ"),
        (b'o', "οσоөօᴏ"),
        (b'p', "ƥρрᴘ"),
        (b'q', "ʠԛգզ"),
        (b'r', "ɍɾʀгяᴦ"),
        (b's', "ʂѕտꜱ"),
        (b't', "τтᴛ"),
        (b'u', "ʋμυцսᴜ"),
        (b'v', "νѵᴠ"),
        (b'w', "ωшщѡԝᴡ"),
        (b'x', "χхҳ"),
        (b'y', "ʏγуүყ"),
        (b'z', "ƶʐᴢ"),
    ];

    /// Scripts in which a look-alike of an ASCII letter is a letter of every other word, beside digits too.
    fn is_natural(c: char) -> bool {
        matches!(c, '\0'..='\u{17f}' | '\u{590}'..='\u{109f}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
            | '\u{1ee00}'..='\u{1eeff}')
    }

    fn expected() -> BTreeMap<char, u8> {
        let stays = |c: char| {
            let mut folded = Vec::new();
            decompose(c, &mut folded);
            match classify(c) {
                Folded::Same => true,
                Folded::Decompose => folded == c.to_string().as_bytes(),
                _ => false,
            }
        };
        let mut table = BTreeMap::new();
        for c in ('\u{180}'..='\u{1ffff}').filter(|c| c.is_alphanumeric() && !is_natural(*c) && stays(*c)) {
            let skeleton: Vec<char> = unicode_security::skeleton(&c.to_string()).collect();
            // The skeleton of `I` is `l`.
            match skeleton.as_slice() {
                ['l'] if c.is_uppercase() => table.insert(c, b'I'),
                [one] if one.is_ascii_alphabetic() => table.insert(c, u8::try_from(*one).unwrap()),
                _ => None,
            };
        }
        for (letter, others) in OWN {
            for other in others.chars() {
                assert!(stays(other) && !is_natural(other), "{other}");
                table.insert(other, *letter);
            }
        }
        table
    }

    #[test]
    fn the_table_is_what_the_recipe_makes() {
        let expected = expected();
        if std::env::var("CORDON_GOLDEN").is_ok_and(|mode| mode == "write") {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/fold/confusable.rs");
            let source = std::fs::read_to_string(path).unwrap();
            let (head, rest) = source.split_once("= &[\n").unwrap();
            let (_, tail) = rest.split_once("];\n").unwrap();
            let mut rows = String::new();
            for chunk in expected.iter().collect::<Vec<_>>().chunks(6) {
                rows.push_str("   ");
                for (c, letter) in chunk {
                    write!(rows, " ('\\u{{{:x}}}', b'{}'),", u32::from(**c), char::from(**letter)).unwrap();
                }
                rows.push('\n');
            }
            std::fs::write(path, format!("{head}= &[\n{rows}];\n{tail}")).unwrap();
            return;
        }
        let table: BTreeMap<char, u8> = LOOK_ALIKES.iter().copied().collect();
        assert_eq!(table, expected, "help: CORDON_GOLDEN=write");
        assert!(LOOK_ALIKES.is_sorted());
    }
}
