use cordon_core::Category;

use crate::report::Disposition;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $category:literal, $disposition:ident, $sentence:literal;)+) => {
        /// What was seen in a file, and why that matters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $sentence] $name,)+
        }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its category, for guards: below `file`.
            pub const fn category(self) -> Category {
                Category::known(match self { $(Self::$name => $category,)+ })
            }

            /// What becomes of a file for this reason alone, where nobody says otherwise.
            pub const fn disposition(self) -> Disposition {
                match self { $(Self::$name => Disposition::$disposition,)+ }
            }

            /// In words, without anything that the file holds.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)+ }
            }
        }
    };
}

reasons! {
    ActiveX = "file/active/activex", Reject, "it holds an ActiveX control";
    AdditionalAction = "file/active/additional_action", Reject, "an event of it starts an action";
    AliasBomb = "file/bomb/alias", Reject, "its aliases multiply it beyond all proportion";
    Ambiguous = "file/archive/ambiguous", Reject, "two readers would see two different archives";
    Appended = "file/appended", Reject, "there is data behind its end";
    Bomb = "file/bomb", Reject, "it unpacks to more than is allowed";
    Channels = "file/image/channels", Reject, "its colour channels are none of its format";
    Checksum = "file/checksum", Reject, "a checksum is wrong";
    CommandCell = "file/active/command_cell", Reject, "a cell runs a command or asks a server";
    Comment = "file/hidden/comment", Accept, "it holds comments, which a reader does not see";
    CompressionAnomaly = "file/image/compression", Reject, "its pixels are not as many as it says";
    Constructor = "file/active/constructor", Reject, "a tag of it would make a reader build an object of code";
    Damaged = "file/damaged", Quarantine, "it can be read only by guessing";
    Dde = "file/active/dde", Reject, "it starts a program by dynamic data exchange";
    DeviceName = "file/archive/device_name", Reject, "an entry has the name of a device";
    Dimensions = "file/image/dimensions", Reject, "it has more pixels than are allowed";
    DuplicateKey = "file/data/duplicate_key", Reject, "a key stands twice";
    DuplicateName = "file/archive/duplicate_name", Reject, "two entries have one name";
    EmbeddedFile = "file/embedded", Accept, "another file is inside of it";
    Encrypted = "file/encrypted", Quarantine, "it is encrypted and cannot be inspected";
    EntityExpansion = "file/bomb/entity", Reject, "it defines entities of its own";
    EscapedName = "file/obfuscated_name", Reject, "it writes the name of something active so that a search does not find it";
    EventHandler = "file/active/event_handler", Reject, "an element of it runs code on an event";
    Executable = "file/executable", Reject, "it is a program";
    ExternalEntity = "file/external/entity", Reject, "it makes its reader fetch an entity";
    ExternalLink = "file/external/link", Accept, "it links to something elsewhere";
    ExternalPath = "file/model/external_path", Reject, "a model reads its numbers from outside of its own folder";
    ExternalReference = "file/external/reference", Quarantine, "it makes its reader fetch something elsewhere";
    ExternalTemplate = "file/external/template", Reject, "its template lies elsewhere";
    FontMap = "file/hidden/font_map", Quarantine, "its letters look other than the text that they are";
    ForeignObject = "file/active/foreign_object", Reject, "a drawing holds a document";
    Form = "file/active/form", Reject, "it sends or fetches data of a form";
    Formula = "file/data/formula", Quarantine, "a cell is a formula for who opens it in a spreadsheet";
    Frames = "file/image/frames", Reject, "it has more frames than are allowed";
    HiddenSheet = "file/hidden/sheet", Accept, "it holds sheets, slides, rows or columns that a reader does not see";
    HiddenText = "file/hidden/text", Accept, "it holds text that a reader does not see";
    JavaScript = "file/active/javascript", Reject, "it holds JavaScript";
    Layer = "file/model/layer", Reject, "a layer of a model is code";
    Launch = "file/active/launch", Reject, "it starts a program";
    Link = "file/archive/link", Reject, "an entry is a link";
    Location = "file/image/location", Accept, "it says where it was taken";
    Macro = "file/active/macro", Reject, "it holds macros";
    Malformed = "file/malformed", Reject, "it is not built as its format says";
    Metadata = "file/metadata", Accept, "its metadata holds text";
    Mismatch = "file/type_mismatch", Reject, "it is not of the type that it is said to be";
    MixedEncoding = "file/data/encoding", Accept, "not all of its text is in one encoding";
    ModelCode = "file/model/code", Reject, "loading it runs code, or leads to what does";
    NameDirection = "file/name_direction", Reject, "a name turns the direction of writing, so that it reads as another";
    NestedTooDeep = "file/nested_too_deep", Reject, "files lie too deep inside one another";
    NotInspected = "file/not_inspected", Quarantine, "the work that was allowed did not do for all of it";
    NumberRange = "file/data/number_range", Reject, "a number is out of range";
    OleObject = "file/active/ole_object", Reject, "it holds an object of another program";
    OpenAction = "file/active/open_action", Reject, "opening it starts an action";
    Overlap = "file/archive/overlap", Reject, "entries share bytes";
    Pixels = "file/not_inspected/pixels", Accept, "what its pixels show was not read";
    Polyglot = "file/polyglot", Reject, "it is a file of two types at once";
    Prepended = "file/prepended", Reject, "there is data before its beginning";
    Ragged = "file/data/ragged", Accept, "its rows have different numbers of cells";
    RemoteAction = "file/active/remote", Reject, "it leads into another file";
    RemoteCode = "file/model/remote_code", Reject, "it makes a loader run code that lies beside the model";
    RichMedia = "file/active/rich_media", Reject, "it holds media that run in a reader";
    Script = "file/active/script", Reject, "it holds a script";
    StreamName = "file/archive/stream_name", Reject, "an entry names a stream of another file";
    Superseded = "file/hidden/superseded", Accept, "it holds what a later change has replaced";
    Template = "file/model/template", Reject, "a template for chats reaches for what is behind the objects that it is given";
    TooDeep = "file/data/too_deep", Reject, "it is nested deeper than is allowed";
    TooLarge = "file/too_large", Reject, "it is larger than is allowed";
    TooMany = "file/too_many", Reject, "it holds more things than are allowed";
    Trailing = "file/trailing", Accept, "there are bytes behind its end that are nothing known";
    Traversal = "file/archive/traversal", Reject, "an entry would be written outside of its folder";
    UnknownObject = "file/model/unknown_object", Reject, "loading it makes an object of which nobody knows what it does";
    UnknownType = "file/unknown_type", Quarantine, "its type is not known";
    Unreadable = "file/not_inspected/format", Quarantine, "it is of a format that is not looked into";
    UnreadableText = "file/not_inspected/text", Quarantine, "nothing says which letters its glyphs are";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_is_one_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        let file = Category::known("file");
        for reason in Reason::ALL {
            assert!(Category::parse(reason.category().as_str()).is_ok(), "{reason:?}");
            assert!(file.covers(&reason.category()) && seen.insert(reason.category()), "{reason:?}");
            assert!(!reason.sentence().ends_with('.'));
        }
    }
}
