//! Two sessions on a virtual clock, over a link that delays, stalls, cuts and loses, with ends that are killed and
//! come back; and a ledger of all that was sent, delivered and reported lost. Everything follows from one seed.

mod application;
mod checks;
mod day;
mod exchange;
mod faults;
mod ledger;
mod liar;
mod link;
mod pictures;
mod scenario;
mod wire;
mod world;

pub use day::{Day, run_hours};
pub use scenario::{Carries, Scenario};
pub use world::Summary;

/// Runs a seed. Given `trace`, it prints what happens.
///
/// # Errors
/// What promise was broken, and when.
pub fn run(seed: u64, trace: bool) -> Result<Summary, String> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let scenario = Scenario::any(&mut rng);
    world::World::new(scenario, rng, trace).run()
}
