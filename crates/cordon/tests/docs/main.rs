//! README and `docs/` do what they say. Every block of every page is picked up: commands are run and what they print is
//! compared with what the page shows, files are read as the product reads them, links are followed. A block that cannot be
//! run says why; a block that nobody would look at is an error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "test code"
)]

mod page;
mod provider;
mod shell;
mod shown;
#[path = "../support/tls.rs"]
mod tls;

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use cordon::{config::Raw, declare};
use page::{Page, Part, root};
use provider::{PROVIDERS, Providers};
use shell::{Ran, Scene};

/// Pages that run at the same time: each starts a few servers.
const TOGETHER: usize = 3;

/// A loopback address whose ports of the pages nobody listens on.
fn address() -> IpAddr {
    loop {
        let mut bytes = [0; 3];
        getrandom::fill(&mut bytes).unwrap();
        // 127.0.x.y is where other tests and people are.
        let address = Ipv4Addr::new(127, bytes[0].max(1), bytes[1], bytes[2].clamp(1, 254));
        let is_free = |port| TcpListener::bind((address, port)).is_ok();
        if [4180, 4181, 4182, 8000, 11_434].into_iter().all(is_free) {
            return address.into();
        }
    }
}

/// A Python that has the official client package: what the test command installed.
fn python() -> Option<PathBuf> {
    let installed = root().join("target/clients/python/bin/python");
    let named = std::env::var_os("CORDON_CLIENTS_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or(installed);
    let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let has_client =
        quiet(Command::new(&python).args(["-c", "import openai, anthropic"])).is_ok_and(|s| s.success());
    let is_required = std::env::var_os("CORDON_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
    assert!(
        has_client || !is_required,
        "CORDON_REQUIRE_CLIENTS=1, and {} has no openai or no anthropic",
        python.display()
    );
    if !has_client {
        eprintln!("skipped: blocks of Python; `cargo xtask test` installs the client package that they use");
    }
    has_client.then_some(python)
}

async fn run(page: Arc<Page>, python: Option<PathBuf>) -> (Arc<Page>, Ran, Vec<provider::Asked>) {
    let address = address();
    let providers = Arc::new(Providers::start(address).await);
    let of_page = Arc::clone(&page);
    let asked = Arc::clone(&providers);
    let ran =
        tokio::task::spawn_blocking(move || Scene::new(address).run(&of_page, &providers, python.as_deref()));
    (page, ran.await.unwrap(), asked.asked())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_every_page_does_what_the_page_says() {
    let began = Instant::now();
    let python = python();
    let pages: Vec<Arc<Page>> = page::all().into_iter().map(Arc::new).collect();
    let mut problems: Vec<String> = pages.iter().flat_map(|page| page.problems.clone()).collect();
    let (mut blocks, mut compared, mut not_run) = (0, 0, Vec::new());
    let mut running = tokio::task::JoinSet::new();
    let only = std::env::var("CORDON_DOCS_PAGE").ok();
    let mut waiting = pages.iter().filter(|page| only.as_ref().is_none_or(|only| page.name.contains(only)));
    loop {
        while running.len() < TOGETHER
            && let Some(page) = waiting.next()
        {
            running.spawn(run(Arc::clone(page), python.clone()));
        }
        let Some(done) = running.join_next().await else { break };
        let (page, ran, asked) = done.unwrap();
        blocks += ran.blocks;
        compared += ran.compared;
        problems.extend(ran.problems);
        if page.name == "docs/providers.md" {
            for provider in PROVIDERS {
                if !asked.iter().any(|asked| provider.was(asked)) {
                    problems.push(format!("{}: {provider:?} was not asked; it was {asked:?}", page.name));
                }
            }
        }
    }
    for page in &pages {
        for block in &page.blocks {
            if let Part::NotRun { reason } = &block.part {
                not_run.push(format!("{}: {reason}", page.place(block)));
            }
        }
    }
    println!(
        "{} pages, {blocks} blocks run, {compared} outputs compared, {} blocks not run, {} problems, {:.1} s",
        pages.len(),
        not_run.len(),
        problems.len(),
        began.elapsed().as_secs_f64()
    );
    not_run.iter().for_each(|block| println!("not run: {block}"));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(blocks > 0 || only.is_some(), "nothing was run");
}

#[test]
fn every_file_in_a_page_is_one_that_cordon_takes() {
    let mut problems = Vec::new();
    let mut files = 0;
    for page in page::all() {
        for block in &page.blocks {
            let Part::File { kind, .. } = &block.part else { continue };
            let name = page.place(block);
            let found: Vec<String> = match kind.as_str() {
                "yaml" if block.text.contains("apiVersion: cordon/v1") => {
                    let source =
                        declare::Source { name: name.clone(), bytes: block.text.clone().into_bytes() };
                    declare::read(&[source]).diagnostics.iter().map(ToString::to_string).collect()
                }
                "toml" => match Raw::default().toml(&name, &block.text).check() {
                    Ok(_) => Vec::new(),
                    Err(problems) => problems.iter().map(|problem| format!("{name}: {problem}")).collect(),
                },
                "json" => serde_json::from_str::<serde_json::Value>(&block.text)
                    .map_or_else(|error| vec![format!("{name}: {error}")], |_| Vec::new()),
                "ini" => continue,
                other => vec![format!("{name}: a block of {other} that is nothing of Cordon's")],
            };
            files += 1;
            problems.extend(found);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(files > 0);
}

#[test]
fn every_page_is_in_the_index_and_every_link_leads_somewhere() {
    let pages = page::all();
    let mut problems = Vec::new();
    let mut linked = BTreeSet::new();
    for page in &pages {
        let folder = root().join(&page.name).parent().unwrap().to_owned();
        for target in page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.contains(' ') {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { root().join(&page.name) } else { folder.join(file) };
            let Ok(text) = std::fs::read_to_string(&path) else {
                problems.push(format!("{}: `{target}` leads nowhere", page.name));
                continue;
            };
            let headings = text.lines().filter(|line| line.starts_with('#')).map(slug);
            if !anchor.is_empty() && !headings.into_iter().any(|heading| heading == anchor) {
                problems.push(format!("{}: no heading is `#{anchor}` in {file}", page.name));
            }
            if page.name == "README.md" {
                linked.insert(file.to_owned());
            }
        }
    }
    for page in &pages {
        if page.name != "README.md" && !linked.contains(&page.name) {
            problems.push(format!("README.md does not lead to {}", page.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A heading as links name it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The runner itself: what it must not let pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_says_what_is_not_so_is_found_out() {
    for (text, what) in [
        ("```sh\nfalse\n```\n", "ended with"),
        ("```sh\necho a\n```\n\n```text\nb\n```\n", "no line is like `b`"),
        ("```sh\ncordon no-such-command\n```\n", "ended with"),
        ("```sh\ntrue  # exit code 2: something would change\n```\n", "exit code 0, and the page says 2"),
        ("```sh\nmissing=$UNSET\n```\n", "unbound variable"),
    ] {
        let page = Arc::new(Page::read("t.md", text.to_owned()));
        let (_, ran, _) = run(page, None).await;
        assert_eq!(ran.problems.len(), 1, "{text}: {:?}", ran.problems);
        assert!(ran.problems[0].contains(what), "{text}: {}", ran.problems[0]);
    }
    let fine = "```yaml\n# a/b.yaml\nx: 1\n```\n\n```sh\ncat a/b.yaml\nfalse  # exit code 1\n```\n\n```text\n…\nx: 1\n```\n";
    let (_, ran, _) = run(Arc::new(Page::read("t.md", fine.to_owned())), None).await;
    assert!(ran.problems.is_empty() && ran.blocks == 1 && ran.compared == 1, "{:?}", ran.problems);
}
