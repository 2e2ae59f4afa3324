//! The thread that all windows live on, and the event loop that runs there.

use std::{
    collections::HashMap,
    panic::resume_unwind,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use softbuffer::Context;
use winit::{
    application::ApplicationHandler,
    event::WindowEvent,
    event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy, OwnedDisplayHandle},
    window::WindowId,
};

use super::{Shared, WindowError, pane::Pane};

/// The one event loop that a program can have: winit allows no second.
static LOOP: Mutex<State> = Mutex::new(State::NotStarted);

enum State {
    NotStarted,
    Running(EventLoopProxy<Request>),
    Over(String),
}

/// What handles ask of the loop.
pub(super) enum Request {
    Open(Arc<Shared>, SyncSender<Result<(), WindowError>>),
    /// There is a newer frame.
    Draw(Arc<Shared>),
    /// Something is to be said, or no longer.
    Redraw(Arc<Shared>),
    /// The handle is gone.
    Close(Arc<Shared>),
    /// The program's work is done.
    End,
}

/// A way to the loop.
#[derive(Clone)]
pub(super) struct Display {
    proxy: EventLoopProxy<Request>,
}

impl Display {
    /// Longer than a window takes to open on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// The one that runs, or one that is started now.
    pub(super) fn get() -> Result<Self, WindowError> {
        let mut state = state();
        if let State::NotStarted = *state {
            *state = match start() {
                Ok(proxy) => State::Running(proxy),
                Err(WindowError::NotOnMainThread) => return Err(WindowError::NotOnMainThread),
                // It cannot be tried again.
                Err(error) => {
                    *state = State::Over(error.to_string());
                    return Err(error);
                }
            };
        }
        match &*state {
            State::Running(proxy) => Ok(Self { proxy: proxy.clone() }),
            State::Over(reason) => Err(WindowError::Over { reason: reason.clone() }),
            State::NotStarted => Err(WindowError::NotOnMainThread),
        }
    }

    pub(super) fn open(&self, shared: Arc<Shared>) -> Result<(), WindowError> {
        let over = |reason: &str| WindowError::Over { reason: reason.to_owned() };
        let (answer, answered) = mpsc::sync_channel(1);
        self.proxy.send_event(Request::Open(shared, answer)).map_err(|_| over("it was closed"))?;
        answered.recv_timeout(Self::PATIENCE).map_err(|_| over("it does not answer"))?
    }

    /// Nobody hears it once the loop is over, and then nobody needs to.
    pub(super) fn send(&self, request: Request) {
        let _ = self.proxy.send_event(request);
    }
}

fn state() -> MutexGuard<'static, State> {
    LOOP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the loop on a thread of its own.
#[cfg(not(target_vendor = "apple"))]
fn start() -> Result<EventLoopProxy<Request>, WindowError> {
    let (ready, is_ready) = mpsc::sync_channel(1);
    let run = move || match event_loop(true) {
        Ok(event_loop) => {
            // Whoever asked has gone away only if the program ends.
            let _ = ready.send(Ok(event_loop.create_proxy()));
            run(event_loop);
        }
        Err(error) => {
            let _ = ready.send(Err(error));
        }
    };
    let no_display = |reason: &str| WindowError::NoDisplay { reason: reason.to_owned() };
    thread::Builder::new()
        .name("windows".to_owned())
        .spawn(run)
        .map_err(|error| no_display(&error.to_string()))?;
    // A thread that panics drops the channel: winit panics where libxkbcommon is missing.
    is_ready.recv().map_err(|_| no_display("a library of the system is missing, as the panic above says"))?
}

#[cfg(target_vendor = "apple")]
fn start() -> Result<EventLoopProxy<Request>, WindowError> {
    Err(WindowError::NotOnMainThread)
}

/// Gives the calling thread, which must be the program's first, to the windows, and does `work` on another; returns
/// what that does.
///
/// On macOS this is how a program can have windows at all. Elsewhere it is allowed, so that a program can be the same
/// everywhere. After it no window can be opened.
///
/// ```no_run
/// use netgear_viewer::{Window, on_main_thread};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     on_main_thread(|| {
///         let mut window = Window::open("camera")?;
///         # let frame = netgear_media::proto::Frame::gray8(1, 1, vec![0]).unwrap();
///         window.show(&frame)
///     })??;
///     Ok(())
/// }
/// ```
///
/// # Errors
/// [`WindowError::NoDisplay`] where there is no screen, and [`WindowError::ThreadChosen`] if a window was opened
/// before; then `work` was not begun.
///
/// # Panics
/// If `work` does.
pub fn on_main_thread<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R, WindowError> {
    let mut state = state();
    if !matches!(*state, State::NotStarted) {
        return Err(WindowError::ThreadChosen);
    }
    let event_loop = match event_loop(false) {
        Ok(event_loop) => event_loop,
        Err(error) => {
            *state = State::Over(error.to_string());
            return Err(error);
        }
    };
    let end = EndsLoop(event_loop.create_proxy());
    *state = State::Running(event_loop.create_proxy());
    drop(state);
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("main".to_owned()).spawn_scoped(scope, move || {
            let _end = end;
            work()
        });
        let worker = worker.map_err(|error| WindowError::NoDisplay { reason: error.to_string() })?;
        run(event_loop);
        worker.join().map_err(|panic| resume_unwind(panic))
    })
}

/// Ends the loop when dropped, so also when the work panics.
struct EndsLoop(EventLoopProxy<Request>);

impl Drop for EndsLoop {
    fn drop(&mut self) {
        let _ = self.0.send_event(Request::End);
    }
}

fn event_loop(any_thread: bool) -> Result<EventLoop<Request>, WindowError> {
    let mut builder = EventLoop::with_user_event();
    allow_any_thread(&mut builder, any_thread);
    builder.build().map_err(|error| WindowError::NoDisplay { reason: without_place(&error.to_string()) })
}

/// What winit says of the system, without the place in winit's code that it begins with.
fn without_place(reason: &str) -> String {
    let after_place = reason.strip_prefix("os error at ").and_then(|rest| rest.split_once(".rs:"));
    let said = after_place.and_then(|(_, rest)| rest.split_once(": ")).map_or(reason, |(_, said)| said);
    said.trim_end_matches('.').to_owned()
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn allow_any_thread(builder: &mut winit::event_loop::EventLoopBuilder<Request>, any_thread: bool) {
    // It holds for Wayland as well.
    winit::platform::x11::EventLoopBuilderExtX11::with_any_thread(builder, any_thread);
}

#[cfg(windows)]
fn allow_any_thread(builder: &mut winit::event_loop::EventLoopBuilder<Request>, any_thread: bool) {
    winit::platform::windows::EventLoopBuilderExtWindows::with_any_thread(builder, any_thread);
}

#[cfg(not(any(windows, all(unix, not(target_vendor = "apple")))))]
fn allow_any_thread(_: &mut winit::event_loop::EventLoopBuilder<Request>, _: bool) {}

/// Runs the loop to its end, and says so to all windows that are left.
fn run(event_loop: EventLoop<Request>) {
    /// Also where the loop panics.
    struct SaysOver(String);
    impl Drop for SaysOver {
        fn drop(&mut self) {
            *state() = State::Over(std::mem::take(&mut self.0));
        }
    }

    let mut over = SaysOver("it gave up".to_owned());
    let mut windows = Windows { context: None, panes: HashMap::new() };
    over.0 = match event_loop.run_app(&mut windows) {
        Ok(()) => "the program's work is done".to_owned(),
        Err(error) => error.to_string(),
    };
}

/// What the loop has: every window.
struct Windows {
    context: Option<Context<OwnedDisplayHandle>>,
    panes: HashMap<WindowId, Pane>,
}

impl Windows {
    fn open(&mut self, event_loop: &ActiveEventLoop, shared: Arc<Shared>) -> Result<(), WindowError> {
        let no_display = |reason: String| WindowError::NoDisplay { reason };
        let context = match &mut self.context {
            Some(context) => context,
            none => {
                let context = Context::new(event_loop.owned_display_handle());
                none.insert(context.map_err(|error| no_display(error.to_string()))?)
            }
        };
        let pane = Pane::open(event_loop, context, shared).map_err(no_display)?;
        self.panes.insert(pane.id(), pane);
        Ok(())
    }

    fn pane_of(&mut self, shared: &Arc<Shared>) -> Option<&mut Pane> {
        self.panes.values_mut().find(|pane| pane.shows(shared))
    }

    fn close(&mut self, id: WindowId) {
        // The handle hears it when the pane is dropped.
        self.panes.remove(&id);
    }
}

impl ApplicationHandler<Request> for Windows {
    fn resumed(&mut self, _: &ActiveEventLoop) {}

    fn user_event(&mut self, event_loop: &ActiveEventLoop, request: Request) {
        match request {
            Request::Open(shared, answer) => {
                let _ = answer.send(self.open(event_loop, shared));
            }
            Request::Draw(shared) => {
                if let Some(pane) = self.pane_of(&shared) {
                    pane.note_newer();
                }
            }
            Request::Redraw(shared) => {
                if let Some(pane) = self.pane_of(&shared) {
                    pane.redraw();
                }
            }
            Request::Close(shared) => {
                if let Some(id) = self.pane_of(&shared).map(|pane| pane.id()) {
                    self.close(id);
                }
            }
            Request::End => event_loop.exit(),
        }
    }

    fn window_event(&mut self, _: &ActiveEventLoop, id: WindowId, event: WindowEvent) {
        let Some(pane) = self.panes.get_mut(&id) else { return };
        if pane.handle(event) {
            self.close(id);
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        let now = Instant::now();
        let next = self.panes.values_mut().filter_map(|pane| pane.refresh(now)).min();
        event_loop.set_control_flow(next.map_or(ControlFlow::Wait, ControlFlow::WaitUntil));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_does_not_name_a_place_in_another_library() {
        let reason = "os error at /home/me/winit-0.30.13/src/linux/mod.rs:765: neither A: nor B is set.";
        assert_eq!(without_place(reason), "neither A: nor B is set");
        assert_eq!(without_place("not supported"), "not supported");
    }
}
