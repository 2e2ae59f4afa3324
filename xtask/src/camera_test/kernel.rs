//! Debian's kernel with the camera module, below the target directory. What this machine itself runs on is left
//! alone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    process::{output, run},
    tools::kmod,
    workspace::Workspace,
};

/// It depends on the image of the kernel that is current.
const PACKAGE: &str = "linux-image-amd64";

/// What stands in the folder of modules beside them: their file names, in the order in which they are to be loaded.
const ORDER: &str = "order";

/// The virtual camera, which is loaded last, and what it is told: one camera, which offers what a webcam does.
const CAMERA: &str = "vivid.ko";
const CAMERA_PARAMETERS: &str = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0";

/// A kernel that is unpacked, and the modules of the camera.
#[derive(Debug)]
pub(super) struct Kernel {
    directory: PathBuf,
}

impl Kernel {
    /// Downloads and unpacks it, unless that was done before.
    pub(super) fn fetch(workspace: &Workspace) -> Result<Self> {
        let directory = workspace.target("camera-test/kernel");
        let kernel = Self { directory };
        if kernel.modules().join(ORDER).is_file() {
            return Ok(kernel);
        }
        // What an interrupted run left is not to be mixed with this one.
        let unpacking = workspace.target("camera-test/unpacking");
        for old in [&kernel.directory, &unpacking] {
            if old.exists() {
                fs::remove_dir_all(old)?;
            }
        }
        fs::create_dir_all(&unpacking)?;
        let archive = download(&unpacking)?;
        let root = unpacking.join("root");
        run(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(&root))?;

        let version = only_entry(&root.join("lib/modules"))?;
        fs::create_dir_all(kernel.modules())?;
        fs::copy(root.join("boot").join(format!("vmlinuz-{version}")), kernel.image())?;
        kernel.take_modules(&root, &version)?;
        fs::remove_dir_all(&unpacking)?;
        Ok(kernel)
    }

    /// What boots.
    pub(super) fn image(&self) -> PathBuf {
        self.directory.join("vmlinuz")
    }

    /// The folder of the modules, which holds the list of them as well.
    pub(super) fn modules(&self) -> PathBuf {
        self.directory.join("modules")
    }

    /// Copies the camera's module and those that it stands on, and writes the list of them last: it says that all is
    /// there.
    fn take_modules(&self, root: &Path, version: &str) -> Result {
        // The package's own scripts would do this where it is installed.
        run(kmod("depmod").arg("--basedir").arg(root).arg(version))?;
        let mut ask = kmod("modprobe");
        ask.arg("--dirname").arg(root).args(["--set-version", version, "--show-depends", "vivid"]);
        let mut order = String::new();
        for line in output(&mut ask)?.lines() {
            let path = match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["insmod", path] => Path::new(path),
                // It is part of the kernel itself.
                ["builtin", _] => continue,
                _ => return Err(format!("modprobe --show-depends said {line:?}").into()),
            };
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !name.ends_with(".ko") {
                return Err(format!("{name} is compressed, which the guest cannot load").into());
            }
            fs::copy(path, self.modules().join(name))?;
            let parameters = if name == CAMERA { CAMERA_PARAMETERS } else { "" };
            order.push_str(format!("{name} {parameters}").trim_end());
            order.push('\n');
        }
        fs::write(self.modules().join(ORDER), order)?;
        Ok(())
    }
}

/// Downloads the image's package into the folder.
fn download(directory: &Path) -> Result<PathBuf> {
    let package = image_package().or_else(|_| {
        // Nobody has asked yet what packages there are.
        run(Command::new("apt-get").arg("update"))?;
        image_package()
    })?;
    // apt would give up its rights to download, and complain that it cannot write here then.
    let mut download = Command::new("apt-get");
    download.args(["-o", "APT::Sandbox::User=root", "download", &package]).current_dir(directory);
    run(&mut download)?;
    Ok(directory.join(only_entry(directory)?))
}

fn image_package() -> Result<String> {
    let depends = output(Command::new("apt-cache").args(["depends", "--important", PACKAGE]))?;
    let package = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: linux-image-"));
    let package = package.ok_or_else(|| format!("the package {PACKAGE} depends on no kernel"))?;
    Ok(format!("linux-image-{package}"))
}

/// The name of what a folder holds, which is one thing.
fn only_entry(directory: &Path) -> Result<String> {
    let mut entries = fs::read_dir(directory)?;
    match (entries.next().transpose()?, entries.next()) {
        (Some(entry), None) => {
            Ok(entry.file_name().into_string().map_err(|name| format!("{name:?} is no text"))?)
        }
        _ => Err(format!("{} was to hold one thing", directory.display()).into()),
    }
}
