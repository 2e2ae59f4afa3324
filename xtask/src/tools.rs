//! Programs that some proofs need and that cargo does not bring.

use std::{env, fs, path::Path, process::Command};

use crate::{
    Result,
    process::{run, succeeds},
};

/// A program beside cargo and a C compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Makes the videos that the tests decode, and is the reference that they are held against.
    Ffmpeg,
    /// Runs pyzmq and VidGear.
    Python,
    /// Lets the capture of cameras read the kernel's headers as it is built.
    Libclang,
    /// A screen that tests capture.
    Xvfb,
    /// What opens a window there: libraries that are loaded when one is opened.
    XLibraries,
    /// The browser that looks at a page, and what drives it.
    Chromium,
    /// The machine in which there is a camera.
    Qemu,
    /// The shell in that machine, and all that it calls.
    Busybox,
    /// Packs what that machine is to hold.
    Cpio,
    /// Says which modules a kernel's module stands on.
    Kmod,
    /// Sets a camera's controls, and knows by itself what it offers.
    V4l2Ctl,
    /// Compiles fuzz targets.
    Nightly,
    /// Reads the licences and origins of what is depended on.
    CargoDeny,
}

impl Tool {
    /// What CI needs, all of it in packages of the system. It does not fuzz.
    const OF_CI: [Self; 11] = [
        Self::Ffmpeg,
        Self::Python,
        Self::Libclang,
        Self::Xvfb,
        Self::XLibraries,
        Self::Chromium,
        Self::Qemu,
        Self::Busybox,
        Self::Cpio,
        Self::Kmod,
        Self::V4l2Ctl,
    ];

    /// What `cargo xtask viewer-test` needs.
    pub(crate) const OF_THE_VIEWER_TEST: [Self; 3] = [Self::Xvfb, Self::XLibraries, Self::Chromium];

    /// What `cargo xtask camera-test` needs.
    pub(crate) const OF_THE_CAMERA_TEST: [Self; 6] =
        [Self::Libclang, Self::Qemu, Self::Busybox, Self::Cpio, Self::Kmod, Self::V4l2Ctl];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Python => "python3 with venv",
            Self::Libclang => "libclang",
            Self::Xvfb => "Xvfb",
            Self::XLibraries => "one of the X libraries",
            Self::Chromium => "Chromium with chromedriver",
            Self::Qemu => "qemu-system-x86_64",
            Self::Busybox => "busybox",
            Self::Cpio => "cpio",
            Self::Kmod => "kmod",
            Self::V4l2Ctl => "v4l2-ctl",
            Self::Nightly => "a nightly compiler (rustup toolchain install nightly)",
            Self::CargoDeny => "cargo-deny (cargo install cargo-deny --locked)",
        }
    }

    /// Whether it is there and works.
    pub(crate) fn is_present(self) -> bool {
        match self {
            Self::Ffmpeg => succeeds(Command::new("ffmpeg").arg("-version")),
            // Some systems have Python and keep from it what a virtual environment needs.
            Self::Python => succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])),
            // Others build without it.
            Self::Libclang => !cfg!(target_os = "linux") || has_libclang(),
            Self::Xvfb => succeeds(Command::new("Xvfb").arg("-help")),
            // Others have windows of their own.
            Self::XLibraries => !cfg!(target_os = "linux") || has_x_libraries(),
            Self::Chromium => succeeds(Command::new("chromedriver").arg("--version")),
            Self::Qemu => succeeds(Command::new("qemu-system-x86_64").arg("--version")),
            Self::Busybox => succeeds(Command::new("busybox").arg("true")),
            Self::Cpio => succeeds(Command::new("cpio").arg("--version")),
            Self::Kmod => {
                succeeds(kmod("depmod").arg("--version")) && succeeds(kmod("modprobe").arg("--version"))
            }
            Self::V4l2Ctl => succeeds(Command::new("v4l2-ctl").arg("--version")),
            Self::Nightly => succeeds(Command::new("rustup").args(["run", "nightly", "cargo", "--version"])),
            Self::CargoDeny => succeeds(Command::new("cargo-deny").arg("--version")),
        }
    }

    /// Its packages in Debian and Ubuntu.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Ffmpeg => &["ffmpeg"],
            Self::Python => &["python3", "python3-venv"],
            Self::Libclang => &["libclang-dev"],
            Self::Xvfb => &["xvfb"],
            Self::XLibraries => &["libx11-6", "libx11-xcb1", "libxcursor1", "libxi6", "libxkbcommon-x11-0"],
            Self::Chromium => &["chromium", "chromium-driver"],
            Self::Qemu => &["qemu-system-x86"],
            // The other one needs libraries.
            Self::Busybox => &["busybox-static"],
            Self::Cpio => &["cpio"],
            Self::Kmod => &["kmod"],
            Self::V4l2Ctl => &["v4l-utils"],
            // They come from rustup and cargo.
            Self::Nightly | Self::CargoDeny => &[],
        }
    }
}

/// A program of kmod. They lie in folders that only root looks into.
pub(crate) fn kmod(program: &str) -> Command {
    let of_root = ["/sbin", "/usr/sbin"].map(|folder| Path::new(folder).join(program));
    Command::new(of_root.into_iter().find(|path| path.exists()).unwrap_or_else(|| program.into()))
}

/// Whether libclang is where bindgen looks for it.
fn has_libclang() -> bool {
    // As in libclang.so, libclang.so.1 and libclang-14.so.1; libclang-cpp.so is something else.
    let is_libclang = |name: &str| {
        let has_digit = |version: &str| version.starts_with(|first: char| first.is_ascii_digit());
        name.starts_with("libclang.so") || name.strip_prefix("libclang-").is_some_and(has_digit)
    };
    let holds_it = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).any(|name| name.to_str().is_some_and(is_libclang))
    };
    let of_llvm =
        fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path().join("lib"));
    let of_system = ["lib", "lib64", "local/lib", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"];
    env::var_os("LIBCLANG_PATH").is_some()
        || of_system.iter().any(|folder| holds_it(&Path::new("/usr").join(folder)))
        || of_llvm.filter(|folder| folder.to_string_lossy().contains("llvm")).any(|folder| holds_it(&folder))
}

/// Whether the loader knows all that a window needs.
fn has_x_libraries() -> bool {
    let of_root = Path::new("/sbin/ldconfig");
    let mut loader = Command::new(if of_root.exists() { of_root } else { Path::new("ldconfig") });
    let Ok(known) = loader.arg("-p").output() else { return false };
    let known = String::from_utf8_lossy(&known.stdout);
    ["libX11.so.6", "libX11-xcb.so.1", "libXcursor.so.1", "libXi.so.6", "libxkbcommon-x11.so.0"]
        .iter()
        .all(|library| known.contains(library))
}

/// Whether this is CI, where nothing may be left out.
pub(crate) fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// Installs what is missing of all that CI needs, as [`install`] does.
pub(crate) fn install_missing() -> Result {
    install(&Tool::OF_CI)
}

/// Installs what is missing of these, where that is possible. In CI all must be there afterwards; elsewhere what
/// needs a missing one is skipped.
pub(crate) fn install(tools: &[Tool]) -> Result {
    let missing: Vec<Tool> = tools.iter().copied().filter(|tool| !tool.is_present()).collect();
    if missing.is_empty() {
        println!("all tools are there");
        return Ok(());
    }
    let packages = missing.iter().flat_map(|tool| tool.packages()).copied();
    let installed = run(Command::new("apt-get").arg("update")).and_then(|()| {
        let mut install = Command::new("apt-get");
        install.env("DEBIAN_FRONTEND", "noninteractive");
        run(install.args(["install", "-y", "--no-install-recommends"]).args(packages))
    });
    if let Err(error) = installed {
        println!("could not install: {error}");
    }
    for tool in missing.into_iter().filter(|tool| !tool.is_present()) {
        require(tool)?;
    }
    Ok(())
}

/// What to do without a tool: nothing may be left out in CI; elsewhere the caller skips what needs it.
pub(crate) fn require(tool: Tool) -> Result<bool> {
    if tool.is_present() {
        return Ok(true);
    }
    if is_ci() {
        return Err(format!("{} is missing, and CI must not leave out what needs it", tool.name()).into());
    }
    println!("!!! {} is missing: what needs it is SKIPPED", tool.name());
    Ok(false)
}
