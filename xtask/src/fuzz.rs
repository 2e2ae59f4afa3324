//! Hostile input in numbers: the fuzz targets of netgear-proto and netgear-media.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    iter,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Result,
    process::{self, Outcome, human},
    tools::{self, Tool},
    workspace::Workspace,
};

/// The packages of the targets. Each is a workspace of its own: it needs a nightly compiler.
pub(crate) const MANIFESTS: [&str; 2] = [Package::Proto.manifest(), Package::Media.manifest()];

/// A crate with fuzz targets. Its tests replay their corpora.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Package {
    Proto,
    Media,
}

impl Package {
    const ALL: [Self; 2] = [Self::Proto, Self::Media];

    /// Where its targets are built.
    const fn manifest(self) -> &'static str {
        match self {
            Self::Proto => "crates/netgear-proto/fuzz/Cargo.toml",
            Self::Media => "crates/netgear-media/fuzz/Cargo.toml",
        }
    }

    /// The most bytes that are committed for a target. Films are larger than messages, and reach most of a decoder
    /// that is not ours.
    const fn room(self) -> u64 {
        match self {
            Self::Proto => u64::MAX,
            Self::Media => 40 << 10,
        }
    }

    /// A folder of inputs for each target.
    const fn corpora(self) -> &'static str {
        match self {
            Self::Proto => "crates/netgear-proto/tests/data/fuzz",
            Self::Media => "crates/netgear-media/tests/data/fuzz",
        }
    }
}

/// What is fuzzed.
#[derive(Debug)]
struct Target {
    package: Package,
    name: &'static str,
    /// The longest input, in bytes. Longer ones reach no more, and take longer.
    longest: usize,
    /// Further inputs to begin with, which are kept as they are.
    recorded: Option<&'static str>,
}

impl Target {
    const fn proto(name: &'static str, longest: usize) -> Self {
        Self { package: Package::Proto, name, longest, recorded: None }
    }

    const fn media(name: &'static str, longest: usize) -> Self {
        Self { package: Package::Media, name, longest, recorded: None }
    }
}

const TARGETS: [Target; 17] = [
    // Most limits are passed with less, and the longest recorded message is half of this.
    Target::proto("native_message", 4096),
    Target {
        recorded: Some("crates/netgear-proto/tests/data/vidgear/messages"),
        ..Target::proto("vidgear_message", 4096)
    },
    Target::proto("texts", 64),
    Target::proto("zmtp_connection", 512),
    // A hundred operations fill every queue, and more only drain and fill it again.
    Target::proto("session", 256),
    Target::proto("session_pair", 256),
    // The shortest film has a thousand bytes.
    Target::media("mp4", 1536),
    Target::media("mp4_frames", 1536),
    Target::media("y4m", 512),
    Target::media("avi", 1536),
    Target::media("mjpeg", 1024),
    Target::media("jpeg", 1024),
    Target::media("encoded_frame", 1024),
    Target::media("gif", 512),
    Target::media("png", 1024),
    Target::media("webp", 1024),
    Target::media("source_texts", 64),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// These targets only.
    #[arg(value_name = "TARGET", value_parser = TARGETS.map(|target| target.name))]
    targets: Vec<String>,
    /// The targets of this crate only.
    #[arg(long, value_name = "CRATE")]
    package: Option<Package>,
    /// So many executions of each.
    #[arg(long, default_value_t = 1_000_000)]
    runs: u64,
    /// At most so many seconds for each; 0 is no limit.
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    /// So many targets at once.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Print the result as JSON, too.
    #[arg(long)]
    json: bool,
    /// Fuzz nothing: of all inputs found so far, commit as few as reach all the code that they reach together.
    #[arg(long)]
    minimise: bool,
}

/// Fuzzes from the committed corpora on. What it finds on the way is kept below the target directory for the next
/// time.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !tools::require(Tool::Nightly)? {
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::Nightly.name())));
    }
    let is_wanted = |target: &&Target| {
        options.package.is_none_or(|package| package == target.package)
            && (options.targets.is_empty() || options.targets.iter().any(|name| name == target.name))
    };
    let targets: Vec<&Target> = TARGETS.iter().filter(is_wanted).collect();
    let is_needed = |package: &Package| targets.iter().any(|target| target.package == *package);
    let fuzzer = Fuzzer::build(workspace, Package::ALL.into_iter().filter(is_needed))?;
    if options.minimise {
        targets.into_iter().try_for_each(|target| fuzzer.minimise(target))?;
        return Ok(Outcome::Done);
    }
    let runs = fuzzer.run_all(&targets, options)?;
    print_table(&runs);
    if options.json {
        println!("{}", json!({ "targets": runs.iter().map(Run::json).collect::<Vec<_>>() }));
    }
    let findings: Vec<String> = runs.iter().filter_map(|run| run.finding.clone()).collect();
    if findings.is_empty() { Ok(Outcome::Done) } else { Err(findings.join("\n").into()) }
}

/// The targets, built.
struct Fuzzer<'a> {
    workspace: &'a Workspace,
    /// The folder of the programs.
    programs: PathBuf,
}

/// What came of one target.
struct Run {
    target: &'static str,
    executions: u64,
    took: Duration,
    committed: Corpus,
    found: Corpus,
    /// What was found wrong, and how to see it.
    finding: Option<String>,
}

/// The inputs in a folder.
#[derive(Debug, Clone, Copy, Default)]
struct Corpus {
    files: u64,
    bytes: u64,
}

impl<'a> Fuzzer<'a> {
    fn build(workspace: &'a Workspace, packages: impl Iterator<Item = Package>) -> Result<Self> {
        let directory = workspace.target("fuzz/build");
        for package in packages {
            Self::build_package(workspace, package, &directory)?;
        }
        let version = process::output(Command::new("rustup").args(["run", "nightly", "rustc", "-vV"]))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or("rustc -vV does not name its host")?;
        Ok(Self { workspace, programs: directory.join(host).join("release") })
    }

    fn build_package(workspace: &Workspace, package: Package, directory: &Path) -> Result {
        let mut command = Command::new("rustup");
        // The cargo of this program is not nightly's.
        command.args(["run", "nightly"]).env_remove("CARGO").env_remove("CARGO_TARGET_DIR");
        command.arg(cargo_fuzz(workspace)?).args(["build", "--fuzz-dir"]);
        command.arg(parent(&workspace.path(package.manifest()))).arg("--target-dir").arg(directory);
        // There is no unsafe code to sanitise, and without tracing each comparison it does twice as much: what a
        // comparison is with stands in the corpora.
        command.args(["--sanitizer", "none", "--no-trace-compares"]);
        process::run(&mut command)
    }

    /// Each target in its turn, as many at once as were asked for.
    fn run_all(&self, targets: &[&'static Target], options: &Options) -> Result<Vec<Run>> {
        let waiting = Mutex::new(targets.iter());
        let next = || waiting.lock().ok().and_then(|mut waiting| waiting.next().copied());
        let work = || iter::from_fn(next).map(|target| self.fuzz(target, options)).collect::<Vec<_>>();
        let runs = thread::scope(|scope| {
            let workers: Vec<_> = (0..options.jobs.max(1)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect::<Vec<_>>()
        });
        if runs.len() != targets.len() {
            return Err("a thread that ran targets panicked".into());
        }
        let mut runs = runs.into_iter().map(|run| run.map_err(Into::into)).collect::<Result<Vec<_>>>()?;
        let place = |run: &Run| targets.iter().position(|target| target.name == run.target);
        runs.sort_by_key(place);
        Ok(runs)
    }

    fn fuzz(&self, target: &Target, options: &Options) -> Result<Run, String> {
        self.try_fuzz(target, options).map_err(|error| format!("{}: {error}", target.name))
    }

    fn try_fuzz(&self, target: &Target, options: &Options) -> Result<Run> {
        let (found, artifacts) = (self.found(target)?, self.workspace.target("fuzz/artifacts"));
        let log = self.workspace.target("fuzz").join(format!("{}.log", target.name));
        fs::create_dir_all(&artifacts)?;
        println!("{}: see {}", target.name, log.display());
        let mut command = self.program(target);
        // The first folder is the one that is written to.
        command.arg(&found).args(self.seeds(target));
        command.args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
        command.arg(format!("-runs={}", options.runs));
        command.arg(format!("-max_total_time={}", options.seconds));
        command.arg(prefixed("-artifact_prefix=", &artifacts.join(format!("{}-", target.name))));
        let started = Instant::now();
        let output = File::create(&log)?;
        let status = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).status()?;
        let took = started.elapsed();
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let finding = (!status.success()).then(|| self.finding(target, &said, &log));
        let mut committed = Corpus::default();
        for folder in self.seeds(target) {
            committed.add(&folder)?;
        }
        let run = Run {
            target: target.name,
            // One that was killed does not come to saying so.
            executions: match (executions(&said), &finding) {
                (Some(executions), _) => executions,
                (None, Some(_)) => 0,
                (None, None) => return Err("it does not say how many executions there were".into()),
            },
            took,
            committed,
            found: Corpus::of(&found)?,
            finding,
        };
        println!("{}: {} executions in {}", run.target, run.executions, human(took));
        Ok(run)
    }

    /// What a person wants to know of a run that failed.
    fn finding(&self, target: &Target, said: &str, log: &Path) -> String {
        let behind = |word: &str| said.split_once(word).map(|(_, rest)| rest);
        let panic: Vec<&str> = behind("panicked at ").into_iter().flat_map(str::lines).take(3).collect();
        let artifact = behind("Test unit written to ").and_then(|rest| rest.lines().next());
        let Some(artifact) = artifact else {
            return format!("{}: failed without an input that shows it; see {}", target.name, log.display());
        };
        let program = self.programs.join(target.name);
        format!(
            "{}: {}\n  to see it: FUZZ_TRACE=1 {} {artifact}",
            target.name,
            panic.join(" "),
            program.display()
        )
    }

    /// Writes the committed corpus anew, with the fewest inputs that reach every edge that any reaches, as far as
    /// there is room. How often an edge is taken does not count, or there would be ten times as many. Inputs that a
    /// person gave a name stay: they are whole files, and what was once found.
    fn minimise(&self, target: &Target) -> Result {
        let (found, committed) = (self.found(target)?, self.committed(target));
        let before = Corpus::of(&committed)?;
        let minimised = self.workspace.target("fuzz/minimised").join(target.name);
        if minimised.exists() {
            fs::remove_dir_all(&minimised)?;
        }
        fs::create_dir_all(&minimised)?;
        // What the first folder has already needs no other input.
        let recorded = target.recorded.map(|folder| files(&self.workspace.path(folder))).transpose()?;
        let named = files(&committed)?.into_iter().filter(|(name, _)| !is_checksum(name));
        for (name, path) in recorded.iter().flatten().cloned().chain(named) {
            fs::copy(path, minimised.join(name))?;
        }
        let mut command = self.program(target);
        command.args(["-merge=1", "-use_counters=0"]).arg(&minimised).arg(&committed).arg(found);
        process::run(&mut command)?;
        for (name, _) in recorded.iter().flatten() {
            fs::remove_file(minimised.join(name))?;
        }
        fs::remove_dir_all(&committed)?;
        fs::create_dir_all(&committed)?;
        let mut inputs = files(&minimised)?;
        // Which of the others stay where there is no room for all is left to chance, as checksums are.
        inputs.sort_by_key(|(name, _)| (is_checksum(name), name.clone()));
        let mut room = target.package.room();
        for (name, path) in inputs {
            let len = fs::metadata(&path)?.len();
            if len <= room || !is_checksum(&name) {
                fs::copy(path, committed.join(name))?;
                room = room.saturating_sub(len);
            }
        }
        println!("{}: {before} before, {} now", target.name, Corpus::of(&committed)?);
        Ok(())
    }

    fn program(&self, target: &Target) -> Command {
        let mut command = Command::new(self.programs.join(target.name));
        command.arg(format!("-max_len={}", target.longest)).env("RUST_BACKTRACE", "0");
        command
    }

    fn committed(&self, target: &Target) -> PathBuf {
        self.workspace.path(target.package.corpora()).join(target.name)
    }

    /// The folders that are committed.
    fn seeds(&self, target: &Target) -> Vec<PathBuf> {
        let recorded = target.recorded.map(|folder| self.workspace.path(folder));
        iter::once(self.committed(target)).chain(recorded).collect()
    }

    /// What is found on the way. It is there for the next time.
    fn found(&self, target: &Target) -> Result<PathBuf> {
        let found = self.workspace.target("fuzz/corpus").join(target.name);
        fs::create_dir_all(&found)?;
        Ok(found)
    }
}

impl Run {
    fn per_second(&self) -> f64 {
        self.executions as f64 / self.took.as_secs_f64()
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "target": self.target,
            "executions": self.executions,
            "seconds": self.took.as_secs_f64(),
            "committed": { "files": self.committed.files, "bytes": self.committed.bytes },
            "found": { "files": self.found.files, "bytes": self.found.bytes },
            "finding": self.finding,
        })
    }
}

impl Corpus {
    fn of(folder: &Path) -> Result<Self> {
        let mut corpus = Self::default();
        corpus.add(folder)?;
        Ok(corpus)
    }

    fn add(&mut self, folder: &Path) -> Result {
        for (_, path) in files(folder)? {
            self.files += 1;
            self.bytes += fs::metadata(path)?.len();
        }
        Ok(())
    }
}

impl std::fmt::Display for Corpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{} files, {:.1} KB", self.files, self.bytes as f64 / 1000.0);
        f.pad(&text)
    }
}

fn print_table(runs: &[Run]) {
    println!(
        "\n{:<18} {:>12} {:>12} {:>9}   {:<24} {:<24} findings",
        "target", "executions", "time", "per s", "committed", "found"
    );
    for run in runs {
        println!(
            "{:<18} {:>12} {:>12} {:>9.0}   {:<24} {:<24} {}",
            run.target,
            run.executions,
            human(run.took),
            run.per_second(),
            run.committed,
            run.found,
            u8::from(run.finding.is_some()),
        );
    }
    let mut committed = Corpus::default();
    let mut found = Corpus::default();
    for run in runs {
        committed = Corpus {
            files: committed.files + run.committed.files,
            bytes: committed.bytes + run.committed.bytes,
        };
        found = Corpus { files: found.files + run.found.files, bytes: found.bytes + run.found.bytes };
    }
    let took: Duration = runs.iter().map(|run| run.took).sum();
    println!(
        "{:<18} {:>12} {:>12} {:>9}   {committed:<24} {found:<24} {}",
        "in all",
        runs.iter().map(|run| run.executions).sum::<u64>(),
        human(took),
        "",
        runs.iter().filter(|run| run.finding.is_some()).count(),
    );
}

/// Whether it is a name that libFuzzer gives.
fn is_checksum(name: &OsStr) -> bool {
    name.len() == 40 && name.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit)
}

/// How many executions a run says that there were.
fn executions(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    line.trim().parse().ok()
}

/// The files of a folder, by name. One that is not there has none.
fn files(folder: &Path) -> Result<Vec<(OsString, PathBuf)>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| (entry.file_name(), entry.path())));
    Ok(entries.collect::<std::io::Result<_>>()?)
}

/// The program that builds fuzz targets. It is installed below the target directory where there is none.
fn cargo_fuzz(workspace: &Workspace) -> Result<PathBuf> {
    let ours = workspace.target("fuzz/tools");
    let program = ours.join("bin/cargo-fuzz");
    for program in [PathBuf::from("cargo-fuzz"), program.clone()] {
        if process::succeeds(Command::new(&program).arg("--version")) {
            return Ok(program);
        }
    }
    process::run(workspace.cargo(&["install", "cargo-fuzz", "--locked", "--root"]).arg(ours))?;
    Ok(program)
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn prefixed(prefix: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(prefix);
    argument.push(path);
    argument
}
