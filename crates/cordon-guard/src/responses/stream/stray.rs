use cordon_core::json::{Object, Value};

use super::{join, write_event};
use crate::{
    lane::Shared,
    tree::{
        gate::{Halt, StreamError},
        unknown::Unknown,
        walk::Path,
    },
};

/// The most kinds and places of content that is not known here.
const MAX_STRAYS: usize = 128;

/// Content of events that is not known here. Each kind at each place is read as one, and as pieces of one.
#[derive(Debug, Default)]
pub(super) struct Strays(Vec<Stray>);

#[derive(Debug)]
struct Stray {
    kind: String,
    /// The members by which its events say what they belong to.
    places: Object,
    unknown: Unknown,
    path: Path,
}

impl Strays {
    /// Takes what an event has beside its place, and writes the events that may go on.
    #[expect(
        clippy::too_many_arguments,
        reason = "an event is its name, its place and its content, read along its path"
    )]
    pub(super) fn take(
        &mut self,
        kind: &str,
        places: Object,
        rest: Object,
        path: &Path,
        shared: &mut Shared<'_>,
        sequence: &mut u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Halt> {
        let at = match self.0.iter().position(|stray| stray.kind == kind && stray.places == places) {
            Some(at) => at,
            None if self.0.len() < MAX_STRAYS => {
                let unknown = Unknown::named(kind.to_owned());
                self.0.push(Stray { kind: kind.to_owned(), places, unknown, path: path.clone() });
                self.0.len() - 1
            }
            None => return Err(StreamError::TooMany.into()),
        };
        if let Some(stray) = self.0.get_mut(at) {
            stray.unknown.push(rest.into(), path, shared)?;
            stray.write(shared, sequence, out);
        }
        Ok(())
    }

    /// Ends every text.
    pub(super) fn finish(
        &mut self,
        shared: &mut Shared<'_>,
        sequence: &mut u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Halt> {
        for stray in &mut self.0 {
            stray.unknown.finish(&stray.path, shared)?;
            stray.write(shared, sequence, out);
        }
        Ok(())
    }
}

impl Stray {
    fn write(&mut self, shared: &Shared<'_>, sequence: &mut u64, out: &mut Vec<u8>) {
        while let Some(value @ Value::Object(_)) = self.unknown.released(shared) {
            let mut members = self.places.clone();
            join(&mut members, value);
            write_event(&self.kind, members, sequence, out);
        }
    }
}
