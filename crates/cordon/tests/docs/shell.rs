//! Runs a page as a person would: one shell, one empty folder, from top to bottom, with the real binary on the path.

use std::{
    fmt::Write as _,
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use cordon_testkit::TempDir;

use super::{
    page::{Block, Page, Part, root, serves},
    provider::Providers,
    shown,
};

/// What a page may take, all of it.
const LIMIT_SECONDS: u32 = 120;

/// The driver's first lines. `cargo` is stood in for: what the pages ask of it is to build the binary, which is on the path
/// already, and to run it. Of servers that a block leaves in the background it waits for the first that says it is ready, as
/// the reader does.
const PRELUDE: &str = r#"
set -euo pipefail
ended() {
    code=$?
    for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
    wait
    exit "$code"
}
trap ended EXIT
cargo() {
    case "$*" in
    "build --release") ;;
    "run --release -- up --demo")
        cordon up --demo > "$BLOCKS/demo" 2> /dev/null &
        local demo=$!
        said "$BLOCKS/demo" 'Serving until Ctrl-C'
        kill -INT "$demo"
        wait "$demo"
        grep -v '^stopping' "$BLOCKS/demo"
        ;;
    "xtask test") grep -q '^xtask = "run .*--package xtask' "$ROOT/.cargo/config.toml" ;;
    *) echo "the test does not know cargo $*"; return 98 ;;
    esac
}
said() {
    for attempt in $(seq 600); do
        if grep -q "$2" "$1"; then return; fi
        sleep 0.05
    done
    echo "$1 does not say: $2"
    return 97
}
ready() {
    for attempt in $(seq 600); do
        if curl -fs -o /dev/null "$1"; then return; fi
        sleep 0.05
    done
    echo "$1 did not become ready"
    return 97
}
"#;

/// What went wrong in a page, and what of it was run.
#[derive(Default)]
pub struct Ran {
    pub blocks: usize,
    pub compared: usize,
    pub problems: Vec<String>,
}

/// Where a page is run, and what stands for what in it: each loopback address for one that is this page's alone, so that
/// pages keep their ports and run side by side; each folder of the machine for one in the page's own.
pub struct Scene {
    folder: TempDir,
    address: IpAddr,
}

impl Scene {
    pub fn new(address: IpAddr) -> Self {
        let folder = TempDir::new().unwrap();
        for made in
            ["work", "home", "blocks", "mnt/backups", "mnt/vault", "mnt/elsewhere", "etc/cordon", "var/lib"]
        {
            std::fs::create_dir_all(folder.path().join(made)).unwrap();
        }
        Self { folder, address }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A page's text as it is run here.
    fn moved(&self, text: &str) -> String {
        let at = |folder: &str| format!("{}{folder}", self.folder.path().display());
        text.replace("127.0.0.1", &self.address.to_string())
            .replace("/mnt/", &at("/mnt/"))
            .replace("/etc/cordon/", &at("/etc/cordon/"))
            .replace("/var/lib/cordon", &at("/var/lib/cordon"))
    }

    /// Runs a page; Python blocks only where there is an interpreter that has the client package.
    pub fn run(&self, page: &Page, providers: &Providers, python: Option<&Path>) -> Ran {
        let mut ran = Ran::default();
        let mut driver = PRELUDE.to_owned();
        for (at, block) in page.blocks.iter().enumerate() {
            self.prepare(&mut driver, at, block, python, &mut ran);
        }
        driver.push_str("echo > \"$BLOCKS/at\"\n");
        std::fs::write(self.path("blocks/driver"), driver).unwrap();
        let output = self.command(providers).output().unwrap();
        let at = std::fs::read_to_string(self.path("blocks/at")).unwrap_or_default();
        if let Some(block) = at.trim().parse().ok().and_then(|at: usize| page.blocks.get(at)) {
            ran.problems.push(format!(
                "{}: ended with {}; it printed:\n    {}{}",
                page.place(block),
                output.status,
                self.printed(at.trim()).trim_end().replace('\n', "\n    "),
                String::from_utf8_lossy(&output.stderr)
            ));
            return ran;
        }
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            ran.problems.push(format!("{}: ended with {}: {said}", page.name, output.status));
        }
        self.compare(page, &mut ran, python.is_some());
        ran
    }

    fn prepare(&self, driver: &mut String, at: usize, block: &Block, python: Option<&Path>, ran: &mut Ran) {
        let source = self.path(&format!("blocks/{at}"));
        let text = self.moved(&block.text);
        let run = match &block.part {
            Part::Shell => {
                std::fs::write(&source, with_exit_codes(&text)).unwrap();
                format!(". \"$BLOCKS/{at}\"")
            }
            Part::Python => {
                let Some(python) = python else { return };
                std::fs::write(&source, text).unwrap();
                format!("{} \"$BLOCKS/{at}\"", python.display())
            }
            Part::File { path: Some(path), .. } => {
                std::fs::write(&source, text).unwrap();
                format!("mkdir -p \"$(dirname '{path}')\"; cp \"$BLOCKS/{at}\" '{path}'")
            }
            Part::File { path: None, .. } | Part::Shown | Part::Picture | Part::NotRun { .. } => return,
        };
        if matches!(block.part, Part::Shell | Part::Python) {
            ran.blocks += 1;
        }
        writeln!(driver, "echo {at} > \"$BLOCKS/at\"\n{run} > \"$BLOCKS/{at}.out\" 2>&1").unwrap();
        for (server, place) in [("cordon up", ":4181/readyz"), ("cordon sandbox", ":4182/healthz")] {
            if block.text.lines().any(|line| line.starts_with(server) && serves(line)) {
                writeln!(driver, "ready http://{}{place} >> \"$BLOCKS/{at}.out\"", self.address).unwrap();
            }
        }
        if block.text.lines().any(|line| line.starts_with("cordon up --demo") && serves(line)) {
            writeln!(driver, "said \"$BLOCKS/{at}.out\" 'Serving until Ctrl-C'").unwrap();
        }
        // What a server in the background prints later belongs to no block.
        writeln!(driver, "cp \"$BLOCKS/{at}.out\" \"$BLOCKS/{at}.shown\"").unwrap();
    }

    fn printed(&self, at: &str) -> String {
        let file = |ending| std::fs::read(self.path(&format!("blocks/{at}.{ending}")));
        String::from_utf8_lossy(&file("shown").or_else(|_| file("out")).unwrap_or_default()).into_owned()
    }

    fn compare(&self, page: &Page, ran: &mut Ran, has_python: bool) {
        for (at, pair) in page.blocks.windows(2).enumerate() {
            let [command, Block { part: Part::Shown, text, .. }] = pair else { continue };
            if command.part == Part::Python && !has_python {
                continue;
            }
            ran.compared += 1;
            if let Some(what) = shown::difference(&self.moved(text), &self.printed(&at.to_string())) {
                ran.problems.push(format!("{}: {what}", page.place(&pair[1])));
            }
        }
    }

    fn command(&self, providers: &Providers) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_cordon")).parent().unwrap();
        let bundle = self.path("blocks/authority.pem");
        std::fs::write(&bundle, &providers.authority).unwrap();
        let address = self.address;
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", &LIMIT_SECONDS.to_string(), "bash"]).arg(self.path("blocks/driver"));
        command.env_clear().current_dir(self.path("work")).stdin(Stdio::null());
        command
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display()))
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8")
            .env("ROOT", root())
            .env("BLOCKS", self.path("blocks"))
            .env("CORDON_GATEWAY_LISTEN", format!("{address}:4180"))
            .env("CORDON_CONTROL_LISTEN", format!("{address}:4181"))
            .env("CORDON_SANDBOX_LISTEN", format!("{address}:4182"))
            .env("CORDON_UPSTREAM_PROXY", format!("http://{}", providers.proxy))
            .env("CORDON_UPSTREAM_CA_BUNDLE", bundle);
        command
    }
}

/// A line that says its exit code (`# … exit code 2 …`) must end with it; every other one with 0.
fn with_exit_codes(text: &str) -> String {
    let mut script = String::new();
    for line in text.lines() {
        let told = line.split_once("  # ").and_then(|(command, comment)| {
            let code = comment.split_once("exit code ")?.1;
            let code: String = code.chars().take_while(char::is_ascii_digit).collect();
            Some((command, code.parse::<u8>().ok().filter(|code| *code != 0)?))
        });
        match told {
            None => writeln!(script, "{line}"),
            Some((command, code)) => writeln!(
                script,
                "set +e; {command}\ncode=$?; set -e; [ $code -eq {code} ] || {{ echo \"exit code $code, and the page says {code}\"; exit 96; }}"
            ),
        }
        .unwrap();
    }
    script
}
