//! Every corpus is replayed: what a search once found stays found, and what once went wrong stays right.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "test code")]

use cordon_fuzz::{TARGETS, corpus, seeds};

fn replay(name: &str) {
    let target = cordon_fuzz::target(name).unwrap();
    let text = std::fs::read_to_string(corpus::file(name)).unwrap();
    let inputs = corpus::read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!inputs.is_empty(), "{name}: an empty corpus");
    for input in inputs.iter().chain(&seeds::of(name)) {
        // A broken law says which input it was: a panic by itself would not.
        let told = std::panic::catch_unwind(|| (target.run)(input));
        assert!(told.is_ok(), "{name}: {:?}", String::from_utf8_lossy(input));
    }
    assert_eq!(corpus::write(inputs, usize::MAX), text, "{name}: sorted, each input once");
}

macro_rules! replayed {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn each_target_is_replayed() {
            let replayed = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), replayed);
            let mut files: Vec<_> = std::fs::read_dir(corpus::folder())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort_unstable();
            let mut named = replayed.map(|name| format!("{name}.txt"));
            named.sort_unstable();
            assert_eq!(files, named);
        }
    };
}

replayed! {
    text disguised names leak pdf archive office compound rtf markup image data json schema proof long policies hosts
    custom topics grounding answer redacted abuse sse stream deltas form model weights conversation
    repair allowed normal protocols coding
}
