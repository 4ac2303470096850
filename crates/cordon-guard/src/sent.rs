//! Which values of a request are the caller's own words, by which an answer that repeats them is told from one that gives others away.

use cordon_core::{
    Category, Channel, Refusal,
    json::{Object, Value},
    resource::SentValues,
};

use crate::{
    inspection::{Inspection, Verdict},
    lane::JsonText,
    tree::{
        request::Walked,
        walk::{Kind, Spot, Visit, Walker},
    },
};

/// Whose words a text of a request is, where what stands in it was sent by the caller.
///
/// What only came by the way is new to whoever reads the answer: documents, what tools gave, and what models said before, although it
/// stands in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// What the user says.
    Words,
    /// What the application instructs. Personal data in it, such as the address of a support, is there to be said; a key in it is not.
    Instructions,
}

impl Own {
    /// What a text of this channel is; nothing where it is not the caller's own.
    pub(crate) const fn of(channel: Channel) -> Option<Self> {
        match channel {
            Channel::User => Some(Self::Words),
            Channel::System => Some(Self::Instructions),
            Channel::Document | Channel::ToolOutput | Channel::Model => None,
        }
    }

    /// Remembers of the values of a text those that the caller sent.
    pub(crate) fn note(self, values: SentValues, sent: &mut SentValues) {
        sent.join(values, self == Self::Instructions);
    }
}

/// The means to inspect a request by rules that compare: what models said before in it is judged as it was when it was an answer, by what
/// the caller says anywhere in the request. Nothing where no rule compares, or no model has said anything: nobody else pays for it.
pub(crate) fn comparing<R: Walked>(tree: &mut Object, inspection: &Inspection) -> Option<Inspection> {
    if !inspection.guard().compares_any() {
        return None;
    }
    let mut answered = Answered(false);
    R::walk(&mut Walker::new(&mut answered), tree);
    if !answered.0 {
        return None;
    }
    let mut own = Noting { inspection, verdict: Verdict::default() };
    R::walk(&mut Walker::new(&mut own), tree);
    Some(inspection.clone().answering(own.verdict.take_sent()))
}

/// Whether a model has said anything.
struct Answered(bool);

impl Visit for Answered {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        self.0 |= spot.channel == Channel::Model && !text.is_empty();
    }

    fn number(&mut self, spot: &Spot<'_>, _: &mut Value) {
        self.0 |= spot.channel == Channel::Model;
    }

    fn key(&mut self, spot: &Spot<'_>, _: &str) -> Option<String> {
        self.0 |= spot.channel == Channel::Model;
        None
    }

    fn unseen(&mut self, _: &Spot<'_>, _: Category, _: usize) {}

    fn fault(&mut self, _: Refusal) {}
}

/// Remembers the caller's own values, and judges nothing.
struct Noting<'a> {
    inspection: &'a Inspection,
    verdict: Verdict,
}

impl Noting<'_> {
    fn note(&mut self, channel: Channel, text: &str) {
        if Own::of(channel).is_some() {
            self.inspection.inspect_sent(channel, text, &mut self.verdict);
        }
    }
}

impl Visit for Noting<'_> {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        if spot.kind == Kind::Json && text.contains('\\') {
            let mut json = JsonText::default();
            json.push(text);
            json.finish();
            self.note(spot.channel, json.view());
        } else {
            self.note(spot.channel, text);
        }
    }

    fn number(&mut self, spot: &Spot<'_>, value: &mut Value) {
        if let Value::Number(number) = value {
            self.note(spot.channel, number.as_str());
        }
    }

    fn key(&mut self, spot: &Spot<'_>, key: &str) -> Option<String> {
        self.note(spot.channel, key);
        None
    }

    fn unseen(&mut self, _: &Spot<'_>, _: Category, _: usize) {}

    fn fault(&mut self, _: Refusal) {}
}
