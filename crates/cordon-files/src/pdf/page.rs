//! The content of a page, as far as it says which text stands where and whether anybody sees it.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use super::{
    colour::Space,
    file::File,
    font::Font,
    geometry::{Box4, IDENTITY, Matrix, Numbers, apply, numbers, product},
    object::{Dictionary, Lexer, Object, Token, is_space},
};
use crate::{
    Reason, Role,
    bytes::{find, tail},
    context::{Context, Done, Halt},
    markup::style::{self, Colour, WHITE},
    text,
};

/// Drawings inside one another.
const DEEPEST: usize = 12;
/// States that are kept at a time, and operands of one operator.
const MOST_KEPT: usize = 256;
/// Points below which letters are too small to be read.
const TINY: f64 = 1.0;
/// Shapes that may stand behind letters, the last ones.
const MOST_SHAPES: usize = 256;
/// Bands of a page, by which letters are found that a shape may cover.
const BANDS: usize = 64;

/// What the pages of a file share.
#[derive(Default)]
pub(super) struct Shared {
    fonts: HashMap<u32, Rc<Font>>,
    /// Groups of content that are not shown.
    off: HashSet<u32>,
    pub(super) glyphs: usize,
    pub(super) unknown: usize,
    pub(super) lies: usize,
    /// What the encodings of fonts say, where that is another text than their maps say.
    pub(super) otherwise: String,
}

/// Letters that were shown with one operator.
struct Run {
    text: String,
    /// In the middle of the letters.
    x: f64,
    y: f64,
    hidden: bool,
}

/// Something that was painted.
struct Shape {
    place: Box4,
    colour: Option<Colour>,
}

/// A page's text.
pub(super) struct Page {
    runs: Vec<Run>,
}

/// What operators change and `q` keeps.
#[derive(Clone)]
struct State {
    matrix: Matrix,
    fill_space: Space,
    /// None where it is not known.
    fill: Option<Colour>,
    alpha: f64,
    font: Option<Rc<Font>>,
    size: f64,
    mode: f64,
    character_space: f64,
    word_space: f64,
    scale: f64,
    leading: f64,
    rise: f64,
}

struct Reader<'c, 'l, 'f> {
    context: &'c mut Context<'l>,
    file: &'f File<'f>,
    shared: &'c mut Shared,
    page: Box4,
    state: State,
    kept: Vec<State>,
    text: Matrix,
    line: Matrix,
    /// Where the last letters ended, and their size.
    last: Option<(f64, f64, f64)>,
    /// The rectangle around the path, and whether the path is one.
    path: Option<(Box4, bool)>,
    point: (f64, f64),
    shapes: Vec<Shape>,
    runs: Vec<Run>,
    bands: Vec<Vec<usize>>,
    /// Whether marked content is shown, from the outside in.
    marked: Vec<bool>,
    depth: usize,
}

/// A string of a document: UTF-16 or UTF-8 with a mark, else nearly Latin-1.
pub(super) fn plain_string(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => text::utf16_be(rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|byte| text::windows1252(*byte)).collect(),
    }
}

impl Shared {
    /// Notes the groups that a catalog switches off.
    pub(super) fn switched_off(&mut self, file: &File<'_>, catalog: &Dictionary) {
        let Some(properties) = file.get(catalog, "OCProperties").dictionary() else { return };
        let references = |holder: &Dictionary, key: &str| {
            let list = file.get(holder, key).array().unwrap_or_default();
            list.iter().filter_map(Object::reference).collect::<Vec<_>>()
        };
        let Some(default) = file.get(properties, "D").dictionary() else { return };
        if default.is("BaseState", "OFF") {
            self.off.extend(references(properties, "OCGs"));
            for on in references(default, "ON") {
                self.off.remove(&on);
            }
        }
        self.off.extend(references(default, "OFF"));
    }

    /// Whether content of a group, or of a set of groups, is shown.
    fn shows(&self, file: &File<'_>, group: &Object) -> bool {
        if group.reference().is_some_and(|number| self.off.contains(&number)) {
            return false;
        }
        let Some(set) = file.resolve(group).dictionary().filter(|group| group.is("Type", "OCMD")) else {
            return true;
        };
        let Some(groups) = set.get("OCGs") else { return true };
        let shows = |group: &Object| group.reference().is_none_or(|number| !self.off.contains(&number));
        match file.resolve(groups) {
            Object::Array(groups) => groups.is_empty() || groups.iter().any(shows),
            _ => shows(groups),
        }
    }
}

impl Page {
    /// Reads the content of a page.
    pub(super) fn read(
        context: &mut Context<'_>,
        file: &File<'_>,
        resources: &Dictionary,
        page: Box4,
        content: &[u8],
        shared: &mut Shared,
    ) -> Done<Self> {
        let state = State {
            matrix: IDENTITY,
            fill_space: Space::ByCount,
            fill: Some([0; 3]),
            alpha: 1.0,
            font: None,
            size: 0.0,
            mode: 0.0,
            character_space: 0.0,
            word_space: 0.0,
            scale: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        let mut reader = Reader {
            context,
            file,
            shared,
            page,
            state,
            kept: Vec::new(),
            text: IDENTITY,
            line: IDENTITY,
            last: None,
            path: None,
            point: (0.0, 0.0),
            shapes: Vec::new(),
            runs: Vec::new(),
            bands: vec![Vec::new(); BANDS],
            marked: Vec::new(),
            depth: 0,
        };
        reader.content(content, resources)?;
        Ok(Self { runs: reader.runs })
    }

    /// Hands the text over: what is seen, then what is not.
    pub(super) fn keep(self, context: &mut Context<'_>) -> Done {
        let of = |hidden: bool| -> String {
            self.runs.iter().filter(|run| run.hidden == hidden).map(|run| run.text.as_str()).collect()
        };
        let (body, hidden) = (of(false), of(true));
        context.text(Role::Body, body)?;
        context.text(Role::Hidden, hidden)
    }

    /// All of the text.
    pub(super) fn all_text(self) -> String {
        self.runs.into_iter().map(|run| run.text).collect()
    }
}

impl<'f> Reader<'_, '_, 'f> {
    // Recursion through drawings is bounded by `DEEPEST`.
    fn content(&mut self, content: &[u8], resources: &Dictionary) -> Done {
        let mut lexer = Lexer::new(content, 0, self.context.pieces_left());
        let mut operands: Vec<Object> = Vec::new();
        let mut from = 0;
        while let Some(token) = lexer.token() {
            self.context.spend(lexer.at.saturating_sub(from))?;
            from = lexer.at;
            match token {
                Token::Object(object) => {
                    if operands.len() < MOST_KEPT {
                        operands.push(object);
                    }
                }
                Token::Word(b"BI") => {
                    lexer.at = inline_image_end(content, lexer.at);
                    self.image(true)?;
                    operands.clear();
                    lexer.made = 0;
                }
                Token::Word(word) => {
                    self.operator(word, &operands, resources)?;
                    operands.clear();
                    // Those of one operator are held at a time.
                    lexer.made = 0;
                }
            }
        }
        if lexer.made >= self.context.pieces_left() { Err(Halt(Reason::TooMany)) } else { Ok(()) }
    }

    fn operator(&mut self, word: &[u8], operands: &[Object], resources: &Dictionary) -> Done {
        let found = numbers(operands);
        let n = found.as_slice();
        match (word, n) {
            (b"q", _) if self.kept.len() < MOST_KEPT => self.kept.push(self.state.clone()),
            (b"Q", _) => {
                if let Some(state) = self.kept.pop() {
                    self.state = state;
                }
            }
            (b"cm", [a, b, c, d, e, f]) => {
                self.state.matrix = product(&[*a, *b, *c, *d, *e, *f], &self.state.matrix);
            }
            (b"gs", _) => self.graphics_state(operands, resources),
            (b"g", [_]) | (b"rg", [_, _, _]) | (b"k", [_, _, _, _]) => {
                self.state.fill_space = Space::ByCount;
                self.state.fill = Space::ByCount.colour(n);
            }
            (b"cs", _) => {
                let name = operands.last().and_then(Object::name).unwrap_or_default();
                self.state.fill_space = Space::named(self.file, resources, name);
                self.state.fill = if self.state.fill_space == Space::ByCount { Some([0; 3]) } else { None };
            }
            (b"sc" | b"scn", _) => self.state.fill = self.state.fill_space.colour(n),
            (b"m" | b"l", [x, y]) => self.to(*x, *y, word == b"m"),
            (b"c", [.., x, y]) | (b"v", [.., x, y]) | (b"y", [.., x, y]) => {
                self.to(*x, *y, false);
                if let Some((_, exact)) = &mut self.path {
                    *exact = false;
                }
            }
            (b"re", [x, y, width, height]) => self.rectangle(*x, *y, *width, *height),
            (b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*", _) => {
                if let Some((place, exact)) = self.path.take() {
                    let colour = self.state.fill;
                    self.paint(place, colour, exact && self.state.alpha > 0.9)?;
                }
            }
            (b"n" | b"S" | b"s", _) => self.path = None,
            (b"sh", _) => {
                let page = self.page;
                self.paint(page, None, false)?;
            }
            (b"Do", _) => self.draw(operands, resources)?,
            (b"BDC", _) => self.mark(operands, resources)?,
            (b"BMC", _) => self.marked.push(true),
            (b"EMC", _) => {
                self.marked.pop();
            }
            _ => self.text_operator(word, operands, n, resources)?,
        }
        if self.marked.len() > MOST_KEPT {
            self.marked.pop();
        }
        Ok(())
    }

    fn text_operator(&mut self, word: &[u8], operands: &[Object], n: &[f64], resources: &Dictionary) -> Done {
        match (word, n) {
            (b"BT", _) => (self.text, self.line) = (IDENTITY, IDENTITY),
            (b"Tf", [size]) => {
                self.state.size = *size;
                let name = operands.first().and_then(Object::name).unwrap_or_default();
                self.state.font = self.font(resources, name)?;
            }
            (b"Tr", [mode]) => self.state.mode = *mode,
            (b"Tc", [space]) => self.state.character_space = *space,
            (b"Tw", [space]) => self.state.word_space = *space,
            (b"Tz", [scale]) => self.state.scale = scale / 100.0,
            (b"TL", [leading]) => self.state.leading = *leading,
            (b"Ts", [rise]) => self.state.rise = *rise,
            (b"Td", [x, y]) => self.next_line(*x, *y),
            (b"TD", [x, y]) => {
                self.state.leading = -y;
                self.next_line(*x, *y);
            }
            (b"Tm", [a, b, c, d, e, f]) => {
                self.line = [*a, *b, *c, *d, *e, *f];
                self.text = self.line;
            }
            (b"T*", _) => self.next_line(0.0, -self.state.leading),
            (b"Tj", _) => self.show_last(operands)?,
            (b"'", _) => {
                self.next_line(0.0, -self.state.leading);
                self.show_last(operands)?;
            }
            (b"\"", _) => {
                if let [words, characters] = n {
                    (self.state.word_space, self.state.character_space) = (*words, *characters);
                }
                self.next_line(0.0, -self.state.leading);
                self.show_last(operands)?;
            }
            (b"TJ", _) => {
                for item in operands.last().and_then(Object::array).unwrap_or_default() {
                    match item {
                        Object::String(codes) => self.show(codes)?,
                        Object::Number(back) => {
                            self.advance(-back / 1000.0 * self.state.size * self.state.scale);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.line = product(&[1.0, 0.0, 0.0, 1.0, x, y], &self.line);
        self.text = self.line;
    }

    fn advance(&mut self, x: f64) {
        self.text = product(&[1.0, 0.0, 0.0, 1.0, x, 0.0], &self.text);
    }

    fn show_last(&mut self, operands: &[Object]) -> Done {
        match operands.last().and_then(Object::string) {
            Some(codes) => self.show(codes),
            None => Ok(()),
        }
    }

    /// Letters at the place where the last ones ended.
    fn show(&mut self, codes: &[u8]) -> Done {
        let Some(font) = self.state.font.clone() else {
            self.shared.unknown += codes.len();
            self.shared.glyphs += codes.len();
            return Ok(());
        };
        let shown = font.show(codes, self.context.room());
        self.context.decoded(shown.length())?;
        self.shared.glyphs += shown.glyphs;
        self.shared.unknown += shown.unknown;
        self.shared.lies += shown.lies;
        if shown.lies > 0 && self.shared.otherwise.len() < 1 << 16 {
            self.shared.otherwise.push_str(&shown.otherwise);
            self.shared.otherwise.push(' ');
        }
        let State { size, scale, rise, .. } = self.state;
        let place =
            product(&[size * scale, 0.0, 0.0, size, 0.0, rise], &product(&self.text, &self.state.matrix));
        let [_, _, c, d, ..] = place;
        let height = c.hypot(d);
        #[expect(
            clippy::cast_precision_loss,
            reason = "glyphs of one string are few, and a place is no count"
        )]
        let spaces =
            shown.glyphs as f64 * self.state.character_space + shown.blanks as f64 * self.state.word_space;
        let width = (shown.width / 1000.0 * size + spaces) * scale;
        let (x, y) = apply(&place, 0.0, 0.0);
        self.advance(width);
        let (end_x, end_y) = apply(&product(&self.text, &self.state.matrix), 0.0, rise);
        let mut text = self.gap(x, y, height).to_owned();
        self.last = Some((end_x, end_y, height));
        text.push_str(&shown.text);
        let (x, y) = (x.midpoint(end_x), y.midpoint(end_y) + d / 4.0);
        let hidden = self.hides(x, y, height)?;
        if text.is_empty() {
            return Ok(());
        }
        // Those of one page are held at a time.
        if self.runs.len() >= self.context.limits.things {
            return Err(Halt(Reason::TooMany));
        }
        let band = self.band(y);
        if let Some(band) = self.bands.get_mut(band).filter(|_| !hidden) {
            band.push(self.runs.len());
        }
        self.runs.push(Run { text, x, y, hidden });
        Ok(())
    }

    /// What stands between the last letters and those at this place.
    fn gap(&self, x: f64, y: f64, height: f64) -> &'static str {
        let Some((end_x, end_y, last_height)) = self.last else { return "" };
        let height = height.max(last_height).max(0.1);
        let (right, down) = (x - end_x, (y - end_y).abs());
        if down > height * 0.5 || right < -height * 2.0 {
            "\n"
        } else if right > height * 0.16 {
            " "
        } else {
            ""
        }
    }

    /// Whether nobody sees letters that are shown now at this place.
    fn hides(&mut self, x: f64, y: f64, height: f64) -> Done<bool> {
        let unmarked = self.marked.iter().all(|shows| *shows);
        let unpainted = self.state.mode == 3.0 || self.state.mode == 7.0;
        if !unmarked || unpainted || height < TINY || self.state.alpha < 0.06 || !self.page.holds(x, y) {
            return Ok(true);
        }
        // Letters that are only outlined have another colour than what is filled.
        if self.state.mode == 1.0 || self.state.mode == 5.0 {
            return Ok(false);
        }
        let Some(letters) = self.state.fill else { return Ok(false) };
        // Four comparisons are done while a byte is looked at.
        self.context.spend(self.shapes.len() / 4)?;
        let behind = self.shapes.iter().rev().find(|shape| shape.place.holds(x, y));
        let behind = behind.map_or(Some(WHITE), |shape| shape.colour);
        Ok(behind.is_some_and(|behind| style::is_alike(letters, behind)))
    }

    fn to(&mut self, x: f64, y: f64, begins: bool) {
        let (x, y) = apply(&self.state.matrix, x, y);
        self.path = Some(match self.path {
            // A line that leans is the side of no rectangle.
            Some((place, exact)) => {
                let leans = (x - self.point.0).abs() > 0.5 && (y - self.point.1).abs() > 0.5;
                (place.with(x, y), exact && (begins || !leans))
            }
            None => (Box4::of(x, y), true),
        });
        self.point = (x, y);
    }

    fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64) {
        let corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)];
        for (x, y) in corners {
            self.to(x, y, true);
        }
    }

    /// Something opaque is painted: letters before it are covered where it is known to be there.
    fn paint(&mut self, place: Box4, colour: Option<Colour>, exact: bool) -> Done {
        if place.right - place.left < 2.0 || place.top - place.bottom < 2.0 {
            return Ok(());
        }
        if exact {
            for band in self.band(place.bottom)..=self.band(place.top) {
                let Some(band) = self.bands.get_mut(band) else { break };
                self.context.spend(band.len())?;
                // Letters are covered once.
                band.retain(|run| match self.runs.get_mut(*run) {
                    Some(run) if place.holds(run.x, run.y) => {
                        run.hidden = true;
                        false
                    }
                    run => run.is_some(),
                });
            }
        }
        if self.shapes.len() >= MOST_SHAPES {
            self.shapes.remove(0);
        }
        self.context.spend(16)?;
        self.shapes.push(Shape { place, colour });
        Ok(())
    }

    fn band(&self, y: f64) -> usize {
        let share = (y - self.page.bottom) / (self.page.top - self.page.bottom).max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "clamped before"
        )]
        let band = (share * BANDS as f64).clamp(0.0, (BANDS - 1) as f64) as usize;
        band
    }

    /// A picture in the unit square.
    fn image(&mut self, opaque: bool) -> Done {
        self.context.see(Reason::Pixels);
        let corners =
            [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| apply(&self.state.matrix, x, y));
        let [first, rest @ ..] = corners;
        let place = rest.into_iter().fold(Box4::of(first.0, first.1), |place, (x, y)| place.with(x, y));
        // Pictures that were scanned have their text before or behind them; both is seen as text of the picture.
        self.paint(place, None, opaque)
    }

    fn graphics_state(&mut self, operands: &[Object], resources: &Dictionary) {
        let name = operands.last().and_then(Object::name).unwrap_or_default();
        let states = self.file.get(resources, "ExtGState").dictionary();
        let Some(state) = states.and_then(|states| self.file.get(states, name).dictionary()) else { return };
        if let Some(alpha) = self.file.get(state, "ca").number() {
            self.state.alpha = alpha;
        }
        if let Some([_, size]) = self.file.get(state, "Font").array() {
            self.state.size = size.number().unwrap_or(self.state.size);
        }
    }

    fn font(&mut self, resources: &Dictionary, name: &str) -> Done<Option<Rc<Font>>> {
        let Some(fonts) = self.file.get(resources, "Font").dictionary() else { return Ok(None) };
        let Some(object) = fonts.get(name) else { return Ok(None) };
        let number = object.reference();
        if let Some(font) = number.and_then(|number| self.shared.fonts.get(&number)) {
            return Ok(Some(Rc::clone(font)));
        }
        let Some(dictionary) = self.file.resolve(object).dictionary() else { return Ok(None) };
        let font = Rc::new(Font::read(self.context, self.file, dictionary)?);
        if let Some(number) = number {
            self.shared.fonts.insert(number, Rc::clone(&font));
        }
        Ok(Some(font))
    }

    fn mark(&mut self, operands: &[Object], resources: &Dictionary) -> Done {
        let shows = match operands {
            [Object::Name(tag), Object::Name(name)] if tag.text == "OC" => {
                let properties = self.file.get(resources, "Properties").dictionary();
                properties
                    .and_then(|p| p.get(&name.text))
                    .is_none_or(|group| self.shared.shows(self.file, group))
            }
            [_, Object::Dictionary(properties)] => {
                if let Some(instead) = properties.get("ActualText").and_then(Object::string) {
                    self.context.text(Role::Metadata, plain_string(instead))?;
                }
                true
            }
            _ => true,
        };
        self.marked.push(shows);
        Ok(())
    }

    /// A picture, or a drawing of its own.
    fn draw(&mut self, operands: &[Object], resources: &Dictionary) -> Done {
        let name = operands.last().and_then(Object::name).unwrap_or_default();
        let Some(objects) = self.file.get(resources, "XObject").dictionary() else { return Ok(()) };
        let Some(object) = objects.get(name) else { return Ok(()) };
        let Some(form) = self.file.resolve(object).dictionary() else { return Ok(()) };
        let shows = form.get("OC").is_none_or(|group| self.shared.shows(self.file, group));
        if !form.is("Subtype", "Form") {
            let opaque = ["SMask", "Mask", "ImageMask"].iter().all(|key| form.get(key).is_none());
            if shows {
                self.image(opaque && self.state.alpha > 0.9)?;
            }
            return Ok(());
        }
        if self.depth >= DEEPEST {
            self.context.see(Reason::Damaged);
            return Ok(());
        }
        let Some(content) = self.file.content_of(self.context, object)? else { return Ok(()) };
        let kept = self.state.clone();
        let matrix = self.file.get(form, "Matrix").array().map(numbers);
        if let Some([a, b, c, d, e, f]) = matrix.as_ref().map(Numbers::as_slice) {
            self.state.matrix = product(&[*a, *b, *c, *d, *e, *f], &self.state.matrix);
        }
        self.marked.push(shows);
        let (open, states) = (self.marked.len(), self.kept.len());
        let own = self.file.get(form, "Resources").dictionary();
        self.depth += 1;
        self.content(&content, own.unwrap_or(resources))?;
        self.depth -= 1;
        // What the drawing left open ends with it.
        self.marked.truncate(open.saturating_sub(1));
        self.kept.truncate(states);
        self.state = kept;
        Ok(())
    }
}

/// Where a picture within the content ends: behind a word `EI` that stands alone.
fn inline_image_end(content: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = find(content, at, b"EI") {
        let alone = found > 0
            && content.get(found - 1).is_some_and(|byte| is_space(*byte))
            && content.get(found + 2).is_none_or(|byte| is_space(*byte));
        // Pixels may look like the word; behind the word stands text.
        let text = tail(content, found + 2)
            .iter()
            .take(12)
            .all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e));
        if alone && text {
            return found + 2;
        }
        at = found + 2;
    }
    content.len()
}
