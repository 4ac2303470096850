//! Weights of made-up models: numbers from the names of their tensors, as `golden/recipe.py` makes them too.

use std::collections::BTreeMap;

/// A safetensors file with a tensor of each name.
pub(crate) fn safetensors(shapes: &BTreeMap<String, Vec<usize>>) -> Vec<u8> {
    safetensors_with(shapes, |_, numbers| numbers)
}

/// The same with other numbers in some tensors.
pub(crate) fn safetensors_with(
    shapes: &BTreeMap<String, Vec<usize>>,
    change: impl Fn(&str, Vec<f32>) -> Vec<f32>,
) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut numbers = Vec::new();
    for (name, shape) in shapes {
        let begin = numbers.len();
        numbers.extend(change(name, weights(name, shape).collect()).into_iter().flat_map(f32::to_le_bytes));
        let entry =
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, numbers.len()]});
        header.insert(name.clone(), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.append(&mut numbers);
    bytes
}

/// Numbers of splitmix64, seeded with FNV-1a of the tensor's name.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the other side rounds in the same way"
)]
fn weights(name: &str, shape: &[usize]) -> impl Iterator<Item = f32> {
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let norm = name.ends_with("LayerNorm.weight");
    let width = 1.4 / (*shape.last().unwrap() as f64).sqrt();
    (0..shape.iter().product()).map(move |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let unit = (bits >> 40) as f64 / f64::from(1 << 24) - 0.5;
        (if norm { 1.0 + unit * 0.4 } else { unit * 2.0 * width }) as f32
    })
}
