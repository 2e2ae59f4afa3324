//! Our sessions against the Python original: NetGear_Async of the real package, used as its documentation uses it.

mod content;
mod endings;
mod matrix;
mod meeting;
mod peers;
mod script;
mod spoilt;

use std::{path::PathBuf, process::Command};

use self::peers::Peers;
pub(crate) use self::{
    endings::{Options as EndingsOptions, run as run_endings},
    matrix::{Options as MatrixOptions, run as run_matrix},
};
use crate::{Result, interop::environment, opencv::OPENCV, process, workspace::Workspace};

/// The release of VidGear, and the virtual environment that has it.
const RELEASE: &str = "vidgear[asyncio]==0.3.5";
pub(crate) const ENVIRONMENT: &str = "vidgear-0.3.5";

/// A Python interpreter that has VidGear, and the script that runs its ends.
pub(crate) fn python(workspace: &Workspace) -> Result<(PathBuf, PathBuf)> {
    let opencv = format!("opencv-python-headless=={OPENCV}");
    let packages = [RELEASE, opencv.as_str()];
    let has_them = format!(
        "import vidgear.gears.asyncio, msgpack_numpy
from importlib.metadata import version
assert version('opencv-python-headless') == '{OPENCV}'"
    );
    let python = environment::python(workspace, ENVIRONMENT, &packages, &has_them)?;
    Ok((python, workspace.path("xtask/src/interop/vidgear/peers.py")))
}

/// Starts the process that VidGear's ends come from.
fn start_peers(workspace: &Workspace) -> Result<Peers> {
    let (python, script) = python(workspace)?;
    let versions = "from importlib.metadata import version
print(*(f'{name} {version(name)}' for name in ['vidgear', 'pyzmq', 'msgpack', 'msgpack-numpy', 'numpy']), sep=', ')";
    print!("{}", process::output(Command::new(&python).args(["-c", versions]))?);
    Peers::start(&python, &script, workspace.target(&format!("interop/{ENVIRONMENT}.log")))
}
