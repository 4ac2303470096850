//! What describes a person or a place and is no number of a register: telephones, birth dates, ages, coordinates.

use super::{COORDINATES, PERSONAL};
use crate::detector::PHONE;
use crate::pii::check::number;
use crate::pii::row::{Row, any};
use crate::pii::{coordinates, date, phone};

const PHONE_WORDS: &str = "phone|tel~|telephone|phones|mobile|cell|cellphone|whatsapp|fax|sms|dial|telefon|handy|mobil|\
telefono|tel fono|telephones|portable|celular|telefone|telemovel|movil|hotline|call|telefoonnummer|gsm|telefonnummer|\
telefonnumer|puhelin|puhelinnumero|puh|landline|phone number|contact number|\
office|answering at|call me at|reach me at|reach us at|me at|her at|him at|them at|us at|messages to|registered|contact me|mobilnummer|numero de telephone|rufnummer|\
телефон|тел|Тел|Телефон|电话|手机|電話|携帯|전화|휴대폰|هاتف|جوال|טלפון|נייד|โทร|फ़ोन|फोन|मोबाइल|τηλ|Τηλ|τηλέφωνο|κινητό|Κινητό|καλέστε|拨打|请打|致电|来电|热线|số điện thoại";

pub(super) const ROWS: &[Row] = &[
    Row::new("pii/phone", PHONE, (phone::LOOSE, ""), any, [0, 0, 0], PHONE_WORDS),
    Row::new(
        "pii/phone",
        PHONE,
        (phone::STRUCTURED, ""),
        any,
        [0, 0, 0],
        "phone|tel|telephone|phones|mobile|cell|cellphone|whatsapp|fax|sms|dial|telefon|handy|mobil|telefono|\
         telephones|portable|celular|telefone|telemovel|movil|hotline|call|telefoonnummer|gsm|telefonnummer|puhelin|\
         landline|rufnummer|text|reach|number|contact|ring|signal|at|calling|office|ext|extension|desk|home|work|answering|\
         телефон|тел|Тел|Телефон|电话|手机|電話|携帯|전화|휴대폰|هاتف|جوال|טלפון|נייד|โทร|फ़ोन|फोन|मोबाइल|τηλ|Τηλ|τηλέφωνο|κινητό|Κινητό|καλέστε|拨打|请打|致电|来电|热线|puh",
    ),
    Row::new("pii/birth_date", PERSONAL, (date::BIRTH_DATE, ""), any, [0, 0, 0], BIRTH_WORDS),
    Row::new("pii/birth_date", PERSONAL, ("99999999", ""), is_written_together, [0, 0, 85], BIRTH_WORDS),
    Row::new(
        "pii/age",
        PERSONAL,
        ("9|99|999", ""),
        is_age,
        [0, 0, 45],
        "aged~|age~|age of~|when he was|when she was|when i was|years old|year old|years of age|y o|yo|yrs old|yr old|turned|turning|ll turn|ans|jahre alt|jahriger|jahrige|\
         jahren alt|alter|anos de edad|anos de idade|edad|idade|anni|leeftijd|jaar oud|jarig|ar gammal|ar gammel|wiek|\
         岁|歳|세|лет|года|عمره|שנים",
    )
    .near(20),
    Row::new(
        "pii/coordinates",
        COORDINATES,
        (coordinates::PAIR, ""),
        any,
        [0, 0, 0],
        "lat|latitude|lon|lng|long|longitude|gps|coordinates|coords|coordinate|location|located|geo|position|koordinaten|\
         standort|coordonnees|coordenadas|ubicacion|coordinate geografiche|lives at|坐标|座標|координаты",
    ),
    Row::new(
        "pii/coordinates",
        COORDINATES,
        (coordinates::SINGLE, ""),
        any,
        [0, 0, 0],
        "lat|latitude|lon|lng|longitude|latitud|longitud|breitengrad|langengrad|longueur|широта|долгота|纬度|经度",
    ),
];

const BIRTH_WORDS: &str = "born|birth|birthdt|dob|d o b|birthday|birthdate|birth date|date of birth|bday|geboren|geb|geburtstag|\
geburtsdatum|nee le|ne le|naissance|nacido|nacida|nacimiento|nato|nata|nascita|nascimento|nascido|nascida|geboortedatum|\
fodd|fodt|fodselsdato|fodelsedatum|syntynyt|syntymaaika|urodzony|urodzona|urodzenia|narozeni|narozen|szuletett|\
szuletesi|nascut|nascuta|nasterii|dogum tarihi|рождения|родился|родилась|роден|γέννησης|生年月日|誕生日|出生日期|出生|生于|生於|生日|생년월일|생일|출생|تاریخ تولد|متولد|تولد|مواليد|तारीख|\
تاريخ الميلاد|מולד|תאריך לידה|जन्म|วันเกิด|ngày sinh";

/// Nobody is known to have been older than 122.
fn is_age(text: &[u8]) -> bool {
    (1..=122).contains(&number(text, 0..3))
}

/// Year, month and day, or day, month and year, as eight digits.
fn is_written_together(text: &[u8]) -> bool {
    let n = |from: usize, to: usize| number(text, from..to);
    let of = |year: u32, month: u32, day: u32| {
        (1900..2100).contains(&year) && crate::pii::check::is_date(year, month, day)
    };
    of(n(0, 4), n(4, 6), n(6, 8)) || of(n(4, 8), n(2, 4), n(0, 2)) || of(n(4, 8), n(0, 2), n(2, 4))
}
