//! Generated sentences with labelled names.

use crate::lists;
use crate::support::Label;

/// A generator of numbers (splitmix64): the same seed, the same weights.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
    fn of<'a>(&mut self, list: &'a str, separator: char) -> &'a str {
        let items: Vec<&str> = list.split(separator).collect();
        items[self.below(items.len())]
    }
    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

/// Made from syllables, so that the tagger learns more than the lists.
fn coined(dice: &mut Dice) -> String {
    const STARTS: &str = "Ba Be Bo Bra Ca Ce Cha Co Da De Di Dra Du E Fa Fe Fi Ga Ge Gri Ha He Ho I Ja Jo Ka Ke Kla Ko Kri La Le Li Lo Ma Me Mi Mo \
Na Ne No O Pa Pe Pla Po Ra Re Ri Ro Sa Sche Se Sha Ste Stra Ta Te Tho To Tri U Va Ve Vi Vo Wa We Wi Ya Ye Za Ze Zo";
    const MIDDLES: &str =
        "ra le mi no ri da ta ne la va ko ber den lin man mer ni ro sa sen ska so ten to vi wa zi ";
    const ENDS: &str = "son sen ski ov er el in a o ez ic ić berg mann stein ton well ford ley by dottir idis ou an en ar i yan escu enko wala a e us is";
    let mut word = dice.of(STARTS, ' ').to_owned();
    for _ in 0..dice.below(2) {
        word.push_str(dice.of(MIDDLES, ' '));
    }
    word + dice.of(ENDS, ' ')
}

pub fn person(dice: &mut Dice) -> String {
    let first =
        |dice: &mut Dice| if dice.chance(12) { coined(dice) } else { dice.of(lists::FIRST, ' ').to_owned() };
    let last = |dice: &mut Dice| {
        if dice.chance(35) {
            coined(dice)
        } else {
            let name = dice.of(lists::LAST, ' ').to_owned();
            match name.as_str() {
                "van" | "de" => format!("{name} {}", dice.of("Dijk Vries Boer Berg Jong Graaf Groot", ' ')),
                _ => name,
            }
        }
    };
    let capitals = char::from(b'A' + dice.below(26) as u8);
    match dice.below(20) {
        0..=8 => format!("{} {}", first(dice), last(dice)),
        9..=11 => first(dice),
        12..=13 => last(dice),
        14 if dice.chance(50) => format!("{} {capitals} {}", first(dice), last(dice)),
        14 => format!("{} {capitals}. {}", first(dice), last(dice)),
        15 => format!("{} {} {}", first(dice), first(dice), last(dice)),
        16 => format!("{}-{}", last(dice), last(dice)),
        17 => format!("{} {} {}", first(dice), last(dice), last(dice)),
        18 => format!("{} {}", first(dice), last(dice)).to_uppercase(),
        _ => format!("{capitals}. {}", last(dice)),
    }
}

pub fn organisation(dice: &mut Dice) -> String {
    let word = |dice: &mut Dice| {
        if dice.chance(40) { coined(dice) } else { dice.of(lists::COMPANY_WORDS, ' ').to_owned() }
    };
    match dice.below(12) {
        0..=1 => dice.of(lists::COMPANIES, '|').to_owned(),
        2 => format!("{} {}", word(dice), dice.of(lists::COMPANY_ENDS, '|')),
        3 => format!(
            "{} {} {}",
            word(dice),
            dice.of(lists::COMPANY_KINDS, '|'),
            dice.of(lists::COMPANY_ENDS, '|')
        ),
        4 if dice.chance(40) => format!("{} {} {}", dice.digits(4), coined(dice), dice.below(99) + 1),
        4 if dice.chance(40) => {
            format!("{} {} {}", dice.digits(4), dice.of(lists::STREETS_ELSEWHERE, '|'), dice.below(99) + 1)
        }
        4 => format!("{} {}", dice.of(lists::LAST, ' '), dice.of(lists::COMPANY_ENDS, '|')),
        5 if dice.chance(60) => {
            format!(
                "{}, {} and {}",
                dice.of(lists::LAST, ' '),
                dice.of(lists::LAST, ' '),
                dice.of(lists::LAST, ' ')
            )
        }
        5 => format!("{} {} {}", word(dice), word(dice), dice.of(lists::COMPANY_KINDS, '|')),
        6 => format!("{}-{}", coined(dice), dice.of(lists::LAST, ' ')),
        7 => format!("{}{}", word(dice), word(dice).to_lowercase()),
        8 => format!("{}{}", word(dice), word(dice)),
        9 => format!(
            "{} of {}",
            dice.of("University|Bank|Museum|Institute|Ministry|City Council", '|'),
            place(dice)
        ),
        10 => format!("{} {}", place(dice), dice.of(lists::COMPANY_KINDS, '|')),
        _ => format!("{} {}", word(dice), dice.of(lists::COMPANY_KINDS, '|')),
    }
}

pub fn place(dice: &mut Dice) -> String {
    match dice.below(10) {
        0..=5 => dice.of(lists::PLACES, '|').to_owned(),
        6 => dice.of(lists::PLACES, '|').to_uppercase(),
        7 => format!(
            "{}{}",
            coined(dice),
            dice.of("ville stad burg heim dorf ton ham field city by berg holm", ' ')
        ),
        8 => format!(
            "{} {}",
            dice.of(
                "San|Saint|St.|New|North|South|East|West|Upper|Lower|Port|Mount|Bad|Sankt|La|El|Los|Villa",
                '|'
            ),
            coined(dice)
        ),
        _ => {
            if dice.chance(50) {
                coined(dice).to_uppercase()
            } else {
                coined(dice)
            }
        }
    }
}

pub fn address(dice: &mut Dice) -> String {
    let count = 1 + dice.below(5);
    let number = dice.digits(count).trim_start_matches('0').to_owned() + "1";
    let named = |dice: &mut Dice| match dice.below(3) {
        0 => coined(dice),
        1 => dice.of(lists::STREET_WORDS, ' ').to_owned(),
        _ => format!("{} {}", dice.of(lists::FIRST, ' '), dice.of(lists::LAST, ' ')),
    };
    let street = match dice.below(6) {
        0 if dice.chance(30) => {
            format!("{number} {} {} {}", dice.below(999), named(dice), dice.of(lists::STREET_ENDS, '|'))
        }
        0 => format!("{number} {} {}", named(dice), dice.of(lists::STREET_ENDS, '|')),
        1 => format!("{number} {}", dice.of(lists::STREETS_ELSEWHERE, '|')),
        2 if dice.chance(40) => {
            format!("{number} {} {}", dice.of(lists::STREETS_ELSEWHERE, '|'), dice.below(99) + 1)
        }
        2 if dice.chance(40) => format!("{number} {} {}", coined(dice), dice.below(199) + 1),
        2 => format!("{} {number}", dice.of(lists::STREETS_ELSEWHERE, '|')),
        3 => format!(
            "{}{} {number}",
            coined(dice),
            dice.of("strasse gatan vej veien katu straat utca weg gasse plein tie", ' ')
        ),
        4 => format!(
            "{} {}{} {}",
            dice.digits(4),
            coined(dice),
            dice.of("gatan vej veien katu straat utca", ' '),
            dice.below(99) + 1
        ),
        _ => format!(
            "{number} {} {} {}",
            dice.of("N|S|E|W|NW|SE|North|West", '|'),
            named(dice),
            dice.of(lists::STREET_ENDS, '|')
        ),
    };
    let unit = match dice.below(5) {
        0 => format!("{}Apt. {}", dice.of(" |, |\n", '|'), dice.below(999)),
        1 => format!("{}Suite {}", dice.of(" |, |\n ", '|'), dice.below(999)),
        _ => String::new(),
    };
    let state = dice.of("NY CA TX WA FL OH VIC NSW ON QC BC MA IL", ' ');
    let count = 4 + dice.below(2);
    let code = dice.digits(count);
    let town = place(dice);
    let rest = match dice.below(8) {
        0 => format!(", {town}"),
        1 => format!(", {town}, {state} {code}"),
        2 => format!("\n{town}, {state} {code}"),
        3 => format!("\n {town}\n {} {code}", dice.of(lists::PLACES, '|')),
        4 => format!(", {code} {town}"),
        5 => format!(" {town} {state} {code}"),
        6 => format!("\n{town}\n, {state}\n {code}"),
        _ => String::new(),
    };
    format!("{street}{unit}{rest}")
}

/// Sentences: P is a person, O an organisation, L a place, A an address, # a number, C a capitalised word that names nothing.
const SENTENCES: &[&str] = &[
    "My name is P and I live in L.",
    "I am P.",
    "I'm P, from L.",
    "P works at O.",
    "P, who works for O, lives at A.",
    "Dear P,",
    "Hi P, thanks for your message.",
    "Best regards,\nP",
    "Sincerely, P\nO",
    "From: P\nTo: P\nSubject: C C",
    "Mr. P called about the invoice.",
    "Mrs. P and Mr. P met in L.",
    "Dr. P will see you on Monday at # am.",
    "Ms. P moved from L to L.",
    "Prof. P teaches at O.",
    "Please send the parcel to A.",
    "Our new address is A.",
    "She lives at A with P.",
    "Ship to:\nP\nA",
    "Address: A\nPhone: #",
    "I live at A.",
    "The office of O is at A.",
    "O was founded in # by P.",
    "O announced that P will be the new chief executive.",
    "She joined O in #.",
    "The meeting with O takes place in L.",
    "We flew from L to L last week.",
    "The capital of L is L.",
    "He was born in L in #.",
    "P was born in L and studied at O.",
    "P and P are getting married in L.",
    "What is the weather in L?",
    "How far is it from L to L?",
    "Can you book a flight to L for P?",
    "I bought it at O in L.",
    "O's profits rose by # percent.",
    "P's brother lives in L.",
    "According to P, the project will cost # euros.",
    "Contact P at O for details.",
    "Name: P\nCompany: O\nCity: L",
    "Customer: P, A",
    "The film was directed by P and shot in L.",
    "A song by P, released by O.",
    "P won the match against P in L.",
    "Tell P that O called.",
    "Transfer # dollars to P.",
    "The patient P was admitted to O on C #.",
    "I would like to speak to P please.",
    "P <p@example.com> wrote:",
    "Have you heard of O? They are based in L.",
    "O is hiring in L.",
    "Is O open on Sunday?",
    "the owner of O is P",
    "I met P at O in L",
    "In L, P was known as a poet.",
    "Next year P will move to L.",
    "Yesterday P told me about O.",
    "After the war P returned to L.",
    "Billing address: P\nA",
    "My account is with O.",
    "P said: \"I love L.\"",
    "It was painted by P in #.",
    "P, #, of L, was arrested.",
    "The mayor of L, P, opened the bridge.",
    "P (O)",
    "L, L",
    "P\nO\nA\n# office\n# fax",
    "Flights to L are cheap in C.",
    "P is a C teacher at O.",
    "Our client O, represented by P, lives in L.",
    "The # edition of the festival in L was won by P.",
    "Send it to P, A, please.",
    "How do I get to A?",
    "Her maiden name is P.",
    "Change the name on my card to P.",
    "What do you know about P?",
    "O and O merged in #.",
];

/// More of them: lists, forms, dialogues, signatures.
const MORE: &[&str] = &[
    "C, C, C & C, C & C",
    "C & C, C",
    "C C: C, C, C",
    "P, P, P, P, P and P.",
    "There are #: P, P, P, P and P.",
    "his songs P and P",
    "in \"C C C C C\"",
    "It may be that P was influenced by P.",
    "On C, P met P.",
    "While P was in L, O was sold.",
    "P and his band O",
    "C is C, says P",
    "the C P",
    "When: #\nWhere: L",
    "Before O, P worked for O in L.",
    "O, L",
    "P, O",
    "O - L",
    "P - O",
    "O\nL",
    "P\nL",
    "P\nC\nO",
    "L\n# C",
    "P\nA\nO\n# C",
    "P, O\nA",
    "is P from L or from L?",
    "P, P and P",
    "The winners are P, P, P and P.",
    "P, P, P",
    "Present: P, P, P, and P.",
    "The children are called P, P and P.",
    "P and P",
    "P: \"Where is P?\"",
    "P: C\nP: C",
    "\"C,\" said P.",
    "P asked P to call O.",
    "> P\n> O\n> A",
    ">P\n>O\n>A",
    "P\nC C\nO\nA",
    "P\n\nA",
    "P\n\nL\nL",
    "P\n\nC C\n\nPhone:\n#",
    "Name:    P\nAddress:     A",
    "O\nA",
    "A\nL",
    "My address is A",
    "We moved from A to A.",
    "deliver to A",
    "# people live at A.",
    "There is a C at A.",
    "The shop on A is closed.",
    "The title refers to A.",
    "Where: O\nWhen: #-#-# #:#",
    "Directed By: P",
    "Written by P",
    "Starring P, P and P",
    "Genre: C & C, C\nDirected by: P",
    "P is a huge P fan.",
    "the P version of the song",
    "P's version of C became the first C.",
    "The O Orchestra was founded by P in #.",
    "Music by P; words by P.",
    "The song was sung by P and P.",
    "P (born # in L) is a C.",
    "P, born in L, was a painter.",
    "P is from O",
    "P is from L.",
    "P of O said so.",
    "P from O is the speaker.",
    "O is a design agency based in L.",
    "O is based in L, L.",
    "O, O and O signed the contract.",
    "O supports its customers in L.",
    "I used to work for O.",
    "O (formerly O)",
    "A spokesman for O declined to comment.",
    "the O website",
    "my O account",
    "shares of O fell",
    "O's website",
    "O is a non-profit founded in L.",
    "Looking to support O in L # in its mission.",
    "Work experience: O, L, # to #",
    "Education: O, L",
    "Employer: O",
    "References: P, O",
    "L is beautiful.",
    "I love L and L.",
    "Is L in L?",
    "Nationality: L",
    "Place of birth: L",
    "L # is closed.",
    "the north of L",
    "L's capital is L.",
    "We live near L.",
    "a train from L to L",
    "people in L say",
    "the street in L",
    "the L embassy",
    "L to L in # hours",
    "He grew up in L.",
    "She grew up in L and L.",
    "Patient: P, # years old",
    "A # year old woman named P",
    "P is # years old.",
    "Call P at #.",
    "Account holder: P",
    "Card holder: P",
    "Beneficiary: P, L",
    "I am writing on behalf of P.",
    "This is P speaking.",
    "Who is P?",
    "Ask P.",
    "P?",
    "P!",
    "Thanks P",
    "Cheers,\nP",
    "cc: P, P",
    "@C thanks, P",
    "C@example.com",
    "https://www.C.com/C",
    "www.CC.com",
    "E-mail:\nCC@example.org",
    "the street of P",
    "at the corner of A",
    "Sgt. P",
    "Sir P",
    "Captain P",
    "Judge P",
    "Queen P",
    "ms. P",
    "mr. P",
    "my wife P",
    "my friend P from L",
    "our colleague P",
    "her husband, P,",
    "his mother P",
    "the author P",
    "the late P",
    "uncle P",
];

/// Sentences without a name, full of capitals and digits.
const EMPTY: &[&str] = &[
    "C the text below.",
    "C is a C thing.",
    "The C of the C is C.",
    "C C C",
    "I like C and C.",
    "C: # C",
    "Step #: C the C.",
    "# C in # days.",
    "You are a C. C me a list of # C.",
    "C # of C #",
    "The C API returns # C.",
    "C you C me # examples of C?",
    "\"C\" is a C word.",
    "- C\n- C\n- C",
    "#. C\n#. C",
    "He speaks C and C.",
    "On C # the C was closed.",
    "C, C and C are C.",
    "USE C NOW",
    "I am C.",
    "I'm C.",
    "C C, C C!",
    "What is C?",
    "We need # C by C.",
    "The C costs $#.",
    "C/C",
    "C's C",
    "In C, # people were C.",
    "A C for the C of C",
    "Act as a C. C C.",
    "Version #.# of C",
    "My C is C.",
    "C at # and C at #.",
    "{\"C\": \"C\", \"C\": #}",
    "## C C",
    "C-C",
    "C (C)",
    "C.C",
    "C_C",
    "from C to C",
    "The # C of C",
];

/// One labelled text.
pub fn sentence(dice: &mut Dice, common: &[String]) -> (String, Vec<Label>) {
    let mut text = String::new();
    let mut labels = Vec::new();
    for _ in 0..1 + dice.below(3) {
        if !text.is_empty() {
            text.push_str(if dice.chance(70) { " " } else { "\n" });
        }
        let pattern = if dice.chance(30) {
            EMPTY[dice.below(EMPTY.len())]
        } else {
            let at = dice.below(SENTENCES.len() + MORE.len());
            SENTENCES.get(at).unwrap_or_else(|| &MORE[at - SENTENCES.len()])
        };
        fill(pattern, dice, common, &mut text, &mut labels);
    }
    (text, labels)
}

fn fill(pattern: &str, dice: &mut Dice, common: &[String], text: &mut String, labels: &mut Vec<Label>) {
    let places: Vec<char> = pattern.chars().collect();
    for (i, c) in places.iter().enumerate() {
        let alone = |at: Option<&char>| at.is_none_or(|c| !c.is_ascii_alphanumeric());
        let alone = alone(i.checked_sub(1).and_then(|i| places.get(i))) && alone(places.get(i + 1));
        let (value, kind) = match c {
            'P' if alone => (person(dice), "PERSON"),
            'O' if alone => (organisation(dice), "ORGANIZATION"),
            'L' if alone => (place(dice), "GPE"),
            'A' if alone && pattern != "A C for the C of C" => (address(dice), "STREET_ADDRESS"),
            'C' if alone && dice.chance(60) => {
                let word = &common[dice.below(common.len())];
                (word[..1].to_uppercase() + &word[1..], "")
            }
            'C' if alone => (dice.of(lists::COMMON, '|').to_owned(), ""),
            '#' => {
                let count = 1 + dice.below(4);
                (dice.digits(count), "")
            }
            _ => (c.to_string(), ""),
        };
        let start = text.len();
        text.push_str(&value);
        if !kind.is_empty() {
            labels.push(Label { start, end: text.len(), kind: kind.to_owned() });
        }
    }
}
