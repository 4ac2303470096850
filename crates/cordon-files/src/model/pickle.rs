//! Pickle (`Lib/pickletools.py` of Python): a program for a machine with a stack, a memory and the right to call what it names.
//!
//! The program is walked from its first opcode to the end, opcode by opcode, with a stack that holds what kind of value each is and
//! never a value; nothing is called, imported or built. There are no jumps, so that each opcode is met once. What it names is
//! looked up in [`globals`], and what is not known to be harmless is told, be it called or only imported: importing runs code too.

use std::collections::BTreeMap;

use super::{
    globals,
    joblib::{self, Array},
    opcode::{self, Op, read_text},
    rest,
    value::{Kind, Value},
};
use crate::{
    Reason, Role,
    bytes::tail,
    context::{Context, Done, Halt},
    text,
};

/// Values that are held at once, for each of the things that are allowed.
const HELD: usize = 4;
/// Bytes of a text that may name a module.
const NAME: usize = 256;
/// The number that PyTorch begins a file with that is no archive (`torch.serialization.MAGIC_NUMBER`), with the opcode that
/// pushes it and the end of its stream.
const TORCH: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// Streams that such a file has before its numbers: the sign, a version, the system, the object, and the keys of its storages.
const TORCH_STREAMS: usize = 5;

/// Modules of joblib, also as scikit-learn had it inside, whose wrappers say that an array stands behind them.
const WRAPPERS: &[&str] = &[
    "joblib.numpy_pickle",
    "joblib.numpy_pickle_compat",
    "sklearn.externals.joblib.numpy_pickle",
    "sklearn.externals.joblib.numpy_pickle_compat",
];

/// Why a file is taken for a pickle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Its name says so: it has to begin as one.
    Name,
    /// Its name says so, and its first bytes are the sign of something else: it has to name something.
    NameAndSign,
    /// Its content alone, which is no text: it has to call something, or to name it and end.
    Content,
    /// The same of a text, or of what has another's sign: what is only named has to be one of Python's own objects.
    Text,
}

/// What is seen on the way.
#[derive(Clone, Copy, Debug, Default)]
struct Noticed {
    /// The worst that was named.
    named: Option<globals::Trust>,
    /// Something was named that no import of Python can lead to.
    words: bool,
    /// Something was called.
    calls: bool,
    /// Something computed was called, or something was changed that is not its own.
    computed: bool,
    /// Arrays stand between the opcodes, which only the library that wrote them can tell from opcodes.
    arrays: bool,
}

/// How the walk of one stream ended, and where.
struct Walk {
    noticed: Noticed,
    /// The end of the last opcode that was read.
    end: usize,
    /// Whether it came to `STOP`.
    stopped: bool,
    /// Opcodes that were read.
    steps: usize,
    texts: String,
    /// Arrays that were passed over.
    passed: usize,
}

/// Whether a file is a pickle without the sign of one.
pub(crate) fn is_one(context: &mut Context<'_>, bytes: &[u8], trust: Trust) -> Done<bool> {
    let Walk { noticed: Noticed { named, words, calls, .. }, stopped, steps, .. } =
        walk(context, bytes, Keep::Nothing, &mut Memory::default())?;
    let is_whole = stopped && steps > 1;
    let is_own = named.is_some_and(|named| named != globals::Trust::Unknown);
    Ok(match trust {
        Trust::Name => is_whole || named.is_some(),
        Trust::NameAndSign => named.is_some() && !words,
        // Of a text that nobody meant as a program the first lines may be opcodes; the names of Python's own objects are not in it.
        Trust::Content | Trust::Text => {
            let says_enough = calls || is_own || trust == Trust::Content;
            is_whole && named.is_some() && !words && says_enough || calls && is_own
        }
    })
}

/// A pickle, or several one behind the other.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let torch = is_torch(bytes);
    let mut carried = Memory::default();
    let mut rest = bytes;
    let mut streams = 0;
    loop {
        context.thing()?;
        let (walk, behind) = context.at(streams, |context| {
            let mut memory = Memory::default();
            let first = walk(context, rest, Keep::Texts, &mut memory)?;
            tell(context, first.noticed);
            context.text(Role::Body, first.texts.as_str())?;
            // Who loads several with one reader has in its memory what the streams before this one put there.
            if streams == 0 {
                carried = memory;
            } else if !carried.values.is_empty() || carried.is_lost {
                let again = walk(context, rest, Keep::Nothing, &mut carried)?;
                if again.noticed.named == Some(globals::Trust::Dangerous) {
                    context.see(Reason::ModelCode);
                }
            }
            // What the arrays' sizes say stands behind them is read besides.
            let behind = if first.noticed.arrays {
                Some(walk(context, rest, Keep::Behind, &mut Memory::default())?)
            } else {
                None
            };
            let behind = behind.filter(|behind| behind.passed > 0);
            if let Some(behind) = &behind {
                tell(context, behind.noticed);
                context.text(Role::Body, behind.texts.as_str())?;
            }
            Ok((first, behind))
        })?;
        streams += 1;
        let is_end = torch && streams == TORCH_STREAMS;
        // Who reads the sizes goes on behind the arrays; what is in them is searched all the same, and behind where no size was read.
        let next = behind.filter(|behind| behind.stopped && !walk.stopped).map(|behind| behind.end);
        let unread = tail(rest, walk.end);
        if !walk.stopped || is_end {
            // What is behind the arrays is not known, nor what is among the numbers of an old file of PyTorch.
            if !(walk.noticed.arrays || is_end) {
                context.see(Reason::Malformed);
            }
            if rest::names_danger(context, unread)? {
                context.see(Reason::ModelCode);
            }
            if next.is_none() || is_end {
                return Ok(());
            }
        }
        rest = next.map_or(unread, |next| tail(rest, next));
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        if !(torch || begins(context, rest)?) {
            context.see(Reason::Appended);
            return Ok(());
        }
    }
}

/// Whether the first stream is the number of PyTorch and nothing else.
fn is_torch(bytes: &[u8]) -> bool {
    let [0x80, 2..=5, rest @ ..] = bytes else { return false };
    let rest = match rest {
        [0x95, _, _, _, _, _, _, _, _, rest @ ..] => rest,
        other => other,
    };
    rest.starts_with(TORCH)
}

/// Whether another stream stands here: what a loader that is called again would run.
fn begins(context: &mut Context<'_>, rest: &[u8]) -> Done<bool> {
    Ok(is_signed(rest) || is_one(context, rest, Trust::Name)?)
}

/// Whether bytes begin as a pickle of protocol 2 or later does, with an opcode behind its sign.
pub(crate) fn is_signed(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..]) && opcode::read(bytes, 2).is_some()
}

/// Tells what was noticed in one stream.
fn tell(context: &mut Context<'_>, noticed: Noticed) {
    match noticed.named {
        Some(globals::Trust::Dangerous) => context.see(Reason::ModelCode),
        Some(globals::Trust::Unknown) => context.see(Reason::UnknownObject),
        Some(globals::Trust::Known) | None => {}
    }
    if noticed.computed {
        context.see(Reason::ModelCode);
    }
    if noticed.arrays {
        context.see(Reason::Unreadable);
    }
}

/// Whether the texts of a stream are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Texts,
    Nothing,
    /// Those behind the first array that is passed over; arrays are.
    Behind,
}

/// What is remembered.
#[derive(Debug, Default)]
struct Memory {
    values: BTreeMap<u64, Value>,
    /// Something was remembered under a number that is not known: what stands under which is not known from there on.
    is_lost: bool,
}

/// The machine: what kind of value stands where.
struct Machine<'m> {
    stack: Vec<Value>,
    marks: Vec<usize>,
    memory: &'m mut Memory,
    noticed: Noticed,
    /// What was just said of the array that stands behind the last opcode.
    array: Option<Array>,
}

/// Walks one stream to its `STOP`, or to where it is none.
fn walk(context: &mut Context<'_>, bytes: &[u8], keep: Keep, memory: &mut Memory) -> Done<Walk> {
    let mut machine =
        Machine { stack: Vec::new(), marks: Vec::new(), memory, noticed: Noticed::default(), array: None };
    let mut walk = Walk {
        noticed: Noticed::default(),
        end: 0,
        stopped: false,
        steps: 0,
        texts: String::new(),
        passed: 0,
    };
    while let Some((op, end)) = opcode::read(bytes, walk.end) {
        // A pickle of small numbers is two bytes an opcode, and is walked twice where it has no sign.
        context.spend(end - walk.end + 2)?;
        if machine.size() > context.limits.things.saturating_mul(HELD) {
            match keep {
                Keep::Texts | Keep::Behind => return Err(Halt(Reason::TooMany)),
                // Nobody said that it is one: only what it names behind so many values does.
                Keep::Nothing => {
                    if rest::names_danger(context, tail(bytes, walk.end))? {
                        machine.note(globals::Trust::Dangerous);
                        machine.noticed.calls = true;
                    }
                    break;
                }
            }
        }
        if let (Op::Text(found, coding), Keep::Texts | Keep::Behind) = (op, keep) {
            let text = read_text(found, coding);
            context.spend(text.len())?;
            if !text.is_empty() {
                if !walk.texts.is_empty() {
                    walk.texts.push('\n');
                }
                walk.texts.push_str(&text);
            }
        }
        if op == Op::Stop {
            walk.stopped = !machine.stack.is_empty();
            walk.end = end;
            walk.steps += 1;
            break;
        }
        if machine.step(op).is_none() {
            break;
        }
        walk.end = end;
        walk.steps += 1;
        let array = machine.array.take().filter(|_| keep == Keep::Behind);
        if let Some(end) = array.and_then(|array| array.end(bytes, end)) {
            walk.end = end;
            if walk.passed == 0 {
                walk.texts.clear();
            }
            walk.passed += 1;
        }
    }
    walk.noticed = machine.noticed;
    Ok(walk)
}

impl Machine<'_> {
    /// Does what one opcode does; none where a loader would stop with an error.
    fn step(&mut self, op: Op<'_>) -> Option<()> {
        match op {
            Op::Stop | Op::Nothing => {}
            Op::Mark => self.marks.push(self.stack.len()),
            Op::Push => self.stack.push(Value::Plain),
            Op::Number(number) => self.stack.push(Value::Number(number)),
            Op::Text(found, coding) => {
                let value = (found.len() <= NAME).then(|| Value::Text(read_text(found, coding).into()));
                self.stack.push(value.unwrap_or(Value::Plain));
            }
            Op::EmptyTuple => self.stack.push(joblib::tuple(&[])),
            Op::Tuple(count) => {
                let from = self.stack.len().checked_sub(count)?;
                let made = joblib::tuple(tail(&self.stack, from));
                self.take(count)?;
                self.stack.push(made);
            }
            Op::TupleToMark => {
                let made = joblib::tuple(tail(&self.stack, *self.marks.last()?));
                self.take_to_mark()?;
                self.stack.push(made);
            }
            Op::PlainToMark => {
                self.take_to_mark()?;
                self.stack.push(Value::Plain);
            }
            Op::Append => {
                self.take(1)?;
                self.change()?;
            }
            Op::AppendToMark => {
                let state = Array::of(tail(&self.stack, *self.marks.last()?));
                self.take_to_mark()?;
                self.change()?;
                if let (Some(state), Some(top @ Value::Plain)) = (state, self.stack.last_mut()) {
                    *top = Value::State(state);
                }
            }
            Op::SetItem => {
                self.take(2)?;
                self.change()?;
            }
            Op::Pop => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.take(1)?;
                }
            }
            Op::PopMark => self.take_to_mark()?,
            Op::Duplicate => self.stack.push(self.top()?.clone()),
            Op::Get(name) => {
                let found = name.filter(|_| !self.memory.is_lost).and_then(|n| self.memory.values.get(&n));
                self.stack.push(found.cloned().unwrap_or(Value::Hidden));
            }
            Op::Put(name) => {
                let value = self.top()?.clone();
                match name {
                    Some(name) => _ = self.memory.values.insert(name, value),
                    None => self.memory.is_lost = true,
                }
            }
            Op::Memoize => {
                let name = self.memory.values.len() as u64;
                let value = self.top()?.clone();
                self.memory.values.insert(name, value);
            }
            Op::Global(module, name) => {
                let value = self.named(&text::name(module), &text::name(name));
                self.stack.push(value);
            }
            Op::StackGlobal => {
                let (name, module) = (self.pop()?, self.pop()?);
                let value = match (module, name) {
                    (Value::Text(module), Value::Text(name)) => self.named(&module, &name),
                    // A loader takes nothing but texts here; what is none is put together to be seen by nobody.
                    _ => {
                        self.noticed.computed = true;
                        self.note(globals::Trust::Unknown);
                        Value::Global(globals::Trust::Unknown, Kind::Other)
                    }
                };
                self.stack.push(value);
            }
            Op::Instance(module, name) => {
                self.take_to_mark()?;
                let value = self.named(&text::name(module), &text::name(name));
                self.call(&value);
            }
            Op::Object => {
                let class = self.stack.get(*self.marks.last()?)?.clone();
                self.take_to_mark()?;
                self.call(&class);
            }
            Op::Reduce => {
                // The loader that is written in Python calls with whatever can be counted through.
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(&callable);
                if let (Value::Global(_, Kind::Elements), Value::Tuple(Some(name), _)) = (callable, arguments)
                    && let (Some(size), Some(top)) = (joblib::element(&name), self.stack.last_mut())
                {
                    *top = Value::Elements(size);
                }
            }
            Op::New => {
                let (_, class) = (self.pop()?, self.pop()?);
                self.call(&class);
            }
            Op::NewWithNames => {
                let (_, _, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(&class);
            }
            Op::Build => {
                let state = self.pop()?;
                self.change()?;
                if let Some(Value::Made(_, Kind::Wrapper)) = self.stack.last() {
                    self.noticed.arrays = true;
                    self.array = if let Value::State(array) = state { Some(array) } else { None };
                }
            }
            Op::Extension => {
                self.note(globals::Trust::Unknown);
                self.stack.push(Value::Global(globals::Trust::Unknown, Kind::Other));
            }
            Op::Persistent => self.stack.push(Value::Made(globals::Trust::Known, Kind::Other)),
            Op::PersistentByValue => {
                self.take(1)?;
                self.stack.push(Value::Made(globals::Trust::Known, Kind::Other));
            }
        }
        Some(())
    }

    fn note(&mut self, trust: globals::Trust) {
        self.noticed.named = self.noticed.named.max(Some(trust));
    }

    fn named(&mut self, module: &str, name: &str) -> Value {
        // Joblib's own reader takes the bytes of an array from behind the opcode that ends its wrapper.
        let is_wrapper = WRAPPERS.contains(&module) && matches!(name, "NumpyArrayWrapper" | "NDArrayWrapper");
        let trust = if is_wrapper { globals::Trust::Known } else { globals::trust(module, name) };
        self.note(trust);
        self.noticed.words |= [module, name]
            .into_iter()
            .any(|w| w.is_empty() || w.contains(|c: char| c.is_whitespace() || c.is_control()));
        let kind = match (module, name) {
            _ if is_wrapper => Kind::Wrapper,
            ("numpy", "dtype") => Kind::Elements,
            _ => Kind::Other,
        };
        Value::Global(trust, kind)
    }

    /// Calls a value: only what was named may be.
    fn call(&mut self, callable: &Value) {
        self.noticed.calls = true;
        let made = match callable {
            Value::Global(trust, kind) => Value::Made(*trust, *kind),
            _ => {
                self.noticed.computed = true;
                self.note(globals::Trust::Unknown);
                Value::Made(globals::Trust::Unknown, Kind::Other)
            }
        };
        self.stack.push(made);
    }

    /// Changes the topmost value: what was only named is a module's own, and everybody else's too.
    fn change(&mut self) -> Option<()> {
        if let Value::Global(..) | Value::Hidden = self.top()? {
            self.noticed.computed = true;
        }
        Some(())
    }

    /// Values that are held.
    fn size(&self) -> usize {
        self.stack.len() + self.marks.len() + self.memory.values.len()
    }

    /// The lowest place from which values may be taken: the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or_default()
    }

    fn top(&self) -> Option<&Value> {
        self.stack.last().filter(|_| self.stack.len() > self.floor())
    }

    fn pop(&mut self) -> Option<Value> {
        (self.stack.len() > self.floor()).then(|| self.stack.pop())?
    }

    fn take(&mut self, count: usize) -> Option<()> {
        let left = self.stack.len().checked_sub(count).filter(|left| *left >= self.floor())?;
        self.stack.truncate(left);
        Some(())
    }

    fn take_to_mark(&mut self) -> Option<()> {
        let mark = self.marks.pop()?;
        self.stack.truncate(mark);
        Some(())
    }
}
