//! A page: its fenced blocks, in order, and what is wrong with how they are written.

use std::path::{Path, PathBuf};

/// What becomes of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A shell reads it.
    Shell,
    /// An interpreter of Python reads it.
    Python,
    /// What the block before it prints.
    Shown,
    /// A file, or a part of one, of this kind: `yaml`, `toml`, `ini`, `json`. With a path, the block is saved there first.
    File { kind: String, path: Option<String> },
    /// A picture for people: text that no block before it prints.
    Picture,
    /// Commands that the test cannot run, and why.
    NotRun { reason: String },
}

#[derive(Clone, Debug)]
pub struct Block {
    pub part: Part,
    /// The line of its opening fence, from 1.
    pub line: usize,
    pub text: String,
}

#[derive(Debug)]
pub struct Page {
    /// Its path from the root of the repository.
    pub name: String,
    pub text: String,
    pub blocks: Vec<Block>,
    /// How it is written against the rules.
    pub problems: Vec<String>,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// README.md and every page of docs/, whatever they are named.
pub fn all() -> Vec<Page> {
    let root = root();
    let mut names = vec!["README.md".to_owned()];
    let entries = std::fs::read_dir(root.join("docs")).unwrap();
    let files = entries.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap()));
    names.extend(files.filter(|name| name.ends_with(".md")));
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let text = std::fs::read_to_string(root.join(&name)).unwrap();
            Page::read(&name, text)
        })
        .collect()
}

impl Page {
    pub fn read(name: &str, text: String) -> Self {
        let mut page = Self { name: name.to_owned(), text, blocks: Vec::new(), problems: Vec::new() };
        let text = page.text.clone();
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        let mut reason = None;
        while let Some((at, line)) = lines.next() {
            let inner = line.trim_start();
            if let Some(info) = inner.strip_prefix("```") {
                let indent = line.len() - inner.len();
                let mut body = String::new();
                let mut closed = false;
                for (_, line) in lines.by_ref() {
                    if line.trim() == "```" {
                        closed = true;
                        break;
                    }
                    body.push_str(line.get(indent..).unwrap_or_default());
                    body.push('\n');
                }
                if !closed {
                    page.wrong(at, "a block that does not end");
                }
                page.add(at, info.trim(), body, reason.take());
            } else if let Some(comment) = inner.strip_prefix("<!--") {
                let mut whole = comment.to_owned();
                while !whole.contains("-->")
                    && let Some((_, line)) = lines.next()
                {
                    whole.push(' ');
                    whole.push_str(line.trim());
                }
                let said = whole.split("-->").next().unwrap_or_default().trim();
                reason = said.strip_prefix("no-run:").map(|reason| reason.trim().to_owned());
            } else if !inner.is_empty() {
                reason = None;
            }
        }
        page
    }

    fn add(&mut self, line: usize, info: &str, text: String, reason: Option<String>) {
        let follows_command =
            matches!(self.blocks.last(), Some(Block { part: Part::Shell | Part::Python, .. }));
        let (language, words) = info.split_once(' ').unwrap_or((info, ""));
        let part = match (language, words) {
            ("sh" | "js", "no-run") => match reason.filter(|reason| !reason.is_empty()) {
                Some(reason) => Part::NotRun { reason },
                None => {
                    return self.wrong(line, "a block that is not run needs its reason: <!-- no-run: … -->");
                }
            },
            ("sh", "") if text.lines().skip_while(|line| !serves(line)).any(|line| !serves(line)) => {
                return self.wrong(
                    line,
                    "commands behind a server that only just starts; help: a block of their own",
                );
            }
            ("sh", "") => Part::Shell,
            ("python", "") => Part::Python,
            ("text", "") if follows_command => Part::Shown,
            ("text", "") if text.lines().any(is_command) => {
                return self.wrong(line, "commands in a block of text, where nobody runs them");
            }
            ("text", "") => Part::Picture,
            ("yaml" | "toml" | "ini" | "json", "") => {
                let named = text.lines().next().and_then(|line| line.strip_prefix("# "));
                let path = named.filter(|path| is_path(path)).map(str::to_owned);
                Part::File { kind: language.to_owned(), path }
            }
            _ => return self.wrong(line, &format!("nothing is known about a block of `{info}`")),
        };
        self.blocks.push(Block { part, line, text });
    }

    fn wrong(&mut self, line: usize, what: &str) {
        self.problems.push(format!("{}:{line}: {what}", self.name));
    }

    pub fn place(&self, block: &Block) -> String {
        format!("{}:{}", self.name, block.line)
    }
}

/// A server left in the background: the reader waits until it says that it is ready.
pub fn serves(line: &str) -> bool {
    ["cordon up", "cordon sandbox"].iter().any(|word| line.starts_with(word)) && line.contains('&')
}

fn is_command(line: &str) -> bool {
    ["$ ", "cargo ", "cordon ", "curl ", "sudo "].iter().any(|word| line.starts_with(word))
}

/// One word that names a file: a block that begins with it as a comment is saved there.
fn is_path(text: &str) -> bool {
    let extension = Path::new(text).extension();
    extension.is_some() && !text.contains(' ') && !text.starts_with('/') && !text.contains("..")
}

#[test]
fn blocks_are_what_their_info_strings_say() {
    let text = "# T\n\n```sh\necho a\n```\n\nprints\n\n```text\na\n```\n\n```text\npicture\n```\n\n   ```yaml\n   # a/b.yaml\n   x: 1\n   ```\n\n<!-- no-run: it would\n     install something -->\n```sh no-run\napt install x\n```\n";
    let page = Page::read("t.md", text.to_owned());
    assert_eq!(page.problems, Vec::<String>::new());
    let parts: Vec<Part> = page.blocks.iter().map(|block| block.part.clone()).collect();
    let file = Part::File { kind: "yaml".to_owned(), path: Some("a/b.yaml".to_owned()) };
    let reason = "it would install something".to_owned();
    assert_eq!(parts, [Part::Shell, Part::Shown, Part::Picture, file, Part::NotRun { reason }]);
    assert_eq!(page.blocks[3].text, "# a/b.yaml\nx: 1\n");
    assert_eq!(page.blocks[4].line, 24);
}

#[test]
fn a_block_that_nobody_would_run_is_a_problem() {
    for (text, what) in [
        ("```\ncordon doctor\n```\n", "nothing is known about a block of ``"),
        ("```bash\ncordon doctor\n```\n", "nothing is known about a block of `bash`"),
        ("```sh no-run\napt install x\n```\n", "needs its reason"),
        ("```text\ncordon doctor\n```\n", "commands in a block of text"),
        ("<!-- no-run: because -->\nwords\n```sh no-run\nx\n```\n", "needs its reason"),
        ("```sh\necho\n", "does not end"),
    ] {
        let page = Page::read("t.md", text.to_owned());
        assert_eq!(page.problems.len(), 1, "{text}");
        assert!(page.problems[0].contains(what), "{}", page.problems[0]);
    }
}
