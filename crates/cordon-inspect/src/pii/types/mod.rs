//! The types: one row per way to write one. A new type is a row here, with its check if it has one.

mod africa_and_middle_east;
mod americas;
mod asia;
mod british_isles;
mod central_europe;
mod devices;
mod finance;
mod medicine;
mod north_america;
mod northern_europe;
mod oceania;
mod papers;
mod persons;
mod southern_europe;
mod western_europe;

use crate::detector::Detector;
use crate::pii::row::{Row, family};

const NATIONAL_ID: Detector = family("pii.national_id");
const SOCIAL_ID: Detector = family("pii.social_id");
const TAX_ID: Detector = family("pii.tax_id");
const COMPANY_ID: Detector = family("pii.company_id");
const HEALTH_ID: Detector = family("pii.health_id");
const PASSPORT: Detector = family("pii.passport");
const LICENCE: Detector = family("pii.licence");
const BANK: Detector = family("pii.bank");
const VEHICLE: Detector = family("pii.vehicle");
const DEVICE: Detector = family("pii.device");
const MEDICAL: Detector = family("pii.medical");
const PERSONAL: Detector = family("pii.personal");
const POSTCODE: Detector = family("pii.postcode");
const COORDINATES: Detector = family("pii.coordinates");

/// All rows, the ones that decide among equals first.
pub(super) fn all() -> impl Iterator<Item = &'static Row> {
    [
        persons::ROWS,
        north_america::ROWS,
        british_isles::ROWS,
        western_europe::ROWS,
        southern_europe::ROWS,
        northern_europe::ROWS,
        central_europe::ROWS,
        americas::ROWS,
        asia::ROWS,
        oceania::ROWS,
        africa_and_middle_east::ROWS,
        finance::ROWS,
        medicine::ROWS,
        devices::ROWS,
        papers::ROWS,
    ]
    .into_iter()
    .flatten()
}
