//! A stage for attacks: things on the machine that no attack may reach, and a look at them from
//! outside after an attack has ended.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use skillbelt_sandbox::{End, Ending, Limits, Python, Sandbox};

/// States that this machine cannot have a complete sandbox: then attacks are told as not run instead
/// of failing.
pub const CANNOT: &str = "SKILLBELT_NO_SANDBOX";

/// Small bounds, so that all attacks on them end soon.
pub fn limits(forks: bool) -> Limits {
    Limits {
        data: 256 << 20,
        address_space: Some(768 << 20),
        cpu_seconds: 1,
        wall: Duration::from_secs(6),
        processes: 24,
        forks,
        output_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// One attack, read from its file.
pub struct Attack {
    pub name: String,
    source: String,
    pub forks: bool,
    /// Only root can start a program as another user; for anybody else it is himself outside.
    pub needs_root: bool,
}

/// Every attack of the folder, each with what it tries and what must happen.
pub fn attacks() -> Vec<Attack> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks/escape");
    let mut files: Vec<PathBuf> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Attack {
    let source = fs_err::read_to_string(file).unwrap();
    let mut lines = source.lines();
    let begins = |line: Option<&str>, word: &str| line.is_some_and(|line| line.starts_with(word));
    assert!(begins(lines.next(), "# Tries: "), "{}", file.display());
    assert!(begins(lines.next(), "# Must: "), "{}", file.display());
    let third = lines.next();
    let forks = begins(third, "# Runs: forks");
    let needs_root = begins(third, "# Needs: root");
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    Attack {
        name,
        source,
        forks,
        needs_root,
    }
}

/// What an attack may not reach.
pub struct Stage {
    folder: tempfile::TempDir,
    /// Elsewhere than in `/tmp`, where a program has its scratch folder.
    shown: tempfile::TempDir,
    token: String,
    secret: String,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    hidden: UnixListener,
    key: u32,
}

impl Stage {
    pub fn new(name: &str) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let open = |path: &Path, mode| {
            fs_err::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        let shown = tempfile::tempdir_in("/var/tmp").unwrap();
        open(folder.path(), 0o777);
        open(shown.path(), 0o755);
        let clock = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let token = format!("token-{name}-{}-{}", std::process::id(), clock.as_nanos());
        let secret = format!("secret of {token}");
        let canary = (folder.path().join("canary"), 0o666);
        let private = (shown.path().join("private"), 0o600);
        for (path, mode) in [canary, private] {
            fs_err::write(&path, &secret).unwrap();
            open(&path, mode);
        }
        let unix = UnixListener::bind(folder.path().join("socket")).unwrap();
        open(&folder.path().join("socket"), 0o777);
        let address = SocketAddr::from_abstract_name(&token).unwrap();
        let hidden = UnixListener::bind_addr(&address).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        unix.set_nonblocking(true).unwrap();
        hidden.set_nonblocking(true).unwrap();
        let key = clock.subsec_nanos() | 1;
        Stage {
            folder,
            shown,
            token,
            secret,
            tcp,
            udp,
            unix,
            hidden,
            key,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn private(&self) -> PathBuf {
        self.shown.path().join("private")
    }

    /// Runs an attack and says how it ended and what it broke.
    pub fn run(
        &self,
        sandbox: &Sandbox,
        python: &Python,
        attack: &Attack,
    ) -> (Ending, Vec<String>) {
        let mut program = python.program(&self.filled(&attack.source), limits(attack.forks));
        program.view.show(&self.private()).unwrap();
        let ending = sandbox.run(&program, b"").unwrap();
        let broken = self.broken(&ending);
        (ending, broken)
    }

    fn filled(&self, source: &str) -> String {
        let name = |name: &str| fs_err::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap();
        let values = BTreeMap::from([
            ("@CANARY@", self.path("canary").display().to_string()),
            ("@PRIVATE@", self.private().display().to_string()),
            ("@FOLDER@", self.folder.path().display().to_string()),
            ("@UNIX@", self.path("socket").display().to_string()),
            ("@PORT@", self.tcp.local_addr().unwrap().port().to_string()),
            ("@UDP@", self.udp.local_addr().unwrap().port().to_string()),
            ("@TOKEN@", self.token.clone()),
            ("@PID@", std::process::id().to_string()),
            ("@KEY@", self.key.to_string()),
            ("@HOST@", name("hostname").trim().to_owned()),
            (
                "@CGROUP@",
                fs_err::read_link("/proc/self/ns/cgroup")
                    .unwrap()
                    .display()
                    .to_string(),
            ),
        ]);
        let fill = |text: String, (name, value): (&&str, &String)| text.replace(*name, value);
        values.iter().fold(source.to_owned(), fill)
    }

    /// Everything that is not as it must be.
    fn broken(&self, ending: &Ending) -> Vec<String> {
        let said = [&ending.stdout, &ending.stderr]
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let said = said.concat();
        let bounds = limits(false);
        let kept = |path: PathBuf| fs_err::read_to_string(path).ok() == Some(self.secret.clone());
        let files = fs_err::read_dir(self.folder.path()).unwrap().count();
        let nothing = |result: std::io::Result<()>| matches!(result, Err(error) if error.kind() == ErrorKind::WouldBlock);
        let processes = self.processes();
        for (pid, _) in &processes {
            // SAFETY: a process that carries this stage's token, left over by its attack.
            unsafe { libc::kill(*pid, libc::SIGKILL) };
        }
        let checks = [
            (!said.contains("BROKEN"), "it says that it got through"),
            (!said.contains(&self.secret), "it read a secret"),
            (
                kept(self.path("canary")) && kept(self.private()) && files == 2,
                "it changed files",
            ),
            (
                nothing(self.tcp.accept().map(drop)),
                "it connected to a port",
            ),
            (
                nothing(self.udp.recv(&mut [0; 8]).map(drop)),
                "a datagram arrived",
            ),
            (
                nothing(self.unix.accept().map(drop)),
                "it connected to a socket file",
            ),
            (
                nothing(self.hidden.accept().map(drop)),
                "it connected to an abstract socket",
            ),
            (processes.is_empty(), "a process is left"),
            (
                !Path::new("/dev/shm").join(&self.token).exists(),
                "it left shared memory",
            ),
            (!self.segment(), "it left a segment of shared memory"),
            (
                ending.peak_bytes <= bounds.data + (96 << 20),
                "it held more memory than it may",
            ),
            (
                ending.cpu < Duration::from_secs(4),
                "it used more CPU time than it may",
            ),
            (
                ending.wall < Duration::from_secs(30),
                "it went on for too long",
            ),
            (
                ending.stdout.len().max(ending.stderr.len()) <= bounds.output_bytes,
                "its output is not bounded",
            ),
        ];
        let broken = checks.iter().filter(|(held, _)| !held);
        broken.map(|(_, what)| (*what).to_owned()).collect()
    }

    /// Processes of the machine that carry the token.
    fn processes(&self) -> Vec<(i32, String)> {
        let mut found = Vec::new();
        for entry in fs_err::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
                continue;
            };
            let line = fs_err::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.contains(&self.token) && pid != std::process::id() as i32 {
                found.push((pid, line));
            }
        }
        found
    }

    /// Whether the segment with the stage's key is there; if so it is removed.
    fn segment(&self) -> bool {
        // SAFETY: numbers only; a segment with this key can only be the attack's.
        unsafe {
            let segment = libc::shmget(self.key as libc::key_t, 0, 0);
            segment >= 0 && libc::shmctl(segment, libc::IPC_RMID, std::ptr::null_mut()) == 0
        }
    }
}

/// Whether an attack really took place: it said that it was stopped, or was ended.
pub fn took_place(ending: &Ending) -> bool {
    let said = String::from_utf8_lossy(&ending.stdout);
    said.contains("held") || !matches!(ending.end, End::Exited(_))
}
