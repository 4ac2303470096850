//! HTML as browsers read it, nearly: tags that end late, attributes without quotes, elements that close others.

use std::{borrow::Cow, collections::HashMap};

use super::{
    style::{self, Colour, Style, WHITE},
    xml::{line, unescaped},
};
use crate::{
    Reason, Role,
    context::{Context, Done, Halt},
    text,
};

/// Elements inside one another that are followed, as browsers do.
const DEEPEST: usize = 512;

/// Elements without content.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements whose content is not elements.
const RAW: [&str; 7] = ["script", "style", "textarea", "title", "xmp", "noembed", "noframes"];

/// Elements behind which a line ends.
const BLOCKS: [&str; 22] = [
    "p",
    "div",
    "br",
    "li",
    "tr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "table",
    "section",
    "article",
    "header",
    "footer",
    "blockquote",
    "pre",
    "td",
    "th",
];

/// Attributes that are read by people who do not see the element.
const TEXTS: [&str; 6] = ["alt", "title", "aria-label", "placeholder", "content", "summary"];

/// An open element.
struct Open {
    name: String,
    hidden: bool,
    /// The colour of letters, as far as it was said.
    colour: Option<Colour>,
    /// What is behind them; none where it is not one colour.
    behind: Option<Colour>,
}

struct Page<'c, 'l> {
    context: &'c mut Context<'l>,
    open: Vec<Open>,
    /// What style sheets say of `.class`, `#id`, and names of elements.
    sheet: HashMap<String, Style>,
    body: String,
    hidden: String,
    about: String,
}

/// An HTML file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let text = text::inspect(context, bytes)?;
    let mut page = Page {
        context,
        open: Vec::new(),
        sheet: HashMap::new(),
        body: String::new(),
        hidden: String::new(),
        about: String::new(),
    };
    page.sheets(&text)?;
    page.read(&text)?;
    let Page { context, body, hidden, about, .. } = page;
    context.text(Role::Body, body)?;
    context.text(Role::Hidden, hidden)?;
    context.text(Role::Metadata, about)
}

impl Page<'_, '_> {
    /// Reads what style sheets of the page hide: they may stand behind what they hide.
    fn sheets(&mut self, text: &str) -> Done {
        let mut rest = text;
        while let Some(at) = find_word(rest, "<style") {
            let inside = rest.get(at..).unwrap_or_default();
            let (_, inside) = inside.split_once('>').unwrap_or_default();
            let end = find_word(inside, "</style").unwrap_or(inside.len());
            let (sheet, behind) = inside.split_at_checked(end).unwrap_or((inside, ""));
            if sheet.contains("@import") {
                self.context.see(Reason::ExternalReference);
            }
            for (selectors, style) in style::rules(sheet) {
                self.context.thing()?;
                if style == Style::default() {
                    continue;
                }
                for selector in selectors.split(',') {
                    // Of a selector in parts the last says what it is about; where another part restricts it, nothing is taken
                    // for hidden that is shown elsewhere.
                    let selector = selector.trim();
                    if !selector.is_empty() && !selector.contains([' ', '>', '+', '~', '[', ':']) {
                        self.sheet.insert(selector.to_ascii_lowercase(), style);
                    }
                }
            }
            rest = behind;
        }
        Ok(())
    }

    fn read(&mut self, text: &str) -> Done {
        let mut rest = text;
        while !rest.is_empty() {
            let Some(at) = rest.find('<') else { return self.words(rest) };
            let (before, tag) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.words(before)?;
            rest = self.tag(tag)?;
        }
        Ok(())
    }

    /// Text between tags.
    fn words(&mut self, raw: &str) -> Done {
        if raw.is_empty() {
            return Ok(());
        }
        self.context.decoded(raw.len())?;
        let text = unescaped(raw);
        let (hidden, letters, behind) = match self.open.last() {
            Some(open) => (open.hidden, open.colour, open.behind),
            None => (false, None, Some(WHITE)),
        };
        let alike = letters.zip(behind).is_some_and(|(letters, behind)| style::is_alike(letters, behind));
        if hidden || alike {
            self.hidden.push_str(&text);
        } else {
            self.body.push_str(&text);
        }
        Ok(())
    }

    /// What begins with `<`; the rest behind it.
    fn tag<'t>(&mut self, text: &'t str) -> Done<&'t str> {
        self.context.thing()?;
        if let Some(rest) = text.strip_prefix("<!--") {
            let (comment, rest) = comment(rest);
            self.context.see(Reason::Comment);
            self.context.decoded(comment.len())?;
            line(&mut self.hidden, comment);
            return Ok(rest);
        }
        let rest = text.strip_prefix('<').unwrap_or_default();
        if let Some(rest) = rest.strip_prefix('/') {
            let (name, rest) = rest.split_once('>').unwrap_or((rest, ""));
            self.close(&name.split_whitespace().next().unwrap_or_default().to_ascii_lowercase())?;
            return Ok(rest);
        }
        if rest.starts_with(['!', '?']) {
            let (declared, rest) = rest.split_once('>').unwrap_or((rest, ""));
            if declared.contains("ENTITY") {
                self.context.see(Reason::EntityExpansion);
            }
            return Ok(rest);
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.words("<")?;
            return Ok(rest);
        }
        let end =
            rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/')).unwrap_or(rest.len());
        let (name, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let name = name.to_ascii_lowercase();
        let (attributes, behind) = attributes(behind, self.context.limits.things)?;
        self.context.spend(rest.len() - behind.len())?;
        self.element(&name, &attributes)?;
        let Some(raw) = RAW.iter().find(|raw| **raw == name) else { return Ok(behind) };
        // In drawings and formulas they are elements like others.
        self.context.spend(self.open.len())?;
        if self.open.iter().any(|open| matches!(open.name.as_str(), "svg" | "math")) {
            return Ok(behind);
        }
        let end = find_word(behind, &format!("</{raw}")).unwrap_or(behind.len());
        let (inside, behind) = behind.split_at_checked(end).unwrap_or((behind, ""));
        match *raw {
            "script" | "style" => {}
            "title" => line(&mut self.about, &unescaped(inside)),
            _ => self.words(inside)?,
        }
        Ok(behind)
    }

    fn element(&mut self, name: &str, attributes: &[Attribute<'_>]) -> Done {
        let get = |key: &str| attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        match name {
            // Data for programs is no program.
            "script" if get("type").is_none_or(|kind| !is_data(kind)) => self.context.see(Reason::Script),
            "iframe" | "frame" | "object" | "embed" | "applet" | "base" => {
                self.context.see(Reason::ExternalReference);
            }
            "meta" if get("http-equiv").is_some_and(|kind| kind.eq_ignore_ascii_case("refresh")) => {
                self.context.see(Reason::ExternalReference);
            }
            _ => {}
        }
        for (key, value) in attributes {
            if key.starts_with("on") && key.len() > 3 {
                self.context.see(Reason::EventHandler);
            }
            if matches!(
                key.as_str(),
                "href" | "src" | "action" | "formaction" | "data" | "xlink:href" | "srcdoc" | "background"
            ) && let Some(reason) = reference(value)
            {
                self.context.see(reason);
            }
            if TEXTS.contains(&key.as_str()) {
                line(&mut self.about, value);
            }
        }
        if BLOCKS.contains(&name) {
            self.body.push('\n');
        }
        if VOID.contains(&name) {
            return Ok(());
        }
        self.push(name, &get)
    }

    fn push<'v>(&mut self, name: &str, get: &impl Fn(&str) -> Option<&'v Cow<'v, str>>) -> Done {
        if self.open.len() >= DEEPEST {
            self.context.see(Reason::TooDeep);
            return Ok(());
        }
        let classes = get("class").map(|classes| classes.to_ascii_lowercase()).unwrap_or_default();
        let mut styles: Vec<Style> = self.sheet.get(name).copied().into_iter().collect();
        for class in classes.split_whitespace() {
            let of = [format!(".{class}"), format!("{name}.{class}")];
            styles.extend(of.iter().filter_map(|selector| self.sheet.get(selector)).copied());
        }
        if let Some(id) = get("id") {
            styles.extend(self.sheet.get(&format!("#{}", id.to_ascii_lowercase())).copied());
        }
        if let Some(own) = get("style") {
            styles.push(Style::read(own));
        }
        let old = [
            get("color").map(|value| format!("color:{value}")),
            get("bgcolor").map(|value| format!("background:{value}")),
        ];
        styles.extend(old.iter().flatten().map(|declaration| Style::read(declaration)));
        let (mut hidden, mut colour, mut behind) = match self.open.last() {
            Some(open) => (open.hidden, open.colour, open.behind),
            None => (false, None, Some(WHITE)),
        };
        hidden |= get("hidden").is_some() || matches!(name, "template" | "noscript" | "datalist");
        hidden |= name == "input" && get("type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden"));
        for style in styles {
            hidden |= style.hides;
            colour = style.colour.or(colour);
            behind = style.background.unwrap_or(behind);
        }
        self.open.push(Open { name: name.to_owned(), hidden, colour, behind });
        Ok(())
    }

    fn close(&mut self, name: &str) -> Done {
        if BLOCKS.contains(&name) {
            self.body.push('\n');
        }
        self.context.spend(self.open.len())?;
        if let Some(at) = self.open.iter().rposition(|open| open.name == name) {
            self.open.truncate(at);
        }
        Ok(())
    }
}

/// A comment and what is behind it: `>` and `->` right at its beginning end it too, and `--!>` does.
fn comment(text: &str) -> (&str, &str) {
    if let Some(rest) = text.strip_prefix('>').or_else(|| text.strip_prefix("->")) {
        return ("", rest);
    }
    let end = text.match_indices('>').find_map(|(at, _)| {
        let before = text.get(..at)?;
        before.strip_suffix("--").or_else(|| before.strip_suffix("--!")).zip(text.get(at + 1..))
    });
    end.unwrap_or((text, ""))
}

/// The name and the value of an attribute.
type Attribute<'a> = (String, Cow<'a, str>);

/// A tag's attributes, of which there may be so many, and the rest behind its `>`.
fn attributes(text: &str, most: usize) -> Done<(Vec<Attribute<'_>>, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return Ok((found, rest));
        }
        if let Some(behind) = rest.strip_prefix('>') {
            return Ok((found, behind));
        }
        let end = rest
            .char_indices()
            .find(|(at, c)| c.is_ascii_whitespace() || matches!(c, '>' | '/') || (*c == '=' && *at > 0))
            .map_or(rest.len(), |(at, _)| at);
        let (key, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = behind;
        let mut value = "";
        if let Some(behind) = rest.trim_start().strip_prefix('=') {
            let behind = behind.trim_start();
            let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''));
            (value, rest) = match quote {
                Some(quote) => {
                    let inside = behind.strip_prefix(quote).unwrap_or_default();
                    inside.split_once(quote).unwrap_or((inside, ""))
                }
                None => {
                    let end =
                        behind.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(behind.len());
                    behind.split_at_checked(end).unwrap_or((behind, ""))
                }
            };
        }
        if found.len() >= most {
            return Err(Halt(Reason::TooMany));
        }
        found.push((key.to_ascii_lowercase(), unescaped(value)));
    }
}

/// What a reference to something else means.
pub(crate) fn reference(value: &str) -> Option<Reason> {
    // Readers skip white space and control characters inside of a scheme.
    let scheme: String = value
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .take(24)
        .collect::<String>()
        .to_ascii_lowercase();
    let runs =
        ["javascript:", "vbscript:", "data:text/html", "data:application/javascript", "data:text/javascript"];
    if runs.iter().any(|start| scheme.starts_with(start)) {
        return Some(Reason::Script);
    }
    let elsewhere = ["http:", "https:", "//", "ftp:", "file:", "\\\\"];
    elsewhere.iter().any(|start| scheme.starts_with(start)).then_some(Reason::ExternalLink)
}

/// Whether a script's type says that it is data.
fn is_data(kind: &str) -> bool {
    let kind = kind.trim().to_ascii_lowercase();
    kind.ends_with("json") || kind.starts_with("text/template") || kind.starts_with("text/x-")
}

/// The place of a word, whatever its case; it begins with `<`.
fn find_word(text: &str, word: &str) -> Option<usize> {
    memchr::memchr_iter(b'<', text.as_bytes()).find(|at| {
        text.as_bytes()
            .get(*at..at + word.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    })
}
