//! The classes of bad files, which are the reasons, against the samples that these tests make: each class has a file that is told, and
//! beside it, in the same test and of the same ending, one that is accepted and not told.
//!
//! `cargo test -p cordon-files --test files classes -- --nocapture` prints the share.

use std::collections::BTreeMap;

use cordon_files::{Disposition, Reason};

use crate::{
    archives, benign, bounds, data, documents, evasions, images, markup, models, pdfs,
    support::classes::{Samples, take},
    types,
};

/// The tests that make samples.
const TESTS: &[(&str, fn())] = &[
    ("archives::an_ordinary_archive_is_read", archives::an_ordinary_archive_is_read),
    ("archives::names_that_leave_the_folder_are_refused", archives::names_that_leave_the_folder_are_refused),
    (
        "archives::links_and_names_that_stand_twice_are_refused",
        archives::links_and_names_that_stand_twice_are_refused,
    ),
    (
        "archives::an_archive_that_two_readers_read_differently_is_refused",
        archives::an_archive_that_two_readers_read_differently_is_refused,
    ),
    ("archives::entries_that_share_bytes_are_refused", archives::entries_that_share_bytes_are_refused),
    (
        "archives::what_is_encrypted_or_of_another_format_is_kept_apart",
        archives::what_is_encrypted_or_of_another_format_is_kept_apart,
    ),
    ("archives::bombs_do_not_go_off", archives::bombs_do_not_go_off),
    (
        "archives::archives_too_deep_inside_one_another_are_refused",
        archives::archives_too_deep_inside_one_another_are_refused,
    ),
    ("archives::damage_is_seen", archives::damage_is_seen),
    ("archives::what_is_inside_counts", archives::what_is_inside_counts),
    ("benign::lines_of_a_log_are_text", benign::lines_of_a_log_are_text),
    (
        "benign::what_office_programs_keep_beside_a_text_is_no_object",
        benign::what_office_programs_keep_beside_a_text_is_no_object,
    ),
    (
        "benign::a_template_on_the_writers_own_drive_is_fetched_by_nobody",
        benign::a_template_on_the_writers_own_drive_is_fetched_by_nobody,
    ),
    (
        "benign::what_macos_adds_to_archives_is_no_mismatch",
        benign::what_macos_adds_to_archives_is_no_mismatch,
    ),
    (
        "benign::sentences_and_names_in_tables_are_no_formulas",
        benign::sentences_and_names_in_tables_are_no_formulas,
    ),
    ("bounds::what_stands_behind_a_flood_is_seen", bounds::what_stands_behind_a_flood_is_seen),
    (
        "bounds::a_first_code_at_the_end_of_its_range_is_no_panic",
        bounds::a_first_code_at_the_end_of_its_range_is_no_panic,
    ),
    ("bounds::what_codes_stand_for_is_bounded", bounds::what_codes_stand_for_is_bounded),
    (
        "bounds::objects_that_are_one_piece_of_a_stream_are_charged_each",
        bounds::objects_that_are_one_piece_of_a_stream_are_charged_each,
    ),
    ("bounds::pieces_of_a_page_are_bounded", bounds::pieces_of_a_page_are_bounded),
    ("bounds::what_costs_time_is_counted", bounds::what_costs_time_is_counted),
    ("bounds::large_documents_are_not_too_many_things", bounds::large_documents_are_not_too_many_things),
    (
        "bounds::of_a_text_that_is_too_long_the_beginning_is_read",
        bounds::of_a_text_that_is_too_long_the_beginning_is_read,
    ),
    ("data::tables_are_read_and_formulas_told", data::tables_are_read_and_formulas_told),
    ("data::json_is_read_as_strictly_as_a_request", data::json_is_read_as_strictly_as_a_request),
    (
        "data::yaml_that_multiplies_or_builds_objects_is_refused",
        data::yaml_that_multiplies_or_builds_objects_is_refused,
    ),
    ("data::texts_of_other_encodings_are_read", data::texts_of_other_encodings_are_read),
    ("documents::a_text_document_is_read", documents::a_text_document_is_read),
    ("documents::macros_are_refused", documents::macros_are_refused),
    ("documents::what_lies_elsewhere_is_told_apart", documents::what_lies_elsewhere_is_told_apart),
    ("documents::objects_and_exchanges_are_refused", documents::objects_and_exchanges_are_refused),
    ("documents::entities_are_refused_and_not_expanded", documents::entities_are_refused_and_not_expanded),
    (
        "documents::text_that_nobody_sees_is_told_from_text_on_a_dark_ground",
        documents::text_that_nobody_sees_is_told_from_text_on_a_dark_ground,
    ),
    ("documents::hidden_sheets_rows_and_cells_are_told", documents::hidden_sheets_rows_and_cells_are_told),
    (
        "documents::slides_are_read_and_what_is_off_them_is_told",
        documents::slides_are_read_and_what_is_off_them_is_told,
    ),
    ("documents::open_documents_are_read", documents::open_documents_are_read),
    ("documents::compound_files_are_read", documents::compound_files_are_read),
    ("documents::rich_text_is_read", documents::rich_text_is_read),
    ("documents::what_is_embedded_is_inspected", documents::what_is_embedded_is_inspected),
    (
        "evasions::kinds_of_actions_are_found_behind_references_and_repeated_keys",
        evasions::kinds_of_actions_are_found_behind_references_and_repeated_keys,
    ),
    (
        "evasions::a_comment_in_a_document_type_hides_nothing",
        evasions::a_comment_in_a_document_type_hides_nothing,
    ),
    (
        "evasions::comments_and_raw_elements_end_where_browsers_end_them",
        evasions::comments_and_raw_elements_end_where_browsers_end_them,
    ),
    ("evasions::each_field_is_judged_by_itself", evasions::each_field_is_judged_by_itself),
    ("evasions::names_in_compound_files_have_no_case", evasions::names_in_compound_files_have_no_case),
    (
        "evasions::bytes_in_rich_text_hide_nothing_behind_them",
        evasions::bytes_in_rich_text_hide_nothing_behind_them,
    ),
    (
        "evasions::a_table_that_another_program_splits_otherwise_runs_nothing",
        evasions::a_table_that_another_program_splits_otherwise_runs_nothing,
    ),
    ("evasions::tags_and_blocks_hide_no_constructor", evasions::tags_and_blocks_hide_no_constructor),
    (
        "evasions::names_and_sizes_of_archives_are_read_one_way",
        evasions::names_and_sizes_of_archives_are_read_one_way,
    ),
    (
        "evasions::characters_as_numbers_stand_for_the_bytes_that_are_said",
        evasions::characters_as_numbers_stand_for_the_bytes_that_are_said,
    ),
    (
        "evasions::a_document_in_the_comment_of_a_picture_is_seen",
        evasions::a_document_in_the_comment_of_a_picture_is_seen,
    ),
    (
        "evasions::objects_that_only_a_table_leads_to_are_seen",
        evasions::objects_that_only_a_table_leads_to_are_seen,
    ),
    (
        "images::pictures_are_accepted_and_said_to_be_unread",
        images::pictures_are_accepted_and_said_to_be_unread,
    ),
    (
        "images::pictures_of_too_many_pixels_are_refused_by_their_headers",
        images::pictures_of_too_many_pixels_are_refused_by_their_headers,
    ),
    (
        "images::channels_and_compression_must_be_those_of_the_format",
        images::channels_and_compression_must_be_those_of_the_format,
    ),
    ("images::texts_beside_the_pixels_are_read", images::texts_beside_the_pixels_are_read),
    ("images::where_a_picture_was_taken_is_told", images::where_a_picture_was_taken_is_told),
    ("images::what_stands_behind_a_picture_is_told", images::what_stands_behind_a_picture_is_told),
    ("markup::pages_are_read", markup::pages_are_read),
    ("markup::what_acts_is_refused", markup::what_acts_is_refused),
    ("markup::what_nobody_sees_is_told", markup::what_nobody_sees_is_told),
    ("markup::drawings_that_act_are_refused", markup::drawings_that_act_are_refused),
    ("markup::xml_is_read", markup::xml_is_read),
    ("models::what_a_harmless_pickle_builds_is_accepted", models::what_a_harmless_pickle_builds_is_accepted),
    (
        "models::a_pickle_that_calls_a_program_is_refused_in_every_protocol",
        models::a_pickle_that_calls_a_program_is_refused_in_every_protocol,
    ),
    (
        "models::what_is_not_known_to_be_harmless_is_refused",
        models::what_is_not_known_to_be_harmless_is_refused,
    ),
    (
        "models::a_pickle_that_hides_what_it_calls_is_refused",
        models::a_pickle_that_hides_what_it_calls_is_refused,
    ),
    (
        "models::what_stands_behind_the_end_is_read_or_told",
        models::what_stands_behind_the_end_is_read_or_told,
    ),
    ("models::packed_models_are_unpacked", models::packed_models_are_unpacked),
    ("models::arrays_of_objects_are_pickles", models::arrays_of_objects_are_pickles),
    ("models::tensors_lie_where_they_say", models::tensors_lie_where_they_say),
    ("models::templates_and_counts_of_models_are_read", models::templates_and_counts_of_models_are_read),
    ("models::numbers_of_a_graph_lie_in_its_own_folder", models::numbers_of_a_graph_lie_in_its_own_folder),
    (
        "models::layers_and_settings_that_are_code_are_refused",
        models::layers_and_settings_that_are_code_are_refused,
    ),
    ("pdfs::pages_are_read", pdfs::pages_are_read),
    ("pdfs::actions_are_refused_also_by_other_names", pdfs::actions_are_refused_also_by_other_names),
    ("pdfs::what_object_streams_pack_is_seen", pdfs::what_object_streams_pack_is_seen),
    ("pdfs::files_inside_are_inspected", pdfs::files_inside_are_inspected),
    (
        "pdfs::text_that_nobody_sees_is_told_from_a_title_on_a_banner",
        pdfs::text_that_nobody_sees_is_told_from_a_title_on_a_banner,
    ),
    ("pdfs::what_lies_behind_a_picture_is_told", pdfs::what_lies_behind_a_picture_is_told),
    ("pdfs::fonts_are_read_and_those_that_lie_are_told", pdfs::fonts_are_read_and_those_that_lie_are_told),
    ("pdfs::what_is_broken_is_kept_apart_and_ends", pdfs::what_is_broken_is_kept_apart_and_ends),
    ("pdfs::bombs_in_streams_do_not_go_off", pdfs::bombs_in_streams_do_not_go_off),
    ("pdfs::what_a_revision_replaced_is_read", pdfs::what_a_revision_replaced_is_read),
    ("pdfs::what_is_said_about_a_document_is_read", pdfs::what_is_said_about_a_document_is_read),
    (
        "types::content_is_held_against_name_and_media_type",
        types::content_is_held_against_name_and_media_type,
    ),
    ("types::a_file_of_two_types_is_neither", types::a_file_of_two_types_is_neither),
    ("types::a_file_that_is_too_large_is_not_opened", types::a_file_that_is_too_large_is_not_opened),
    (
        "types::findings_name_reasons_once_and_hold_no_content",
        types::findings_name_reasons_once_and_hold_no_content,
    ),
];

#[test]
fn every_class_has_a_bad_file_and_a_benign_twin() {
    take();
    let mut samples: BTreeMap<&str, Samples> = BTreeMap::new();
    for (name, test) in TESTS {
        test();
        samples.insert(name, take());
    }
    let has_bad =
        |reason: Reason| samples.values().any(|samples| samples.bad.iter().any(|(bad, _)| *bad == reason));
    let has_twin = |reason: Reason| {
        samples.values().any(|samples| {
            let endings = samples.bad.iter().filter(|(bad, _)| *bad == reason).map(|(_, ending)| ending);
            endings.into_iter().any(|ending| {
                samples.good.iter().any(|(good, seen)| good == ending && !seen.contains(&reason))
            })
        })
    };
    let without = |has: &dyn Fn(Reason) -> bool| -> Vec<Reason> {
        Reason::ALL.iter().copied().filter(|reason| !has(*reason)).collect()
    };
    for (kind, of) in [
        ("refused", Disposition::Reject),
        ("kept apart", Disposition::Quarantine),
        ("noted", Disposition::Accept),
    ] {
        let all: Vec<Reason> =
            Reason::ALL.iter().copied().filter(|reason| reason.disposition() == of).collect();
        let covered = all.iter().filter(|reason| has_bad(**reason) && has_twin(**reason)).count();
        println!("classes that are {kind}: {covered} of {} have a bad file and a benign twin", all.len());
    }
    let missing = [without(&has_bad), without(&has_twin)];
    assert_eq!(
        missing,
        [[], []],
        "no test makes a bad file that is told for these, or the benign twin of one"
    );
}
