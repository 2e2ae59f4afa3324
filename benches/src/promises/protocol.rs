//! What the protocol is held against.

use super::{Bound, Promise};
use crate::protocol::{HEADER, Measured};

/// Those of the header that every frame has.
pub fn of_protocol(measured: &[Measured]) -> Vec<Promise> {
    let figures = |figure: fn(&Measured) -> f64| {
        let meant = measured.iter().filter(|of| of.subject == HEADER);
        meant.map(|of| (figure(of), of.step.to_owned())).collect()
    };
    [
        Promise::of(
            "the header of a frame, ns to encode or to decode",
            Bound::AtMost(150.0),
            figures(|of| of.ns().median),
        ),
        Promise::of(
            "the header of a frame, allocations to encode or to decode",
            Bound::AtMost(0.0),
            figures(|of| of.allocations),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{DECODE, ENCODE};

    #[test]
    fn the_slower_way_decides_and_one_allocation_in_a_thousand_is_one() {
        let of = |subject, step, ns, allocations| Measured {
            subject,
            step,
            rounds_ns: vec![ns, 1_000.0, 1.0],
            allocations,
        };
        let promises = of_protocol(&[
            of(HEADER, ENCODE, 100.0, 0.001),
            of(HEADER, DECODE, 149.0, 0.0),
            of("header of a frame, with ten detections", DECODE, 900.0, 60.0),
        ]);
        assert_eq!((promises[0].worst, promises[0].at.as_str()), (149.0, DECODE));
        assert!(promises[0].is_kept());
        assert_eq!((promises[1].worst, promises[1].kept, promises[1].places), (0.001, 1, 2));
    }
}
