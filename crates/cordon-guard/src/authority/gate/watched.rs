//! Which calls of a stream have begun, and which are complete.

use std::collections::{BTreeMap, BTreeSet};

use cordon_core::json::{Object, Value};

use crate::{
    authority::calls::{
        Arguments, Called, Proposal, Seen, given, items, kind_of, names_of_item, of_item, text,
    },
    tree::walk::Path,
};

/// The protocol of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Chat,
    Messages,
    Responses,
}

/// The calls of one stream.
#[derive(Debug)]
pub(super) struct Watched {
    protocol: Protocol,
    open: BTreeMap<Place, Call>,
    complete: Vec<Seen>,
    called: Called,
    /// Items of a response that were judged when they ended.
    judged: BTreeSet<u64>,
}

/// Where a call stands: in a choice, a block or an item, and which of its calls it is.
type Place = (u64, Option<u64>);

/// A call that is not complete.
#[derive(Debug, Default)]
struct Call {
    /// Its names as they came in pieces, each member that holds one by itself.
    pieced: BTreeMap<&'static str, Pieced>,
    /// Its names as they were said whole.
    names: BTreeSet<String>,
    /// Its type, where that is no word for a call of a tool that has a name.
    kind: Option<String>,
    /// Its arguments as they came in pieces.
    pieces: String,
    /// Its arguments as they were said whole.
    whole: Vec<Arguments>,
    /// Whether its arguments are a text of their own.
    plain: bool,
    /// Whether its arguments have begun, so that its name is complete.
    named: bool,
    path: Path,
}

impl Call {
    /// The proposal that it has become.
    fn complete(self) -> Proposal {
        let Self { pieced, mut names, kind, pieces, whole: mut arguments, plain, path, .. } = self;
        let pieced = pieced.into_values().flat_map(|name| [name.first, name.all]);
        names.extend(pieced.filter(|name| !name.is_empty()).chain(kind));
        if !pieces.is_empty() {
            arguments.push(if plain { Arguments::Value(pieces.into()) } else { Arguments::Json(pieces) });
        }
        Proposal { names, arguments, path }
    }

    /// Takes a piece of its name, from the member that holds it. A name that is said again once it is complete is the same or another
    /// one, or goes on.
    fn name(&mut self, holder: &'static str, piece: &str) {
        let name = self.pieced.entry(holder).or_default();
        if !self.named {
            push(&mut name.first, piece);
            push(&mut name.all, piece);
        } else if piece != name.first && !piece.is_empty() {
            let mut longer = name.first.clone();
            push(&mut longer, piece);
            push(&mut name.all, piece);
            self.names.extend([bounded(piece), longer]);
        }
    }
}

/// A name that comes in pieces.
#[derive(Debug, Default)]
struct Pieced {
    /// What came of it before the arguments began.
    first: String,
    /// All of it.
    all: String,
}

/// More than the bytes of any name that a tool can have. What is longer is kept to here: it is a name of no tool, and stays one.
const MAX_NAME: usize = 129;

fn push(name: &mut String, piece: &str) {
    let room = MAX_NAME.saturating_sub(name.len());
    name.push_str(piece.get(..piece.ceil_char_boundary(room)).unwrap_or(piece));
}

fn bounded(name: &str) -> String {
    let mut short = String::new();
    push(&mut short, name);
    short
}

impl Watched {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            open: BTreeMap::new(),
            complete: Vec::new(),
            called: Called::default(),
            judged: BTreeSet::new(),
        }
    }

    /// Whether a call has begun that is not complete.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// What is complete since this was asked last.
    pub(super) fn complete(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.complete)
    }

    /// No more events: every call is as complete as it will be.
    pub(super) fn end(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.complete.extend(open.into_values().map(|call| Seen::Called(call.complete().into())));
    }

    /// Takes an event.
    pub(super) fn event(&mut self, event: &Object) {
        match self.protocol {
            Protocol::Chat => self.chunk(event),
            Protocol::Messages => self.of_message(event),
            Protocol::Responses => self.of_response(event),
        }
    }

    fn end_at(&mut self, place: Place) {
        if let Some(call) = self.open.remove(&place) {
            self.complete.push(Seen::Called(call.complete().into()));
        }
    }

    /// A chunk of a chat completion: its calls are complete where their choice is finished.
    fn chunk(&mut self, chunk: &Object) {
        for choice in items(chunk.get("choices")) {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            for said in ["delta", "message"].into_iter().filter_map(|member| choice.get(member)) {
                for (at, item) in items(said.get("tool_calls")).iter().enumerate() {
                    let at = item.get("index").and_then(Value::as_u64).unwrap_or(at as u64);
                    self.piece((index, Some(at)), item);
                }
                if let Some(call) = said.get("function_call").filter(|call| call.as_object().is_some()) {
                    self.piece((index, None), call);
                }
            }
            if choice.get("finish_reason").is_some_and(|reason| !matches!(reason, Value::Null)) {
                let of_choice: Vec<Place> = self
                    .open
                    .range((index, None)..=(index, Some(u64::MAX)))
                    .map(|(place, _)| *place)
                    .collect();
                of_choice.into_iter().for_each(|place| self.end_at(place));
            }
        }
    }

    /// A piece of a call of a chat completion.
    fn piece(&mut self, place: Place, item: &Value) {
        let call = self.open.entry(place).or_insert_with(|| {
            let mut path = Path::default();
            path.word("choices").item(number(place.0)).word("message");
            match place.1 {
                Some(at) => path.word("tool_calls").item(number(at)),
                None => path.word("function_call"),
            };
            Call { path, ..Call::default() }
        });
        if let Some(kind) = item.get("type").and_then(Value::as_str).filter(|kind| !is_word(kind)) {
            call.kind = Some(kind.to_owned());
        }
        let inner = ["function", "custom"].into_iter().filter_map(|kind| Some((kind, item.get(kind)?)));
        for (which, holder) in inner.chain([("", item)]) {
            if let Some(name) = holder.get("name").and_then(Value::as_str) {
                call.name(which, name);
            }
            for (member, plain) in [("arguments", false), ("input", true)] {
                match holder.get(member) {
                    Some(Value::String(piece)) if !piece.is_empty() => {
                        (call.named, call.plain) = (true, plain);
                        call.pieces.push_str(piece);
                    }
                    Some(value @ Value::Object(_)) => call.whole.push(Arguments::Value(value.clone())),
                    _ => {}
                }
            }
        }
    }

    /// An event of a message.
    fn of_message(&mut self, event: &Object) {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        match event.get("type").and_then(Value::as_str).unwrap_or_default() {
            "content_block_start" => {
                if let Some(block) = event.get("content_block") {
                    self.block_starts(index, block);
                }
            }
            // Readers begin with what the message already holds, and go on with what comes for the same places.
            "message_start" => {
                let content = event.get("message").and_then(|message| message.get("content"));
                for (at, block) in (0_u64..).zip(items(content)) {
                    self.block_starts(at, block);
                }
            }
            "content_block_delta" => {
                let piece = event.get("delta").and_then(|delta| delta.get("partial_json")?.as_str());
                if let (Some(piece), Some(call)) = (piece, self.open.get_mut(&(index, None))) {
                    call.pieces.push_str(piece);
                }
            }
            "content_block_stop" => self.end_at((index, None)),
            "message_stop" => self.end(),
            _ => {}
        }
    }

    fn block_starts(&mut self, index: u64, block: &Value) {
        // One that begins where another is open ends that.
        self.end_at((index, None));
        let kind = kind_of(block);
        if kind.ends_with("tool_use") {
            self.called.note_block(block);
            let mut path = Path::default();
            path.word("content").item(number(index));
            let input = block.get("input").filter(|input| input.as_object().is_none_or(|o| !o.is_empty()));
            let whole = input.cloned().map(Arguments::Value).into_iter().collect();
            let names = text(block.get("name")).into_iter().collect();
            self.open.insert((index, None), Call { names, whole, path, ..Call::default() });
        } else if kind.ends_with("tool_result") {
            self.complete.extend(self.called.result_block(block).map(Seen::Brought));
        }
    }

    /// An event of a response. A service may say a call's arguments in pieces, whole, in its item and in the response: all of it
    /// is judged.
    fn of_response(&mut self, event: &Object) {
        let place = event.get("output_index").and_then(Value::as_u64).unwrap_or(0);
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        if let Some(Value::Object(response)) = event.get("response") {
            if matches!(kind, "response.created" | "response.in_progress" | "response.queued") {
                // What these hold beside their events does not go on: only items that ended count as judged.
                return;
            }
            self.end();
            for (at, item) in (0_u64..).zip(items(response.get("output"))) {
                if !self.judged.contains(&at) {
                    self.item_ends(at, item);
                }
            }
            return;
        }
        match (kind, event.get("item")) {
            ("response.output_item.done", Some(item)) => self.item_ends(place, item),
            (_, Some(item)) if kind_of(item).ends_with("_call") => {
                let call = self.call_at(place);
                call.names.extend(names_of_item(item));
                call.whole.extend(given(item));
                call.plain = kind_of(item) == "custom_tool_call";
            }
            (_, None) => {
                let of_call = |stem: &str| {
                    stem.ends_with("_call_arguments")
                        || stem.ends_with("_call_input")
                        || stem.ends_with("_call_code")
                };
                if let Some(stem) = kind.strip_suffix(".delta").filter(|stem| of_call(stem)) {
                    let call = self.call_at(place);
                    call.plain = !stem.ends_with("_arguments");
                    call.pieces.push_str(event.get("delta").and_then(Value::as_str).unwrap_or_default());
                } else if let Some(stem) = kind.strip_suffix(".done").filter(|stem| of_call(stem)) {
                    let plain = !stem.ends_with("_arguments");
                    let call = self.call_at(place);
                    for said in
                        ["arguments", "input", "code"].into_iter().filter_map(|member| event.get(member))
                    {
                        match said {
                            Value::String(text) if text.is_empty() => {}
                            Value::String(text) if !plain => call.whole.push(Arguments::Json(text.clone())),
                            said => call.whole.push(Arguments::Value(said.clone())),
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn call_at(&mut self, place: u64) -> &mut Call {
        self.open.entry((place, None)).or_insert_with(|| {
            let mut path = Path::default();
            path.word("output").item(number(place));
            Call { path, ..Call::default() }
        })
    }

    /// An item ends: it is judged by what its events said, and by what it says itself.
    fn item_ends(&mut self, place: u64, item: &Value) {
        self.judged.insert(place);
        let mut seen = of_item(item, number(place));
        if let Some(call) = self.open.remove(&(place, None)) {
            let earlier = call.complete();
            match seen.first_mut() {
                Some(Seen::Called(proposal)) => proposal.join(earlier),
                _ => seen.insert(0, Seen::Called(earlier.into())),
            }
        }
        self.complete.append(&mut seen);
    }
}

/// Whether the type of a call says that it has a name.
fn is_word(kind: &str) -> bool {
    matches!(kind, "function" | "custom")
}

fn number(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
