//! Sockets in the file system: what was left behind, what is alive, and what cannot be.

use std::{fs, os::unix::net::UnixListener, path::PathBuf};

use netgear_transport::{BindError, Endpoint, FrameReceiver, SendError, proto::Pattern};

use crate::common::{Transport, numbered, path_of, receiver, sender, within};

async fn bind(endpoint: &Endpoint) -> Result<FrameReceiver, BindError> {
    receiver(Pattern::Pair).bind(endpoint.clone()).await
}

#[tokio::test]
async fn a_socket_left_behind_is_taken_over_and_a_live_one_is_not() {
    let endpoint = Transport::Ipc.endpoint();
    let path = path_of(&endpoint);
    // std leaves the file there.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let alive = bind(&endpoint).await.unwrap();
    for _ in 0..3 {
        let error = bind(&endpoint).await.unwrap_err();
        assert!(matches!(&error, BindError::Taken { endpoint: taken } if *taken == endpoint), "{error}");
    }
    // The probes of the others were strangers to it.
    let sender = sender(Pattern::Pair).connect(endpoint).await.unwrap();
    within("send", sender.send(numbered(0), None)).await.unwrap();
    assert!(within("recv", alive.recv()).await.unwrap().is_some());
    within("close", sender.close()).await.unwrap();
    within("close", alive.close()).await.unwrap();
    assert!(!path.exists(), "the file is gone with the listener");
}

#[tokio::test]
async fn the_file_is_gone_when_nobody_ever_came() {
    let endpoint = Transport::Ipc.endpoint();
    let receiver = bind(&endpoint).await.unwrap();
    assert!(path_of(&endpoint).exists());
    within("close", receiver.close()).await.unwrap();
    assert!(!path_of(&endpoint).exists());
}

#[tokio::test]
async fn an_abstract_name_or_a_port_that_is_taken() {
    for transport in [Transport::IpcAbstract, Transport::Tcp] {
        let endpoint = transport.endpoint();
        let first = bind(&endpoint).await.unwrap();
        let error = bind(&endpoint).await.unwrap_err();
        assert!(matches!(&error, BindError::Taken { .. }), "{error}");
        assert!(error.to_string().contains(&endpoint.to_string()), "{error}");
        within("close", first.close()).await.unwrap();
        within("close", bind(&endpoint).await.unwrap().close()).await.unwrap();
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_bound_says_why() {
    let endpoint = Transport::Ipc.endpoint();
    let path = path_of(&endpoint);
    fs::write(&path, "somebody's notes").unwrap();
    let error = bind(&endpoint).await.unwrap_err();
    assert!(matches!(error, BindError::Io { .. }), "{error}");
    assert!(error.to_string().contains("no socket has this path"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's notes");
    fs::remove_file(&path).unwrap();

    let nowhere: Endpoint = format!("ipc://{}/no/such/folder.sock", path.display()).parse().unwrap();
    let error = bind(&nowhere).await.unwrap_err();
    assert!(matches!(&error, BindError::Io { .. }), "{error}");
    assert!(error.to_string().contains("folder.sock"), "{error}");
}

/// A socket that this program may not connect to will not be opened by waiting.
#[tokio::test]
async fn a_socket_that_may_not_be_connected_to_is_an_error() {
    use std::os::unix::fs::PermissionsExt;

    let endpoint = Transport::Ipc.endpoint();
    let path: PathBuf = path_of(&endpoint);
    let _listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    // The superuser may do anything, and then there is nothing to see here.
    let may_not = std::os::unix::net::UnixStream::connect(&path).is_err();
    if may_not {
        let sender = sender(Pattern::Pair).connect(endpoint).await.unwrap();
        let error = within("send", sender.send(numbered(0), None)).await.unwrap_err();
        assert!(matches!(error, SendError::Failed(_)), "{error}");
        assert!(error.to_string().contains("ermission denied"), "{error}");
    }
    fs::remove_file(&path).unwrap();
}
