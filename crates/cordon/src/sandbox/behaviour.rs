//! How a caller tells the sandbox to misbehave: words joined by `+`, such as `slow-500+pace-20` or `cut`.

use std::time::Duration;

/// What an answer does beside answering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Behaviour {
    /// Before the first byte.
    pub(super) slow: Duration,
    /// Tokens a second of a stream.
    pub(super) pace: Option<u32>,
    /// Tokens of the answer, filled up.
    pub(super) long: Option<usize>,
    pub(super) split: Option<Split>,
    pub(super) fault: Option<Fault>,
}

/// How bytes are cut anew, each piece an HTTP chunk and a write of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// At places that do not respect events.
    Frames,
    /// In the middle of every character of more than one byte.
    Utf8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection closes in the middle.
    Closed,
    /// A stream ends in order, without a finish reason and without `[DONE]`; other answers as `Truncated`.
    Cut,
    /// No body at all.
    Empty,
    /// It never ends.
    Endless,
    /// An error of this status.
    Error(u16),
    /// Bytes that are no text.
    Garbage,
    /// One line of so many bytes.
    HugeLine(usize),
    /// It begins, and says nothing more.
    Stall,
    /// The content stops in the middle; HTTP ends in order.
    Truncated,
    /// JSON of another form.
    WrongJson,
}

/// The name of the model without faults; with behaviours the names are `sandbox-WORD`.
pub(super) const GULLIBLE: &str = "sandbox-gullible";

/// Names for the list of models: each misbehaviour with a usual measure.
pub(super) const MODELS: [&str; 19] = [
    GULLIBLE,
    "sandbox-closed",
    "sandbox-cut",
    "sandbox-empty",
    "sandbox-endless",
    "sandbox-error-429",
    "sandbox-error-500",
    "sandbox-error-503",
    "sandbox-garbage",
    "sandbox-huge-line-4194304",
    "sandbox-long-1000",
    "sandbox-pace-50",
    "sandbox-slow-1000",
    "sandbox-slow-1000+pace-50",
    "sandbox-split-frames",
    "sandbox-split-utf8",
    "sandbox-stall",
    "sandbox-truncated",
    "sandbox-wrong-json",
];

impl Behaviour {
    /// Of a model's name, `None` when there is no such model.
    pub(super) fn of_model(name: &str) -> Option<Self> {
        if name == GULLIBLE {
            return Some(Self::default());
        }
        Self::default().and(name.strip_prefix("sandbox-")?)
    }

    /// This and what the words say; `None` when one is unknown or its measure out of bounds.
    pub(super) fn and(mut self, words: &str) -> Option<Self> {
        for word in words.split(['+', ',']).map(str::trim) {
            self.read(word)?;
        }
        Some(self)
    }

    fn read(&mut self, word: &str) -> Option<()> {
        let (name, measure) = match word.rsplit_once('-') {
            Some((name, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                (name, Some(digits.parse::<u32>().ok()?))
            }
            _ => (word, None),
        };
        let within = |least: u32, most: u32| measure.filter(|measure| (least..=most).contains(measure));
        let size = |most: u32| within(1, most).and_then(|measure| usize::try_from(measure).ok());
        let fault = match (name, measure) {
            ("gullible" | "credit", None) => return Some(()),
            ("slow", _) => {
                self.slow = Duration::from_millis(within(0, 600_000)?.into());
                return Some(());
            }
            ("pace", _) => {
                self.pace = Some(within(1, 100_000)?);
                return Some(());
            }
            ("long", _) => {
                self.long = Some(size(100_000)?);
                return Some(());
            }
            ("split-frames", None) => {
                self.split = Some(Split::Frames);
                return Some(());
            }
            // Its measure reads as a number, being a part of the name.
            ("split-utf8", None) => {
                self.split = Some(Split::Utf8);
                return Some(());
            }
            ("closed", None) => Fault::Closed,
            ("cut", None) => Fault::Cut,
            ("empty", None) => Fault::Empty,
            ("endless", None) => Fault::Endless,
            ("error", _) => Fault::Error(u16::try_from(within(400, 599)?).ok()?),
            ("broken", None) => Fault::Error(500),
            ("garbage", None) => Fault::Garbage,
            ("huge-line", None) => Fault::HugeLine(4 << 20),
            ("huge-line", _) => Fault::HugeLine(size(64 << 20)?),
            ("stall", None) => Fault::Stall,
            ("truncated", None) => Fault::Truncated,
            ("wrong-json", None) => Fault::WrongJson,
            _ => return None,
        };
        self.fault = Some(fault);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_model_does() {
        let of = Behaviour::of_model;
        assert_eq!(of("sandbox-gullible"), Some(Behaviour::default()));
        assert!(MODELS.iter().all(|model| of(model).is_some()));
        assert_eq!(
            of("sandbox-slow-500+pace-20+cut"),
            Some(Behaviour {
                slow: Duration::from_millis(500),
                pace: Some(20),
                fault: Some(Fault::Cut),
                ..Behaviour::default()
            })
        );
        for unknown in [
            "gpt-4o",
            "sandbox-",
            "sandbox-fast",
            "sandbox-slow",
            "sandbox-slow-600001",
            "sandbox-pace-0",
            "sandbox-error-200",
            "sandbox-cut-3",
            "sandbox-huge-line-99999999999",
        ] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }
}
