//! What is counted: units, currencies, months, numbers as words. Values of one dimension are compared in its base unit.

/// What a number measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    /// Nothing that is known here; the stem of what is counted, where a word follows.
    Count(Option<u64>),
    Percent,
    /// By currency.
    Money(u8),
    /// In seconds.
    Time,
    /// In months: they are no fixed time.
    Months,
    /// In metres.
    Length,
    /// In grams.
    Mass,
    /// In litres.
    Volume,
    /// In bytes.
    Data,
    /// Degrees.
    Degrees,
    /// A year.
    Year,
    /// A time of the day, in minutes.
    Clock,
}

/// Words and signs of units, in small letters: the dimension and how much of the base unit one of them is.
const UNITS: &[(&str, Dimension, f64)] = &[
    ("%", Dimension::Percent, 1.0),
    ("percent", Dimension::Percent, 1.0),
    ("prozent", Dimension::Percent, 1.0),
    ("€", Dimension::Money(0), 1.0),
    ("eur", Dimension::Money(0), 1.0),
    ("euro", Dimension::Money(0), 1.0),
    ("euros", Dimension::Money(0), 1.0),
    ("$", Dimension::Money(1), 1.0),
    ("usd", Dimension::Money(1), 1.0),
    ("dollar", Dimension::Money(1), 1.0),
    ("dollars", Dimension::Money(1), 1.0),
    ("£", Dimension::Money(2), 1.0),
    ("gbp", Dimension::Money(2), 1.0),
    ("pounds", Dimension::Money(2), 1.0),
    ("¥", Dimension::Money(3), 1.0),
    ("yen", Dimension::Money(3), 1.0),
    ("chf", Dimension::Money(4), 1.0),
    ("francs", Dimension::Money(4), 1.0),
    ("franken", Dimension::Money(4), 1.0),
    ("ms", Dimension::Time, 0.001),
    ("milliseconds", Dimension::Time, 0.001),
    ("second", Dimension::Time, 1.0),
    ("seconds", Dimension::Time, 1.0),
    ("sekunde", Dimension::Time, 1.0),
    ("sekunden", Dimension::Time, 1.0),
    ("minute", Dimension::Time, 60.0),
    ("minutes", Dimension::Time, 60.0),
    ("minuten", Dimension::Time, 60.0),
    ("min", Dimension::Time, 60.0),
    ("hour", Dimension::Time, 3_600.0),
    ("hours", Dimension::Time, 3_600.0),
    ("stunde", Dimension::Time, 3_600.0),
    ("stunden", Dimension::Time, 3_600.0),
    ("heures", Dimension::Time, 3_600.0),
    ("horas", Dimension::Time, 3_600.0),
    ("day", Dimension::Time, 86_400.0),
    ("days", Dimension::Time, 86_400.0),
    ("tag", Dimension::Time, 86_400.0),
    ("tage", Dimension::Time, 86_400.0),
    ("tagen", Dimension::Time, 86_400.0),
    ("werktage", Dimension::Time, 86_400.0),
    ("werktagen", Dimension::Time, 86_400.0),
    ("jours", Dimension::Time, 86_400.0),
    ("días", Dimension::Time, 86_400.0),
    ("giorni", Dimension::Time, 86_400.0),
    ("dias", Dimension::Time, 86_400.0),
    ("dagen", Dimension::Time, 86_400.0),
    ("week", Dimension::Time, 604_800.0),
    ("weeks", Dimension::Time, 604_800.0),
    ("woche", Dimension::Time, 604_800.0),
    ("wochen", Dimension::Time, 604_800.0),
    ("semaines", Dimension::Time, 604_800.0),
    ("semanas", Dimension::Time, 604_800.0),
    ("month", Dimension::Months, 1.0),
    ("months", Dimension::Months, 1.0),
    ("monat", Dimension::Months, 1.0),
    ("monate", Dimension::Months, 1.0),
    ("monaten", Dimension::Months, 1.0),
    ("mois", Dimension::Months, 1.0),
    ("meses", Dimension::Months, 1.0),
    ("mesi", Dimension::Months, 1.0),
    ("year", Dimension::Months, 12.0),
    ("years", Dimension::Months, 12.0),
    ("jahr", Dimension::Months, 12.0),
    ("jahre", Dimension::Months, 12.0),
    ("jahren", Dimension::Months, 12.0),
    ("ans", Dimension::Months, 12.0),
    ("années", Dimension::Months, 12.0),
    ("años", Dimension::Months, 12.0),
    ("anni", Dimension::Months, 12.0),
    ("mm", Dimension::Length, 0.001),
    ("cm", Dimension::Length, 0.01),
    ("m", Dimension::Length, 1.0),
    ("metres", Dimension::Length, 1.0),
    ("meters", Dimension::Length, 1.0),
    ("meter", Dimension::Length, 1.0),
    ("km", Dimension::Length, 1_000.0),
    ("kilometres", Dimension::Length, 1_000.0),
    ("kilometers", Dimension::Length, 1_000.0),
    ("kilometer", Dimension::Length, 1_000.0),
    ("miles", Dimension::Length, 1_609.344),
    ("mg", Dimension::Mass, 0.001),
    ("g", Dimension::Mass, 1.0),
    ("grams", Dimension::Mass, 1.0),
    ("gramm", Dimension::Mass, 1.0),
    ("kg", Dimension::Mass, 1_000.0),
    ("kilograms", Dimension::Mass, 1_000.0),
    ("kilos", Dimension::Mass, 1_000.0),
    ("kilogramm", Dimension::Mass, 1_000.0),
    ("tonnes", Dimension::Mass, 1_000_000.0),
    ("tonnen", Dimension::Mass, 1_000_000.0),
    ("ml", Dimension::Volume, 0.001),
    ("l", Dimension::Volume, 1.0),
    ("litres", Dimension::Volume, 1.0),
    ("liters", Dimension::Volume, 1.0),
    ("liter", Dimension::Volume, 1.0),
    ("kb", Dimension::Data, 1e3),
    ("mb", Dimension::Data, 1e6),
    ("gb", Dimension::Data, 1e9),
    ("tb", Dimension::Data, 1e12),
    ("°c", Dimension::Degrees, 1.0),
    ("degrees", Dimension::Degrees, 1.0),
    ("grad", Dimension::Degrees, 1.0),
];

/// Words that make a number larger.
const MAGNITUDES: &[(&str, f64)] = &[
    ("thousand", 1e3),
    ("tausend", 1e3),
    ("mille", 1e3),
    ("mil", 1e3),
    ("k", 1e3),
    ("million", 1e6),
    ("millions", 1e6),
    ("millionen", 1e6),
    ("millones", 1e6),
    ("mio", 1e6),
    ("mn", 1e6),
    ("billion", 1e9),
    ("billions", 1e9),
    ("milliarden", 1e9),
    ("milliards", 1e9),
    ("mrd", 1e9),
    ("bn", 1e9),
];

/// Numbers as words.
const NUMBERS: &[(&str, f64)] = &[
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("sixty", 60.0),
    ("ninety", 90.0),
    ("zwei", 2.0),
    ("drei", 3.0),
    ("vier", 4.0),
    ("fünf", 5.0),
    ("sechs", 6.0),
    ("sieben", 7.0),
    ("acht", 8.0),
    ("neun", 9.0),
    ("zehn", 10.0),
    ("elf", 11.0),
    ("zwölf", 12.0),
    ("vierzehn", 14.0),
    ("dreißig", 30.0),
    ("deux", 2.0),
    ("trois", 3.0),
    ("quatre", 4.0),
    ("cinq", 5.0),
    ("dix", 10.0),
    ("dos", 2.0),
    ("tres", 3.0),
    ("cuatro", 4.0),
    ("cinco", 5.0),
    ("diez", 10.0),
];

/// Names of months by their first letters, in small letters.
const MONTHS: &[(&str, u8)] = &[
    ("januar", 1),
    ("january", 1),
    ("jan", 1),
    ("janvier", 1),
    ("enero", 1),
    ("februar", 2),
    ("february", 2),
    ("feb", 2),
    ("février", 2),
    ("febrero", 2),
    ("märz", 3),
    ("march", 3),
    ("mar", 3),
    ("mars", 3),
    ("marzo", 3),
    ("april", 4),
    ("apr", 4),
    ("avril", 4),
    ("abril", 4),
    ("may", 5),
    ("mai", 5),
    ("mayo", 5),
    ("june", 6),
    ("juni", 6),
    ("jun", 6),
    ("juin", 6),
    ("junio", 6),
    ("july", 7),
    ("juli", 7),
    ("jul", 7),
    ("juillet", 7),
    ("julio", 7),
    ("august", 8),
    ("aug", 8),
    ("août", 8),
    ("agosto", 8),
    ("september", 9),
    ("sept", 9),
    ("sep", 9),
    ("septembre", 9),
    ("septiembre", 9),
    ("october", 10),
    ("oktober", 10),
    ("oct", 10),
    ("okt", 10),
    ("octobre", 10),
    ("octubre", 10),
    ("november", 11),
    ("nov", 11),
    ("novembre", 11),
    ("noviembre", 11),
    ("december", 12),
    ("dezember", 12),
    ("dec", 12),
    ("dez", 12),
    ("décembre", 12),
    ("diciembre", 12),
];

/// Words that make a number a rough one.
const ROUGH: [&str; 14] = [
    "about",
    "almost",
    "approximately",
    "around",
    "ca",
    "circa",
    "etwa",
    "fast",
    "nearly",
    "over",
    "rund",
    "roughly",
    "ungefähr",
    "environ",
];

fn of<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

/// The unit that a word or sign is.
pub(super) fn unit(word: &str) -> Option<(Dimension, f64)> {
    UNITS.iter().find(|(known, ..)| *known == word).map(|(_, dimension, factor)| (*dimension, *factor))
}

pub(super) fn magnitude(word: &str) -> Option<f64> {
    of(MAGNITUDES, word)
}

pub(super) fn number(word: &str) -> Option<f64> {
    of(NUMBERS, word)
}

pub(super) fn month(word: &str) -> Option<u8> {
    of(MONTHS, word)
}

pub(super) fn is_rough(word: &str) -> bool {
    ROUGH.contains(&word)
}
