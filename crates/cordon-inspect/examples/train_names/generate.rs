//! Texts that are made here: sentences with places, filled with names from the lists and with invented ones.

use crate::Random;
use crate::data::{Kind, Text};

/// The lists and the sentences.
pub struct Made {
    lists: Vec<(String, Vec<String>)>,
    sentences: Vec<(String, Vec<String>)>,
}

/// A piece of a text, of a kind or of none.
pub type Piece = (String, Option<Kind>);

const SOUNDS: [&str; 34] = [
    "b", "br", "c", "ch", "d", "dr", "f", "g", "gr", "h", "j", "k", "kr", "l", "m", "n", "p", "pr", "r", "s",
    "sh", "st", "t", "tr", "v", "w", "y", "z", "th", "kl", "fl", "sk", "zh", "qu",
];
const VOWELS: [&str; 14] = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "ia", "ei", "au", "ou", "ä"];
const ENDS: [&str; 16] = ["", "", "", "n", "l", "r", "s", "t", "m", "nd", "rt", "ll", "ck", "ss", "x", "ng"];
pub const FAMILY_ENDS: [&str; 40] = [
    "son", "sen", "man", "mann", "er", "ez", "ini", "elli", "etti", "ov", "ova", "ski", "ska", "ek", "ic",
    "ovic", "enko", "yan", "idis", "oglu", "aho", "nen", "dottir", "berg", "ström", "quist", "eau", "ier",
    "ard", "es", "eira", "inho", "stra", "sma", "wala", "walla", "ley", "ton", "field", "escu",
];
const TOWN_ENDS: [&str; 44] = [
    "ton", "ham", "ville", "burg", "berg", "ford", "field", "port", "mouth", "stadt", "heim", "hausen",
    "dorf", "kirchen", "bach", "feld", "by", "nes", "sund", "vik", "borg", "hamn", "küla", "järvi", "koski",
    "grad", "ovo", "ice", "any", "ów", "owo", "háza", "pur", "abad", "nagar", "etta", "ano", "ella", "osa",
    "ac", "court", "sur", "dam", "drecht",
];
const GIVEN_ENDS: [&str; 26] = [
    "a", "o", "e", "ina", "ella", "ette", "as", "us", "in", "an", "en", "y", "ie", "ka", "iko", "ita", "ito",
    "is", "on", "el", "ah", "id", "ur", "ash", "esh", "een",
];
const BRANDS: [&str; 30] = [
    "ly", "ify", "ora", "ix", "tec", "soft", "data", "net", "works", "hub", "lab", "base", "cloud", "grid",
    "wave", "link", "bit", "flow", "logic", "metrics", "wise", "core", "space", "mark", "scale", "gen",
    "vera", "nova", "via", "io",
];
const FIELDS: [&str; 40] = [
    "Data",
    "Health",
    "Climate",
    "Food",
    "Auto",
    "Travel",
    "Legal",
    "Steel",
    "Paper",
    "Marine",
    "Garden",
    "Home",
    "Security",
    "Finance",
    "Insurance",
    "Construction",
    "Plumbing",
    "Design",
    "Marketing",
    "Research",
    "Analytics",
    "Robotics",
    "Biotech",
    "Textiles",
    "Shipping",
    "Van Lines",
    "Movers",
    "Education",
    "Learning",
    "Management",
    "Advisors",
    "Dynamics",
    "Networks",
    "Stores",
    "Markets",
    "Equipment",
    "Property",
    "Weather",
    "Mobile",
    "Exchange",
];

impl Made {
    pub fn read() -> Self {
        Self {
            lists: sections(include_str!("lists.txt"), true),
            sentences: sections(include_str!("sentences.txt"), false),
        }
    }

    /// The lists by class, with spaces.
    pub fn lists(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.lists
            .iter()
            .filter(|(name, _)| name != "thing" && name != "noun")
            .map(|(name, words)| (name.as_str(), words.as_slice()))
    }

    pub fn word(&self, list: &str, random: &mut Random) -> String {
        let words = &self.lists.iter().find(|(name, _)| name == list).expect("a list").1;
        words[random.below(words.len())].clone()
    }

    /// So many texts.
    pub fn texts(&self, count: usize, random: &mut Random) -> Vec<Text> {
        (0..count).map(|_| self.text(random)).collect()
    }

    fn text(&self, random: &mut Random) -> Text {
        let mut pieces: Vec<Piece> = Vec::new();
        let records = random.below(6) == 0;
        // Half of all texts are English.
        let start = match (records, random.below(2)) {
            (true, _) => "records",
            (_, 0) => "en",
            _ => ["de", "fr", "es", "it", "pt", "nl"][random.below(6)],
        };
        for i in 0..1 + random.below(3) {
            if i > 0 {
                let gap = if records { "\n" } else { [" ", " ", " ", "\n", "\n\n"][random.below(5)] };
                pieces.push((gap.to_owned(), None));
            }
            let name = if random.below(3) == 0 { format!("{start}-none") } else { start.to_owned() };
            let list = &self.sentences.iter().find(|(section, _)| *section == name).expect("a section").1;
            let sentence = &list[random.below(list.len())];
            let language = if records {
                ["en", "en", "de", "fr", "es", "it", "pt", "nl"][random.below(8)]
            } else {
                start
            };
            self.fill(sentence, language, &mut pieces, random);
        }
        let case = match random.below(100) {
            0..=5 => str::to_lowercase,
            6..=7 => str::to_uppercase,
            _ => str::to_owned,
        };
        for (text, _) in &mut pieces {
            *text = case(text);
        }
        Text::of(&pieces)
    }

    fn fill(&self, sentence: &str, language: &str, pieces: &mut Vec<Piece>, random: &mut Random) {
        let sentence = sentence.replace("\\n", "\n").replace("\\t", "\t");
        let mut rest = sentence.as_str();
        while let Some(at) = rest.find('{') {
            let slot = rest.get(at..at + 3).filter(|slot| slot.ends_with('}'));
            let Some(slot) = slot else {
                pieces.push((rest[..=at].to_owned(), None));
                rest = &rest[at + 1..];
                continue;
            };
            pieces.push((rest[..at].to_owned(), None));
            rest = &rest[at + 3..];
            match &slot[1..2] {
                "P" => self.person(pieces, random),
                "G" => pieces.push((self.given(random), Some(Kind::Person))),
                "F" => pieces.push((self.family(random), Some(Kind::Person))),
                "O" => pieces.push((self.organisation(random), Some(Kind::Organisation))),
                "L" => pieces.push((self.town(random), Some(Kind::Place))),
                "C" => pieces.push((self.word("country", random), Some(Kind::Place))),
                "A" => self.address(language, true, pieces, random),
                "S" => self.address(language, false, pieces, random),
                "T" => pieces.push((self.title(random), None)),
                "D" => pieces.push((self.date(random), None)),
                "M" => pieces.push((self.word("calendar", random), None)),
                "N" => pieces.push((number(random), None)),
                "E" => pieces.push((self.mail(random), None)),
                "K" => pieces.push((self.word("thing", random), None)),
                "H" => pieces.push((self.noun(random), None)),
                "Z" => {
                    let count = 2 + random.below(2);
                    pieces.push((
                        (0..count).map(|_| char::from(b'A' + random.below(26) as u8)).collect(),
                        None,
                    ));
                }
                "W" => pieces.push((self.product(random), None)),
                other => panic!("a place for {other}"),
            }
        }
        pieces.push((rest.to_owned(), None));
    }

    pub fn given(&self, random: &mut Random) -> String {
        match random.below(10) {
            0..=4 => self.word("given", random),
            5 => format!("{}-{}", self.word("given", random), invented(random, 1, &GIVEN_ENDS)),
            _ => invented(random, 1, &GIVEN_ENDS),
        }
    }

    pub fn family(&self, random: &mut Random) -> String {
        match random.below(20) {
            0..=8 => self.word("family", random),
            9 => format!("{}-{}", self.word("family", random), invented(random, 1, &FAMILY_ENDS)),
            10 => format!(
                "{}{}",
                ["Mc", "Mac", "O'", "D'", "Fitz", "Al-", "El-", "Ben-"][random.below(8)],
                invented(random, 1, &FAMILY_ENDS)
            ),
            11 => format!(
                "{} {}",
                ["de", "van", "von", "van der", "di", "da", "dos", "bin", "el", "de la", "Van", "De"]
                    [random.below(12)],
                invented(random, 1, &FAMILY_ENDS)
            ),
            _ => {
                let parts = 1 + random.below(2);
                invented(random, parts, &FAMILY_ENDS)
            }
        }
    }

    fn person(&self, pieces: &mut Vec<Piece>, random: &mut Random) {
        if random.below(12) == 0 {
            pieces.push((self.title(random) + " ", None));
        }
        let (given, family) = (self.given(random), self.family(random));
        let initial = |random: &mut Random| char::from(b'A' + random.below(26) as u8);
        let name = match random.below(40) {
            0..=3 => given,
            4..=6 => family,
            7..=9 => format!("{given} {}. {family}", initial(random)),
            10 => format!("{given} {} {family}", initial(random)),
            11 => format!("{}. {family}", initial(random)),
            12 => format!("{}. {}. {family}", initial(random), initial(random)),
            13 => format!("{family}, {given}"),
            14..=15 => format!("{given} {} {family}", self.given(random)),
            16..=17 => format!("{given} {family} {}", self.family(random)),
            18 => format!("{given} {}", family.to_uppercase()),
            19 => format!("{given} {family} Jr."),
            _ => format!("{given} {family}"),
        };
        pieces.push((name, Some(Kind::Person)));
    }

    pub fn any_person(&self, random: &mut Random) -> String {
        let mut pieces = Vec::new();
        self.person(&mut pieces, random);
        pieces.pop().map(|(name, _)| name).unwrap_or_default()
    }

    pub fn town(&self, random: &mut Random) -> String {
        let town = match random.below(20) {
            0..=6 => self.word("town", random),
            7 => format!(
                "{} {}",
                [
                    "San", "Santa", "Saint", "St.", "Bad", "El", "Los", "Las", "Le", "La", "New", "Port",
                    "Fort", "Mount", "North", "West", "Upper"
                ][random.below(17)],
                invented(random, 1, &TOWN_ENDS)
            ),
            8 => format!(
                "{}{}{}",
                invented(random, 1, &TOWN_ENDS),
                [" am ", " upon ", "-sur-", " de ", " di ", " del ", " an der ", " aan den ", "-en-"]
                    [random.below(9)],
                invented(random, 1, &[""; 4])
            ),
            9 => format!(
                "{} {}",
                invented(random, 1, &TOWN_ENDS),
                ["Creek", "Hill", "Bay", "Valley", "Springs", "Beach", "Park", "Falls", "City", "Heights"]
                    [random.below(10)]
            ),
            _ => {
                let parts = 1 + random.below(2);
                invented(random, parts, &TOWN_ENDS)
            }
        };
        if random.below(10) == 0 { town.to_uppercase() } else { town }
    }

    pub fn place(&self, random: &mut Random) -> String {
        if random.below(3) == 0 { self.word("country", random) } else { self.town(random) }
    }

    pub fn organisation(&self, random: &mut Random) -> String {
        let brand = |random: &mut Random| {
            let parts = random.below(2);
            let mut brand = invented(random, parts, &BRANDS);
            if random.below(6) == 0 {
                let other = invented(random, 0, &BRANDS);
                brand.push_str(&other);
            }
            brand
        };
        match random.below(22) {
            0..=2 => format!("{} {}", self.family(random), self.form(random)),
            3..=4 => format!("{} {}", brand(random), self.form(random)),
            5 => format!("{} & {}", self.family(random), self.family(random)),
            6 => format!("{}, {} and {}", self.family(random), self.family(random), self.family(random)),
            7 => [self.family(random), self.family(random)].join("-"),
            8 => format!("{} {}", self.town(random), self.word("body", random)),
            9 => format!("{} of {}", self.word("body", random), self.town(random)),
            10 => format!("{} {} {}", self.family(random), FIELDS[random.below(40)], self.form(random)),
            11 => format!("{} {}", brand(random), FIELDS[random.below(40)]),
            12 => format!("{} {}", FIELDS[random.below(40)], self.word("body", random)),
            13 => format!(
                "{} {} {}",
                self.word("people", random),
                FIELDS[random.below(40)],
                self.word("body", random)
            ),
            14 => format!("The {} {}", FIELDS[random.below(40)], self.form(random)),
            15..=16 => (0..2 + random.below(3)).map(|_| char::from(b'A' + random.below(26) as u8)).collect(),
            17 => format!("{} {}", FIELDS[random.below(40)], self.form(random)),
            18 => format!("{} and Sons", self.family(random)),
            _ => brand(random),
        }
    }

    fn form(&self, random: &mut Random) -> String {
        let form = self.word("form", random);
        if form.len() <= 4 && random.below(3) == 0 { format!("{form}.") } else { form }
    }

    /// A noun of German, half of them made of two.
    fn noun(&self, random: &mut Random) -> String {
        let noun = self.word("noun", random);
        let other = self.word("noun", random).to_lowercase();
        let end = ["", "", "en", "er", "e", "s", "ung", "heit"][random.below(8)];
        match random.below(4) {
            0..=1 => noun,
            2 => format!("{noun}{}{other}", ["", "s", "n", "en"][random.below(4)]),
            _ => format!("{noun}{end}"),
        }
    }

    fn title(&self, random: &mut Random) -> String {
        let title = match random.below(3) {
            0 => self.word("title", random),
            _ => ["Mr", "Mrs", "Ms", "Dr", "Prof", "Herr", "Frau", "Mme", "M", "Sr", "Sra", "Sig"]
                [random.below(12)]
            .to_owned(),
        };
        with_stop(title, random)
    }

    fn date(&self, random: &mut Random) -> String {
        let (day, year) = (1 + random.below(28), 1930 + random.below(100));
        match random.below(5) {
            0 => format!("{day:02}.{:02}.{year}", 1 + random.below(12)),
            1 => format!("{year}-{:02}-{day:02}", 1 + random.below(12)),
            2 => format!("{day} {} {year}", self.word("calendar", random)),
            3 => format!("{} {day}, {year}", self.word("calendar", random)),
            _ => self.word("calendar", random),
        }
    }

    fn mail(&self, random: &mut Random) -> String {
        let (given, family) =
            (self.given(random).to_lowercase(), self.family(random).to_lowercase().replace(' ', ""));
        let host = invented(random, 1, &BRANDS).to_lowercase();
        let sign = [".", "_", "", "-"][random.below(4)];
        format!(
            "{given}{sign}{family}@{host}.{}",
            ["com", "org", "net", "de", "fr", "co.uk", "io"][random.below(7)]
        )
    }

    fn product(&self, random: &mut Random) -> String {
        match random.below(4) {
            0 => FIELDS[random.below(40)].to_owned(),
            1 => format!("{}{}", invented(random, 1, &BRANDS), random.below(100)),
            2 => invented(random, 1, &["cin", "ol", "ium", "ax", "OS", "DB", "Script", "Pad"]),
            _ => [
                "Widget", "Ticket", "Report", "Update", "Premium", "Backup", "Manual", "Summer", "Linux",
                "Python", "Excel", "Invoice", "Garden", "Holiday",
            ][random.below(14)]
            .to_owned(),
        }
    }
}

fn with_stop(title: String, random: &mut Random) -> String {
    let short = title.len() <= 4
        && !matches!(
            title.as_str(),
            "Herr" | "Frau" | "Miss" | "Lady" | "Lord" | "Dame" | "Sir" | "Don" | "PhD" | "MD"
        );
    if short && random.below(4) > 0 { format!("{title}.") } else { title }
}

fn number(random: &mut Random) -> String {
    match random.below(5) {
        0 => random.below(10).to_string(),
        1 => random.below(100).to_string(),
        2 => format!(
            "+{} {} {}",
            1 + random.below(90),
            100 + random.below(900),
            100_000 + random.below(900_000)
        ),
        _ => random.below(100_000).to_string(),
    }
}

pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A word that sounds like a name.
pub fn invented(random: &mut Random, parts: usize, ends: &[&str]) -> String {
    let mut word = String::new();
    if random.below(5) == 0 {
        word.push_str(["a", "e", "i", "o", "u"][random.below(5)]);
    }
    for _ in 0..parts {
        word.push_str(SOUNDS[random.below(SOUNDS.len())]);
        word.push_str(VOWELS[random.below(VOWELS.len())]);
    }
    word.push_str(SOUNDS[random.below(SOUNDS.len())]);
    word.push_str(VOWELS[random.below(VOWELS.len())]);
    word.push_str(ENDS[random.below(ENDS.len())]);
    word.push_str(ends[random.below(ends.len())]);
    capital(&word)
}

/// Lines by the name in brackets above them; or their words, with `_` as a space.
fn sections(text: &str, words: bool) -> Vec<(String, Vec<String>)> {
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# ") || line.starts_with("# Getting"))
    {
        let name = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
            .filter(|name| name.len() < 20 && !name.contains(' '));
        match (name, sections.last_mut()) {
            (Some(name), _) => sections.push((name.to_owned(), Vec::new())),
            (None, Some((_, list))) if words => {
                list.extend(line.split_whitespace().map(|word| word.replace('_', " ")));
            }
            (None, Some((_, list))) => list.push(line.to_owned()),
            (None, None) => panic!("a line before the first section"),
        }
    }
    sections
}
