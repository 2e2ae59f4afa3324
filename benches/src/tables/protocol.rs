//! What the protocol costs.

use super::{line, of_promises, spread};
use crate::{promises::Promise, protocol::Measured};

/// The promises, and a line for each operation.
pub fn of_protocol(measured: &[Measured], promises: &[Promise]) -> String {
    let mut table = of_promises(promises);
    table += "\n| what | step | ns (least–most) | allocations |\n|---|---|--:|--:|\n";
    for of in measured {
        let allocations = match of.allocations {
            0.0 => "0".to_owned(),
            some => format!("{some:.2}"),
        };
        line(&mut table, &[of.subject, of.step, &spread(of.ns(), 0), &allocations]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_and_hardly_ever_are_not_the_same() {
        let of = |allocations| Measured {
            subject: "header",
            step: "encode",
            rounds_ns: vec![120.0, 100.0, 140.0],
            allocations,
        };
        let markdown = of_protocol(&[of(0.0), of(0.000_1), of(12.0)], &[]);
        let lines: Vec<&str> = markdown.lines().rev().take(3).collect();
        assert_eq!(
            lines,
            [
                "| header | encode | 120 (100–140) | 12.00 |",
                "| header | encode | 120 (100–140) | 0.00 |",
                "| header | encode | 120 (100–140) | 0 |",
            ]
        );
    }
}
