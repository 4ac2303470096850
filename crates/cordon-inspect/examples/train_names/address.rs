//! Addresses as seven languages write them, and a few more streets.

use crate::Random;
use crate::data::Kind;
use crate::generate::{FAMILY_ENDS, Made, Piece, capital, invented};

impl Made {
    /// An address, with a town or only the street.
    pub fn address(&self, language: &str, whole: bool, pieces: &mut Vec<Piece>, random: &mut Random) {
        let language = if random.below(6) == 0 {
            ["en", "de", "fr", "es", "it", "pt", "nl", "no"][random.below(8)]
        } else {
            language
        };
        let most = [40, 400, 9999][random.below(3)];
        let number = 1 + random.below(most);
        let number = match random.below(10) {
            0 => format!("{number}{}", ["a", "b", "B", " C"][random.below(4)]),
            1 => format!("{number}-{}", number + 2),
            _ => number.to_string(),
        };
        let name = match random.below(4) {
            0 => self.word("family", random),
            1 => self.town(random),
            2 => [
                "Oak", "Maple", "High", "Main", "Church", "Park", "Mill", "Station", "Victoria", "King",
                "Queens", "River", "Garden", "Lake", "North", "2nd", "5th", "Cedar",
            ][random.below(18)]
            .to_owned(),
            _ => invented(random, 1, &FAMILY_ENDS),
        };
        let low = name.to_lowercase();
        let street_first = match language {
            "de" => match random.below(4) {
                0 => format!("{}straße {number}", capital(&low)),
                1 => format!(
                    "{name}er {} {number}",
                    ["Straße", "Weg", "Allee", "Platz", "Ring"][random.below(5)]
                ),
                2 => format!(
                    "{}{} {number}",
                    capital(&low),
                    ["weg", "str.", "gasse", "platz", "allee", "strasse", "ufer"][random.below(7)]
                ),
                _ => format!("{} {name} {number}", ["Am", "An der", "Im", "Zum", "Auf der"][random.below(5)]),
            },
            "fr" => format!(
                "{number}{} {} {}{name}",
                ["", ",", " bis"][random.below(3)],
                ["rue", "avenue", "boulevard", "place", "chemin", "impasse", "Rue", "Avenue", "quai"]
                    [random.below(9)],
                ["", "de ", "du ", "des ", "de la "][random.below(5)]
            ),
            "es" => format!(
                "{} {}{name}{} {number}{}",
                ["Calle", "Avenida", "C/", "Plaza", "Paseo", "Avda.", "Camino", "Carrera"][random.below(8)],
                ["", "de ", "del ", "de la ", "San "][random.below(5)],
                ["", ","][random.below(2)],
                ["", ", 3º B", ", piso 2", ", 1º izq."][random.below(4)]
            ),
            "it" => format!(
                "{} {}{name}{} {number}",
                ["Via", "Viale", "Piazza", "Corso", "Largo", "Vicolo", "via"][random.below(7)],
                ["", "del ", "della ", "dei ", "San "][random.below(5)],
                ["", ","][random.below(2)]
            ),
            "pt" => format!(
                "{} {}{name}{} {number}{}",
                ["Rua", "Avenida", "Av.", "Travessa", "Praça", "R.", "Estrada"][random.below(7)],
                ["", "da ", "do ", "dos ", "de "][random.below(5)],
                ["", ","][random.below(2)],
                ["", ", 2º Esq.", ", apto 31", " - Centro"][random.below(4)]
            ),
            "nl" => format!(
                "{}{} {number}",
                capital(&low),
                ["straat", "weg", "laan", "plein", "gracht", "kade", "dijk", "dreef"][random.below(8)]
            ),
            "no" => format!(
                "{}{} {number}",
                capital(&low),
                ["veien", "gata", "gatan", "vägen", "vej", "gade", "katu", "tie", "kuja", "utca", "ulica"]
                    [random.below(11)]
            ),
            _ => {
                let kind = self.word("street", random);
                let kind = if random.below(4) > 0 {
                    [
                        "Street", "St", "St.", "Road", "Rd", "Rd.", "Avenue", "Ave", "Ave.", "Lane", "Drive",
                        "Dr", "Blvd", "Court", "Way", "Close", "Place",
                    ][random.below(17)]
                    .to_owned()
                } else {
                    kind
                };
                format!("{number} {name} {kind}")
            }
        };
        let street = if language == "en" && !whole && random.below(2) == 0 {
            street_first
                .trim_start_matches(|c: char| c.is_ascii_alphanumeric() && !c.is_ascii_alphabetic())
                .trim_start()
                .to_owned()
        } else {
            street_first
        };
        pieces.push((street, Some(Kind::Address)));
        if !whole {
            return;
        }
        let joint = [", ", ", ", ", ", "\n", "\n ", " "][random.below(6)].to_owned();
        if random.below(5) == 0 {
            let gap = [", ", " ", "\n"][random.below(3)].to_owned();
            pieces.push((gap, None));
            let unit = format!(
                "{} {}",
                ["Apt.", "Apt", "Suite", "Unit", "Flat", "Floor", "#", "Room"][random.below(8)],
                1 + random.below(999)
            );
            pieces.push((unit, Some(Kind::Address)));
        }
        if random.below(6) == 0 {
            return;
        }
        let digits = |count: usize, random: &mut Random| -> String {
            (0..count).map(|_| char::from(b'0' + random.below(10) as u8)).collect()
        };
        let letter = |random: &mut Random| char::from(b'A' + random.below(26) as u8);
        let town = self.town(random);
        let before = matches!(language, "de" | "fr" | "es" | "it" | "nl" | "no" | "pt");
        let code = match (language, random.below(2)) {
            ("nl", _) => format!("{} {}{}", digits(4, random), letter(random), letter(random)),
            ("no", 0) => digits(4, random),
            ("pt", 0) => format!("{}-{}", digits(4, random), digits(3, random)),
            ("en", 0) => format!(
                "{}{}{} {}{}{}",
                letter(random),
                letter(random),
                random.below(20),
                random.below(9),
                letter(random),
                letter(random)
            ),
            _ => digits(5, random),
        };
        if before {
            pieces.push((joint, None));
            if random.below(5) > 0 {
                pieces.push((format!("{code} "), Some(Kind::Address)));
            }
            pieces.push((town, Some(Kind::Place)));
        } else {
            pieces.push((joint.clone(), None));
            pieces.push((town, Some(Kind::Place)));
            match random.below(4) {
                0 => {}
                1 => {
                    pieces.push((", ".to_owned(), None));
                    pieces.push((
                        format!("{}{} {}", letter(random), letter(random), digits(5, random)),
                        Some(Kind::Address),
                    ));
                }
                2 => {
                    pieces.push((joint, None));
                    pieces.push((code, Some(Kind::Address)));
                }
                _ => pieces.push((format!(" {code}"), Some(Kind::Address))),
            }
        }
        if random.below(4) == 0 {
            pieces.push(([", ", "\n", " "][random.below(3)].to_owned(), None));
            pieces.push((self.word("country", random), Some(Kind::Place)));
        }
    }
}
