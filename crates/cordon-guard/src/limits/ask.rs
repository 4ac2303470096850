//! What a call asks for at most: what can be counted of its request, and what that may cost.

use cordon_core::{
    Cost, Refusal, RefusalCode, Timestamp,
    json::{Object, Value},
    record::{Spend, Tokens},
    resource::{CallBounds, ModelSpec, Price},
};
use cordon_policy::{CompiledLimit, RouteEntry, Snapshot};

use super::image::{self, Size};

/// Tokens of output of a call that asks for none, where its route does not say it either.
const OUTPUT_TOKENS: u64 = 4096;
/// The most tokens that an image costs where its model does not say it: OpenAI's guide to images (November 2026) has 48,169 for
/// the largest image of its dearest model in tokens.
const IMAGE_TOKENS: u64 = 50_000;
/// What an image is estimated at: about one of 1,024 by 1,024 pixels at most providers.
const USUAL_IMAGE_TOKENS: u64 = 1_000;
/// What a provider may put around a message, a tool or another part, and around all of them.
const PART_TOKENS: u64 = 16;
const FRAME_TOKENS: u64 = 64;
/// Members that hold an image's bytes or address.
const OF_IMAGE: [&str; 4] = ["data", "file_data", "image_url", "url"];

/// What can be counted of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Messages, or inputs.
    pub(crate) messages: u64,
    /// Tools offered.
    pub(crate) tools: u64,
    /// Rows of a prediction.
    pub(crate) rows: u64,
    /// The field that says how long an answer may be; none where no answer has a length.
    pub(crate) output_field: Option<&'static str>,
    /// Tokens of output asked for, of one choice.
    pub(crate) output: Option<u64>,
    /// How many choices are asked for.
    pub(crate) choices: u64,
    /// Its texts and images.
    pub(crate) content: Content,
}

/// The texts and images of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    images: u64,
    /// Pictures whose size cannot be read here: behind an address, or of a format that is not known.
    unmeasured: u64,
    /// The most that any picture has, each by itself.
    width: u64,
    height: u64,
    pixels: u64,
    bytes: u64,
    ascii: u64,
    other: u64,
    numbers: u64,
    parts: u64,
}

impl Shape {
    /// What the texts and images of a request are.
    pub(crate) fn of(tree: &Object) -> Self {
        let mut content = Content::default();
        for (key, value) in tree.iter() {
            // A schema may say that something is an image, and is text all the same.
            let images = !matches!(key, "tools" | "functions");
            content.text(key);
            content.value(value, images);
        }
        Self { choices: 1, content, ..Self::default() }
    }
}

impl Content {
    // Recursion is bounded by the depth that requests are read with.
    fn value(&mut self, value: &Value, images: bool) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                self.numbers = self.numbers.saturating_add(1);
                self.ascii = self.ascii.saturating_add(number.as_str().len() as u64);
            }
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().for_each(|item| self.value(item, images)),
            Value::Object(object) => {
                self.parts = self.parts.saturating_add(1);
                let image = images && is_image(object);
                let measured = self.members(object, images, image);
                self.images = self.images.saturating_add(u64::from(image));
                self.unmeasured = self.unmeasured.saturating_add(u64::from(image && !measured));
            }
        }
    }

    /// Counts what an object holds. Says whether it is a picture of which everything could be measured.
    fn members(&mut self, object: &Object, images: bool, of_image: bool) -> bool {
        let mut measured = None;
        for (key, value) in object.iter() {
            self.text(key);
            let part = match value {
                Value::String(text) if of_image && OF_IMAGE.contains(&key) => Some(self.picture(text)),
                Value::Object(inner) if of_image => Some(self.members(inner, images, true)),
                _ => {
                    self.value(value, images);
                    None
                }
            };
            measured = part.map(|part| part && measured != Some(false)).or(measured);
        }
        measured == Some(true)
    }

    /// Measures a picture, if it can be.
    fn picture(&mut self, text: &str) -> bool {
        let Some(Size { width, height, bytes }) = image::size(text) else { return false };
        let (width, height) = (u64::from(width), u64::from(height));
        self.width = self.width.max(width);
        self.height = self.height.max(height);
        self.pixels = self.pixels.max(width.saturating_mul(height));
        self.bytes = self.bytes.max(bytes);
        true
    }

    fn text(&mut self, text: &str) {
        let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
        self.ascii = self.ascii.saturating_add(ascii);
        self.other = self.other.saturating_add(text.len() as u64).saturating_sub(ascii);
    }

    /// Tokens of input, as they usually are: four letters of ASCII, two bytes of anything else.
    const fn estimate(&self) -> u64 {
        let text = self.ascii.div_ceil(4).saturating_add(self.other.div_ceil(2));
        text.saturating_add(self.numbers).saturating_add(self.images.saturating_mul(USUAL_IMAGE_TOKENS))
    }

    /// Tokens of input at most: no tokenizer makes more than one of a byte.
    fn bound(&self, image_tokens: Option<u64>) -> u64 {
        let image = image_tokens.unwrap_or(IMAGE_TOKENS);
        self.ascii
            .saturating_add(self.other)
            .saturating_add(self.parts.saturating_mul(PART_TOKENS))
            .saturating_add(FRAME_TOKENS)
            .saturating_add(self.images.saturating_mul(image))
    }
}

/// Whether an object is a picture by what it says it is, or by what it holds: not every server asks for the former.
fn is_image(object: &Object) -> bool {
    const SAID: [&str; 5] = ["computer_screenshot", "image", "image_file", "image_url", "input_image"];
    object.iter().any(|(key, value)| match (key, value) {
        ("type", Value::String(kind)) => SAID.contains(&kind.as_str()),
        ("image_url", Value::Object(_) | Value::String(_)) => true,
        ("file_data", Value::String(text)) => {
            text.get(..11).is_some_and(|head| head.eq_ignore_ascii_case("data:image/"))
        }
        _ => false,
    })
}

/// What a call asks for, under its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    /// What is reserved; nothing where no limit counts tokens or money.
    pub(crate) spend: Option<Spend>,
    /// Tokens of output that the request has to be given, because it asks for none.
    pub(crate) output: Option<u64>,
}

impl Ask {
    /// What a request of this shape asks for, whichever of the route's models it goes to; `chosen` may be newer than the Snapshot.
    ///
    /// # Errors
    /// When a limit counts money, and a model that the call may go to has no price in its currency.
    pub(crate) fn new<'a>(
        shape: &Shape,
        limits: impl Iterator<Item = &'a CompiledLimit> + Clone,
        route: &RouteEntry,
        snapshot: &Snapshot,
        chosen: &ModelSpec,
        time: Timestamp,
    ) -> Result<Self, Refusal> {
        let counts = limits.clone().any(|limit| limit.spec.counts_use());
        let bounds = limits.clone().filter_map(|limit| limit.spec.call.output_tokens);
        let given = route.output_tokens.into_iter().chain(bounds).min();
        let given = given.or(counts.then_some(OUTPUT_TOKENS));
        let output = given.filter(|_| shape.output_field.is_some() && shape.output.is_none());
        if !counts {
            return Ok(Self { spend: None, output });
        }
        let each = shape.output.or(output).unwrap_or(0);
        let tokens = each.saturating_mul(shape.choices);
        let mut cost = None;
        for limit in limits {
            let Some(budget) = limit.spec.money else { continue };
            let dearest = dearest(shape, tokens, route, snapshot, chosen, time);
            match dearest.filter(|cost: &Cost| cost.currency == budget.currency) {
                Some(dearest) => cost = Some(dearest),
                None => {
                    let why = format!(
                        "limit {} counts {}, and a model of the route has no price in it; help: give it one, of 0 if need be",
                        limit.name, budget.currency
                    );
                    return Err(Refusal::new(RefusalCode::LimitsUnavailable, why).by(&limit.name));
                }
            }
        }
        Ok(Self { spend: Some(Spend { input: shape.content.estimate(), output: tokens, cost }), output })
    }
}

/// What a call costs at most, whichever of the route's models it goes to; nothing where one of them has no price, or they have
/// prices in several currencies.
fn dearest(
    shape: &Shape,
    output: u64,
    route: &RouteEntry,
    snapshot: &Snapshot,
    chosen: &ModelSpec,
    time: Timestamp,
) -> Option<Cost> {
    let mut most: Option<Cost> = None;
    let models = route.models().map(|model| snapshot.model(model).map(AsRef::as_ref));
    for model in models.chain([Some(chosen)]) {
        let model = model?;
        let price = Price::at(&model.prices, time)?;
        let input = shape.content.bound(model.image_tokens);
        // A provider may ask more for what it had cached.
        let cost = [(0, 0), (input, 0), (0, input)]
            .map(|(cached, cache_written)| price.cost(Tokens { input, output, cached, cache_written }));
        for cost in cost {
            match most {
                Some(most) if most.currency != cost.currency => return None,
                Some(dearest) if dearest.amount >= cost.amount => {}
                _ => most = Some(cost),
            }
        }
    }
    most
}

/// Whether the shape of a request matters to any of these limits: it is a walk over all of the request.
pub(crate) fn need_shape<'a>(mut limits: impl Iterator<Item = &'a CompiledLimit>) -> bool {
    limits.any(|limit| {
        let bounds = CallBounds { duration: None, ..*limit.spec.call };
        bounds != CallBounds::default() || limit.spec.counts_use()
    })
}

/// Whether one call may have this shape under these limits.
///
/// # Errors
/// With the refusal of the first limit that it is too large for.
pub(crate) fn bounds<'a>(
    shape: &Shape,
    limits: impl Iterator<Item = &'a CompiledLimit>,
) -> Result<(), Refusal> {
    for limit in limits {
        let call = &limit.spec.call;
        let asked = shape.output_field.unwrap_or("max_completion_tokens");
        let checks = [
            ("messages", shape.messages, call.messages.map(u64::from)),
            ("messages", shape.content.images, call.images.map(u64::from)),
            ("tools", shape.tools, call.tools.map(u64::from)),
            ("rows", shape.rows, call.rows.map(u64::from)),
            ("messages", shape.content.estimate(), call.input_tokens),
            (asked, shape.output.unwrap_or(0), call.output_tokens),
        ];
        let image = &call.image;
        let content = &shape.content;
        if content.unmeasured > 0 && !image.is_empty() {
            let why = format!("limit {}: the size of an image cannot be read", limit.name);
            return Err(Refusal::new(RefusalCode::PayloadLimited, why).param("messages").by(&limit.name));
        }
        let of_images = [
            ("messages", content.width, image.width.map(u64::from)),
            ("messages", content.height, image.height.map(u64::from)),
            ("messages", content.pixels, image.pixels),
            ("messages", content.bytes, image.bytes),
        ];
        for (param, count, most) in checks.into_iter().chain(of_images) {
            if most.is_some_and(|most| count > most) {
                let why = format!("limit {}: {count} are more than one call may have", limit.name);
                let refusal = Refusal::new(RefusalCode::PayloadLimited, why);
                return Err(refusal.param(param).by(&limit.name));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cordon_core::json::Limits;

    use super::*;

    fn shape(text: &str) -> Content {
        match Value::parse(text.as_bytes(), Limits::default()).unwrap() {
            Value::Object(tree) => Shape::of(&tree).content,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn every_byte_of_text_is_bounded_and_images_count_as_images() {
        let plain = shape(r#"{"messages":[{"role":"user","content":"Grüße 東京"}]}"#);
        // Keys and values: 8 + 4 + 4 + 7 of ASCII and letters with it, and what is not.
        assert_eq!((plain.ascii, plain.other, plain.parts), (23 + 4, 4 + 6, 1));
        assert!(plain.bound(None) >= 37 && plain.estimate() < plain.bound(None));
        let picture = "A".repeat(100_000);
        let image = shape(&format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{picture}"}}}}]}}]}}"#
        ));
        assert_eq!(image.images, 1);
        assert!(image.ascii < 100);
        assert_eq!(image.bound(Some(7)) - image.bound(Some(0)), 7);
        assert_eq!((image.unmeasured, image.bytes), (1, 0));
        // Servers that take more than the specification says find a picture where nothing says that it is one.
        for part in [
            r#"{"image_url":"https://example.com/a.png"}"#,
            r#"{"image_url":{"url":"https://example.com/a.png"}}"#,
            r#"{"type":"image_file","image_file":{"file_id":"file-1"}}"#,
            r#"{"type":"file","file":{"file_data":"DATA:image/png;base64,iVBO-w0K"}}"#,
        ] {
            let found = shape(&format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#));
            assert_eq!((found.images, found.unmeasured), (1, 1), "{part}");
        }
        // What a tool's schema calls an image is text.
        let schema = shape(&format!(r#"{{"tools":[{{"type":"image","data":"{picture}"}}]}}"#));
        assert_eq!(schema.images, 0);
        assert!(schema.bound(None) > 100_000);
    }
}
