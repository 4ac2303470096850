//! The hypergeometric distribution: `drawn` out of `marked` + `plain`, without replacement.

use super::saddle;

/// P(K = k): exactly `k` of the drawn are marked.
pub fn mass(k: u64, marked: u64, plain: u64, drawn: u64) -> f64 {
    let (Some(marked_left), Some(plain_drawn)) = (marked.checked_sub(k), drawn.checked_sub(k)) else {
        return 0.0;
    };
    let Some(plain_left) = plain.checked_sub(plain_drawn) else { return 0.0 };
    let all = marked as f64 + plain as f64;
    if all == 0.0 {
        return 1.0;
    }
    // A product of binomials over a binomial, for whichever p; with this one none of them is small by itself.
    let p = drawn as f64 / all;
    let q = (marked_left as f64 + plain_left as f64) / all;
    saddle::binomial(k as f64, marked_left as f64, p, q)
        * saddle::binomial(plain_drawn as f64, plain_left as f64, p, q)
        / saddle::binomial(drawn as f64, marked_left as f64 + plain_left as f64, p, q)
}
