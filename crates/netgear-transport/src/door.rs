//! The open port: whoever comes is greeted in a task of its own, and who may be the peer is handed to the driver.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::sleep,
};
use tracing::{debug, warn};

use crate::{
    SessionFailure,
    clock::Clock,
    establish::{Contact, Zmtp},
    greeting::{Refusal, greet},
    places::Places,
    shared::Shared,
    socket::Listener,
};

/// Strangers that may be greeted at once on one port.
const MOST_GREETED: usize = 64;

/// Of these, those that may still turn out to be VidGear servers, whose first message may be a whole frame.
const MOST_UNANNOUNCED: usize = 2;

/// How long nobody is let in after the system refused to: without descriptors, the next try would only burn the
/// processor.
const PAUSE: Duration = Duration::from_millis(100);

/// A bound port, and who has come through it.
#[derive(Debug)]
pub(crate) struct Door {
    visitors: mpsc::Receiver<Visitor>,
    porter: JoinHandle<()>,
}

/// Somebody who may be the peer, or NetGear that can never be.
pub(crate) type Visitor = Result<Contact, SessionFailure>;

impl Door {
    pub(crate) fn open(listener: Listener, zmtp: Zmtp, shared: Arc<Shared>, clock: Clock) -> Self {
        let (found, visitors) = mpsc::channel(1);
        let porter = tokio::spawn(keep(listener, Greeter { zmtp, shared, clock, found }));
        Self { visitors, porter }
    }

    /// The next who may be the peer. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Visitor {
        // The porter ends with this or with its runtime.
        self.visitors.recv().await.unwrap_or(Err(SessionFailure::Stopped))
    }

    /// Gives the port up: once this is done, another may bind it.
    pub(crate) async fn close(mut self) {
        self.porter.abort();
        let _ = (&mut self.porter).await;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.porter.abort();
    }
}

/// What every greeting needs.
#[derive(Clone)]
struct Greeter {
    zmtp: Zmtp,
    shared: Arc<Shared>,
    clock: Clock,
    found: mpsc::Sender<Visitor>,
}

async fn keep(listener: Listener, greeter: Greeter) {
    let mut places = Places::new(MOST_GREETED);
    let unannounced = Arc::new(Mutex::new(Places::new(MOST_UNANNOUNCED)));
    let mut greeted = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            // Only to forget those that are done, before there are more.
            Some(_) = greeted.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(socket) => {
                let mut place = places.take();
                let (greeter, unannounced) = (greeter.clone(), Arc::clone(&unannounced));
                greeted.spawn(async move {
                    let Greeter { zmtp, shared, clock, found } = greeter;
                    let take_place = || unannounced.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let greeted = async {
                        match greet(socket, &zmtp, &shared, clock, take_place).await {
                            Ok(contact) => drop(found.send(Ok(contact)).await),
                            Err(Refusal::NeverFits(failure)) => drop(found.send(Err(failure)).await),
                            Err(Refusal::Useless(failure)) => warn!(%failure, "refused a connection"),
                            Err(refusal) => debug!(%refusal, "refused a connection"),
                        }
                    };
                    tokio::select! {
                        () = greeted => {}
                        () = place.lost() => debug!("a connection made room for another"),
                    }
                });
            }
            Err(error) if is_of_one_connection(&error) => debug!(%error, "a connection was gone at once"),
            Err(error) => {
                warn!(%error, "cannot accept a connection; trying again shortly");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Whether accepting failed for a reason that ends with the one connection.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::InvalidInput
    )
}
