//! What the guest has for a disk: an archive that the kernel unpacks into memory.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::{kernel::Kernel, programs::Programs};
use crate::{Result, process::run, workspace::Workspace};

/// The first process.
const INIT: &str = include_str!("init");

/// Users, since one test is about one who may not open the camera.
const PASSWD: &str = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";

/// Packs the guest's files. `arguments` are for each test program.
pub(super) fn pack(
    workspace: &Workspace,
    kernel: &Kernel,
    programs: &Programs,
    arguments: &[String],
) -> Result<PathBuf> {
    let root = workspace.target("camera-test/root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for folder in ["bin", "dev", "etc", "modules", "proc", "sys", "tests", "tmp"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::write(root.join("init"), INIT)?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    fs::write(root.join("etc/passwd"), PASSWD)?;
    // One on a line: xargs makes arguments of them.
    fs::write(root.join("tests.arguments"), arguments.join("\n"))?;
    for module in fs::read_dir(kernel.modules())? {
        let module = module?;
        fs::copy(module.path(), root.join("modules").join(module.file_name()))?;
    }

    fs::copy(&programs.busybox, root.join("bin/busybox"))?;
    fs::copy(&programs.v4l2_ctl, root.join("bin/v4l2-ctl"))?;
    for library in programs.libraries()? {
        copy_to_its_place(&library, &root)?;
    }
    for test in &programs.tests {
        let name = test.file_name().ok_or("a test program without a name")?;
        strip(test, &root.join("tests").join(name))?;
    }
    strip(&programs.netgear, &in_guest(&programs.netgear, &root)?)?;

    let archive = workspace.target("camera-test/initramfs");
    // The names of the files are what cpio reads.
    let mut cpio = Command::new("sh");
    cpio.args(["-c", "find . | cpio --quiet --create --format=newc --owner=+0:+0 --file=../initramfs"]);
    run(cpio.current_dir(&root))?;
    Ok(archive)
}

/// Copies a file to the path in the guest that it has here. Where here is a link, there is the file.
fn copy_to_its_place(file: &Path, root: &Path) -> Result {
    fs::copy(file, in_guest(file, root)?)?;
    Ok(())
}

/// Where a file is to lie that has the same path in the guest. Its folder is made.
fn in_guest(file: &Path, root: &Path) -> Result<PathBuf> {
    let path = root.join(file.strip_prefix("/")?);
    fs::create_dir_all(path.parent().unwrap_or(root))?;
    Ok(path)
}

/// Copies a program without what only debuggers read, which is most of it and would have to fit into the guest's
/// memory.
fn strip(program: &Path, to: &Path) -> Result {
    run(Command::new("strip").arg("--strip-debug").arg("-o").arg(to).arg(program))
}
