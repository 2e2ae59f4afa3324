//! Our sessions against the Python original: NetGear_Async of the real package, used as its documentation uses it.

mod content;
mod endings;
mod matrix;
mod meeting;
mod parallel;
mod peers;
mod script;
mod spoilt;

use std::process::Command;

use self::peers::Peers;
pub(crate) use self::{
    endings::{Options as EndingsOptions, run as run_endings},
    matrix::{Options as MatrixOptions, run as run_matrix},
};
use crate::{Result, interop::environment, process, workspace::Workspace};

/// The release of VidGear.
const VIDGEAR: &str = "0.3.5";

/// Starts the process that VidGear's ends come from.
fn start_peers(workspace: &Workspace) -> Result<Peers> {
    let packages = [format!("vidgear[asyncio]=={VIDGEAR}"), "opencv-python-headless".to_owned()];
    let name = format!("vidgear-{VIDGEAR}");
    // Its import writes to the error output.
    let imports = "import vidgear.gears.asyncio, msgpack_numpy";
    let python = environment::python(workspace, &name, &packages.each_ref().map(String::as_str), imports)?;
    let versions = "from importlib.metadata import version
print(*(f'{name} {version(name)}' for name in ['vidgear', 'pyzmq', 'msgpack', 'msgpack-numpy', 'numpy']), sep=', ')";
    print!("{}", process::output(Command::new(&python).args(["-c", versions]))?);
    let script = workspace.path("xtask/src/interop/vidgear/peers.py");
    Peers::start(&python, &script, workspace.target(&format!("interop/{name}.log")))
}
