//! YAML (1.2) by its lines: keys that stand twice, anchors that multiply, tags that build objects of code.
//!
//! This is no parser: indentation and brackets say which node a line belongs to. Where that is wrong, a weight is too small
//! by a factor, never a chain of them, so that a bomb is still one.

use std::collections::{HashMap, HashSet};

use crate::{
    Reason, Role,
    context::{Context, Done},
    text,
};

/// Nodes inside one another.
const DEEPEST: usize = 128;
/// What aliases may multiply a file to: so many lines, and some for each of its own.
const EXPANDED: u64 = 100_000;

/// Tags by which readers of Python, Ruby, Java, PHP and JavaScript build objects of code.
const CONSTRUCTORS: [&str; 6] = ["!!python/", ":python/", "!ruby/", "!php/object", "!!js/function", "!!java"];

/// Whether a line has a tag by which a reader builds an object of code: one of these, one that names a class of a package, or
/// a prefix for tags of its own. Letters of a tag may be written as `%41`.
fn constructs(content: &str) -> bool {
    if !content.contains('!') {
        return false;
    }
    let plain = plain(content);
    let is_class = plain.split("!!").skip(1).any(|tag| {
        let tag =
            tag.split(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).next().unwrap_or_default();
        tag.split_once('.').is_some_and(|(package, class)| {
            !package.is_empty() && class.starts_with(|c: char| c.is_ascii_alphabetic())
        })
    });
    is_class || plain.starts_with("%TAG") || CONSTRUCTORS.iter().any(|tag| plain.contains(tag))
}

/// A line with `%41` as the letters that they are.
fn plain(content: &str) -> std::borrow::Cow<'_, str> {
    if !content.contains('%') {
        return content.into();
    }
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some((before, behind)) = rest.split_once('%') {
        out.push_str(before);
        let code = behind.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(u8::is_ascii) {
            Some(code) => {
                out.push(char::from(code));
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                out.push('%');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out.into()
}

/// A YAML file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let text = text::inspect(context, bytes)?;
    let mut lines = Lines::default();
    for line in text.lines() {
        context.thing()?;
        context.spend(line.len())?;
        lines.read(context, line)?;
        if lines.total > EXPANDED.saturating_add(16 * text.len() as u64) {
            context.see(Reason::AliasBomb);
            break;
        }
    }
    context.text(Role::Body, text)
}

/// An anchor whose node is not at its end yet.
#[derive(Debug)]
struct Open {
    name: String,
    weight: u64,
    until: Until,
}

/// Where a node ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// At a line that is not indented further; one that begins an item may stand at the same column where `items`.
    Column { column: usize, items: bool },
    /// When brackets are closed down to this many.
    Brackets(usize),
    /// At the end of this value.
    Here,
}

#[derive(Debug, Default)]
struct Lines {
    /// Weights of anchors: lines, and what their aliases stand for.
    weights: HashMap<String, u64>,
    open: Vec<Open>,
    /// The mappings around, by column, with their keys.
    mappings: Vec<(usize, HashSet<String>)>,
    brackets: usize,
    /// The quote that is open.
    quote: Option<char>,
    /// The column of the line whose block of text goes on.
    block: Option<usize>,
    total: u64,
}

impl Lines {
    fn read(&mut self, context: &mut Context<'_>, line: &str) -> Done {
        let content = line.trim_start_matches(' ');
        let column = line.len() - content.len();
        if content.trim().is_empty() {
            return Ok(());
        }
        if let Some(block) = self.block {
            if column > block {
                return Ok(());
            }
            self.block = None;
        }
        if constructs(content) {
            context.see(Reason::Constructor);
        }
        if self.brackets > 0 || self.quote.is_some() {
            return self.values(context, content, column);
        }
        if content.starts_with('#') {
            return Ok(());
        }
        if column == 0 && (content.starts_with("---") || content.starts_with("...")) {
            self.mappings.clear();
            self.close(|_| true);
            return Ok(());
        }
        let is_item = content == "-" || content.starts_with("- ");
        self.close(|until| match until {
            Until::Column { column: begin, items } => {
                column < begin || column == begin && !(items && is_item)
            }
            Until::Brackets(_) | Until::Here => true,
        });
        for open in &mut self.open {
            open.weight = open.weight.saturating_add(1);
        }
        self.key(context, content, column)
    }

    /// A line that begins a node: items' dashes, then maybe a key.
    fn key(&mut self, context: &mut Context<'_>, content: &str, column: usize) -> Done {
        let (mut content, mut column) = (content, column);
        let begin = column;
        while let Some(item) = content.strip_prefix("- ") {
            self.mappings.retain(|(at, _)| *at <= column);
            let inner = item.trim_start_matches(' ');
            column += content.len() - inner.len();
            content = inner;
        }
        self.mappings.retain(|(at, _)| *at <= column);
        if self.mappings.len() > DEEPEST {
            context.see(Reason::TooDeep);
            return Ok(());
        }
        let found = key(content);
        let is_key = found.is_some();
        if let Some((key, value)) = found {
            let is_new = match self.mappings.last_mut().filter(|(at, _)| *at == column) {
                Some((_, keys)) => keys.insert(key.to_owned()),
                None => {
                    self.mappings.push((column, HashSet::from([key.to_owned()])));
                    true
                }
            };
            // A key for merging may stand for several.
            if !is_new && key != "<<" {
                context.see(Reason::DuplicateKey);
            }
            context.spend(key.len())?;
            content = value;
        }
        let value = content.split(" #").next().unwrap_or_default().trim_end();
        if value.ends_with(['|', '>', '-', '+']) && value.trim_start().starts_with(['|', '>']) {
            // What an item holds is indented further than its key, not than its dash.
            self.block = Some(if is_key { column } else { begin });
            return Ok(());
        }
        self.values(context, content, begin)
    }

    /// Anchors, aliases, quotes and brackets in what is no key.
    fn values(&mut self, context: &mut Context<'_>, content: &str, column: usize) -> Done {
        let mut chars = content.char_indices();
        // Whether a value may begin here.
        let (mut fresh, mut blank) = (true, false);
        while let Some((at, c)) = chars.next() {
            if let Some(quote) = self.quote {
                if c == '\\' && quote == '"' {
                    chars.next();
                } else if c == quote {
                    self.quote = None;
                }
                continue;
            }
            match c {
                '"' | '\'' if fresh => self.quote = Some(c),
                '#' if fresh => break,
                '[' | '{' if fresh || self.brackets > 0 => {
                    self.brackets += 1;
                    if self.brackets > DEEPEST {
                        context.see(Reason::TooDeep);
                    }
                    // An anchor right before is that of what is in the brackets.
                    if let Some(open) = self.open.last_mut().filter(|open| open.until == Until::Here) {
                        open.until = Until::Brackets(self.brackets - 1);
                    }
                }
                ']' | '}' if self.brackets > 0 => {
                    self.brackets -= 1;
                    let brackets = self.brackets;
                    self.close(|until| until == Until::Here || until == Until::Brackets(brackets));
                }
                ',' if self.brackets > 0 => self.close(|until| until == Until::Here),
                '&' | '*' if fresh => {
                    let name: String = content
                        .get(at + 1..)
                        .unwrap_or_default()
                        .chars()
                        .take(256)
                        .take_while(|c| !c.is_whitespace() && !matches!(c, ',' | '[' | ']' | '{' | '}'))
                        .collect();
                    context.thing()?;
                    if name.is_empty() {
                        continue;
                    }
                    if c == '&' {
                        self.anchor(context, name, content.get(at + 1..).unwrap_or_default(), column);
                    } else {
                        self.alias(context, &name);
                    }
                }
                _ => {}
            }
            // What follows an anchor or a tag is still the beginning of its value.
            // Of blanks in a row the first one tells.
            if !(c.is_whitespace() && blank) {
                let sign = matches!(c, '[' | '{' | ',' | ':' | '-' | '?');
                fresh = c.is_whitespace() && fresh_before(content, at) || sign;
            }
            blank = c.is_whitespace();
        }
        Ok(())
    }

    fn anchor(&mut self, context: &mut Context<'_>, name: String, behind: &str, column: usize) {
        if self.open.len() >= DEEPEST {
            context.see(Reason::TooDeep);
            return;
        }
        let rest = behind.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
        let goes_on = rest.is_empty() || rest.starts_with('#') || rest.starts_with('!');
        let until =
            if self.brackets == 0 && goes_on { Until::Column { column, items: true } } else { Until::Here };
        self.open.push(Open { name, weight: 1, until });
    }

    fn alias(&mut self, context: &mut Context<'_>, name: &str) {
        if self.open.iter().any(|open| open.name == name) {
            // It stands for a node that it is in.
            context.see(Reason::AliasBomb);
        }
        let weight = self.weights.get(name).copied().unwrap_or(1);
        self.total = self.total.saturating_add(weight);
        for open in &mut self.open {
            open.weight = open.weight.saturating_add(weight);
        }
    }

    /// Ends the nodes of which this is true.
    fn close(&mut self, ends: impl Fn(Until) -> bool) {
        let mut at = 0;
        while at < self.open.len() {
            if self.open.get(at).is_some_and(|open| ends(open.until)) {
                let Open { name, weight, .. } = self.open.remove(at);
                self.weights.insert(name, weight);
            } else {
                at += 1;
            }
        }
    }
}

/// The key at the beginning of a line, and what stands behind its colon.
fn key(content: &str) -> Option<(&str, &str)> {
    if content.starts_with(['[', '{', '&', '*', '!', '#']) {
        return None;
    }
    if let Some(quote) = content.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let (key, rest) = content.strip_prefix(quote)?.split_once(quote)?;
        return Some((key, rest.trim_start().strip_prefix(':')?));
    }
    let at = content.match_indices(':').map(|(at, _)| at).find(|at| {
        content.get(at + 1..).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    })?;
    let (key, rest) = content.split_at_checked(at)?;
    Some((key.trim_end(), rest.strip_prefix(':')?))
}

/// Whether before this white space a value could begin: nothing stands there but an anchor, a tag, or a sign.
fn fresh_before(content: &str, at: usize) -> bool {
    let before = content.get(..at).unwrap_or_default().trim_end();
    let last = before.rsplit([' ', '\t']).next().unwrap_or_default();
    last.is_empty() || last.starts_with(['&', '!']) || last.ends_with([',', '[', '{', ':', '-', '?'])
}
