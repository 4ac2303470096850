use cordon_core::{
    Channel,
    json::{self, Object, Value},
};

use crate::{
    anthropic::{failure::write, walk},
    lane::{Lane, Shared},
    tree::{
        gate::{Halt, StreamError},
        rewrite::Rewrite,
        unknown::Unknown,
        walk::{Kind, Path, Walker},
    },
};

/// The event of a piece of a block.
pub(super) const PIECE: &str = "content_block_delta";

/// The most kinds of pieces of one block that are not known here.
const MAX_KINDS: usize = 16;

/// A block of content that comes in pieces. Each kind of piece is a text of its own.
#[derive(Debug, Default)]
pub(super) struct Block {
    closed: bool,
    text: Option<Lane>,
    thinking: Option<Lane>,
    input: Option<Lane>,
    unknown: Vec<(String, Unknown)>,
    /// Members beside pieces, and an empty piece of the last one's kind.
    beside: Option<(Unknown, Object)>,
}

/// A kind of piece, what it is a piece of, and the member that holds it.
#[derive(Clone, Copy)]
struct Piece {
    kind: &'static str,
    member: &'static str,
    /// The member of the whole block that it belongs to.
    whole: &'static str,
}

const TEXT: Piece = Piece { kind: "text_delta", member: "text", whole: "text" };
const THINKING: Piece = Piece { kind: "thinking_delta", member: "thinking", whole: "thinking" };
const INPUT: Piece = Piece { kind: "input_json_delta", member: "partial_json", whole: "input" };

/// Writes the events of one block.
pub(super) struct Writer<'a> {
    pub(super) index: u64,
    pub(super) out: &'a mut Vec<u8>,
}

impl Block {
    /// Whether its end was not seen.
    pub(super) const fn is_open(&self) -> bool {
        !self.closed
    }

    /// Bytes that came and are not written yet.
    pub(super) fn held(&self) -> usize {
        [&self.text, &self.thinking, &self.input].into_iter().flatten().map(Lane::held).sum()
    }

    /// Begins with a block as it stands when it begins; `event` are other members of the event.
    pub(super) fn start(
        mut block: Object,
        mut event: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<Self, Halt> {
        let mut begun = Self::default();
        // A text that it begins with is the beginning of the text that follows in pieces.
        let mut first = Vec::new();
        for piece in [TEXT, THINKING] {
            if let Some(Value::String(text)) = block.get_mut(piece.whole)
                && !text.is_empty()
            {
                first.push((piece, std::mem::take(text)));
            }
        }
        let mut value = Value::Object(block);
        walk::block(&mut Walker::at(rewrite, path.clone()), &mut value, walk::Origin::Answer);
        event.insert("index", writer.index);
        event.insert("content_block", value);
        write("content_block_start", event, writer.out);
        for (piece, text) in first {
            begun.push(piece, &text, path, rewrite, writer)?;
        }
        Ok(begun)
    }

    /// Takes a piece; gives an empty one of its kind.
    pub(super) fn delta(
        &mut self,
        mut delta: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<Object, Halt> {
        if self.closed {
            return Err(StreamError::AfterFinish.into());
        }
        let kind = match delta.remove("type") {
            Some(Value::String(kind)) => kind,
            _ => return Err(StreamError::NotAChunk.into()),
        };
        let known = [TEXT, THINKING, INPUT].into_iter().find(|piece| piece.kind == kind);
        if let Some(piece) = known {
            let Some(Value::String(text)) = delta.remove(piece.member) else {
                return Err(StreamError::NotAChunk.into());
            };
            self.push(piece, &text, path, rewrite, writer)?;
            if !delta.is_empty() {
                self.unknown(&kind, delta, path, rewrite, writer)?;
            }
            return Ok(empty(&kind));
        }
        // A citation stands for itself, as it does in a whole answer.
        if kind == "citations_delta" {
            let mut value = Value::Object(delta);
            walk::block(&mut Walker::at(rewrite, path.clone()), &mut value, walk::Origin::Answer);
            if let Value::Object(delta) = value {
                writer.delta(&kind, delta);
            }
            return Ok(empty(&kind));
        }
        // So does a signature, which comes in one piece. Shorter ones are texts, and may be put together.
        if kind == "signature_delta" && delta.len() == 1 {
            let signature = delta.get("signature").and_then(Value::as_str).unwrap_or_default();
            if crate::tree::walk::is_opaque(signature) {
                let mut value = Value::Object(delta);
                walk::block(&mut Walker::at(rewrite, path.clone()), &mut value, walk::Origin::Answer);
                if let Value::Object(delta) = value {
                    writer.delta(&kind, delta);
                }
                return Ok(empty(&kind));
            }
        }
        self.unknown(&kind, delta, path, rewrite, writer)?;
        Ok(empty(&kind))
    }

    /// Takes members beside a piece: they go on behind it, in an event of their own with an empty piece.
    pub(super) fn beside(
        &mut self,
        members: Object,
        piece: Object,
        path: &Path,
        shared: &mut Shared<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        let (unknown, last) =
            self.beside.get_or_insert_with(|| (Unknown::named(PIECE.to_owned()), Object::new()));
        *last = piece;
        unknown.push(members.into(), path, shared)?;
        while let Some(Value::Object(members)) = unknown.released(shared) {
            writer.beside(members, last.clone());
        }
        Ok(())
    }

    /// Ends every text: what was held back goes before the end of the block.
    pub(super) fn finish(
        &mut self,
        path: &mut Path,
        shared: &mut Shared<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        if std::mem::replace(&mut self.closed, true) {
            return Err(StreamError::AfterFinish.into());
        }
        let lanes = [(TEXT, &mut self.text), (THINKING, &mut self.thinking), (INPUT, &mut self.input)];
        for (piece, lane) in lanes {
            let Some(lane) = lane else { continue };
            let mut released = String::new();
            path.word(piece.whole);
            lane.finish(&*path, shared, &mut released)?;
            path.pop();
            if !released.is_empty() {
                writer.piece(piece, &released);
            }
        }
        for (kind, unknown) in &mut self.unknown {
            unknown.finish(path, shared)?;
            while let Some(Value::Object(delta)) = unknown.released(shared) {
                writer.delta(kind, delta);
            }
        }
        if let Some((unknown, piece)) = &mut self.beside {
            unknown.finish(path, shared)?;
            while let Some(Value::Object(members)) = unknown.released(shared) {
                writer.beside(members, piece.clone());
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        piece: Piece,
        text: &str,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        let inspection = rewrite.shared.inspection;
        let lane = match piece.whole {
            "text" => self.text.get_or_insert_with(|| Lane::restoring(inspection, Channel::Model)),
            "thinking" => self.thinking.get_or_insert_with(|| Lane::restoring(inspection, Channel::Model)),
            _ => self.input.get_or_insert_with(|| Lane::json(inspection, Channel::Model)),
        };
        let mut released = String::with_capacity(text.len());
        path.word(piece.whole);
        let pushed = lane.push(text, &*path, &mut rewrite.shared, &mut released);
        path.pop();
        pushed?;
        if !released.is_empty() || text.is_empty() {
            writer.piece(piece, &released);
        }
        Ok(())
    }

    fn unknown(
        &mut self,
        kind: &str,
        delta: Object,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<(), Halt> {
        let mut name = Value::from(kind);
        Walker::at(rewrite, path.clone()).value(&mut name, Channel::Model, Kind::Fixed);
        let mut value = Value::Object(delta);
        Walker::at(rewrite, path.clone()).value(&mut value, Channel::Model, Kind::Text);
        let unknown = known_kind(&mut self.unknown, kind, MAX_KINDS)?;
        unknown.push(value, path, &mut rewrite.shared)?;
        while let Some(Value::Object(delta)) = unknown.released(&rewrite.shared) {
            writer.delta(kind, delta);
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// The event of a piece of a text. It is most of a stream, and so written without a tree.
    fn piece(&mut self, piece: Piece, text: &str) {
        self.out.extend_from_slice(
            b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
        );
        self.out.extend_from_slice(self.index.to_string().as_bytes());
        for part in [",\"delta\":{\"type\":\"", piece.kind, "\",\"", piece.member, "\":"] {
            self.out.extend_from_slice(part.as_bytes());
        }
        json::write_string(text, self.out);
        self.out.extend_from_slice(b"}}\n\n");
    }

    fn delta(&mut self, kind: &str, mut members: Object) {
        // Readers expect the text of a piece; it went before.
        let mut delta = empty(kind);
        for (key, value) in members.iter_mut() {
            delta.insert(key, std::mem::replace(value, Value::Null));
        }
        self.beside(Object::new(), delta);
    }

    /// An event of a piece with other members beside it.
    fn beside(&mut self, mut members: Object, piece: Object) {
        members.insert("index", self.index);
        members.insert("delta", piece);
        write(PIECE, members, self.out);
    }
}

/// A piece of a kind with nothing in it.
fn empty(kind: &str) -> Object {
    let mut delta: Object = [("type", Value::from(kind))].into_iter().collect();
    if let Some(piece) = [TEXT, THINKING, INPUT].into_iter().find(|piece| piece.kind == kind) {
        delta.insert(piece.member, "");
    }
    delta
}

/// What is known of a kind of value, from now on where it is new.
pub(super) fn known_kind<'a>(
    all: &'a mut Vec<(String, Unknown)>,
    kind: &str,
    most: usize,
) -> Result<&'a mut Unknown, StreamError> {
    let at = match all.iter().position(|(known, _)| known == kind) {
        Some(at) => at,
        None if all.len() < most => {
            all.push((kind.to_owned(), Unknown::named(kind.to_owned())));
            all.len() - 1
        }
        None => return Err(StreamError::TooMany),
    };
    all.get_mut(at).map(|(_, unknown)| unknown).ok_or(StreamError::TooMany)
}
