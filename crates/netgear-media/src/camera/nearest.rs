//! What is nearest to what is asked for, among what a camera offers.

use std::cmp::Ordering;

use super::{CameraFormat, CameraMode, CameraSize, CameraSpec, OfferedFormat, OfferedRate};
use crate::FrameRate;

impl CameraSize {
    /// The nearest of these to that one.
    pub(crate) fn nearest_to(self, (width, height): (u32, u32)) -> (u32, u32) {
        match self {
            Self::Exact { width, height } => (width, height),
            Self::Stepped { smallest, largest, step } => (
                nearest_step(width, smallest.0, largest.0, step.0),
                nearest_step(height, smallest.1, largest.1, step.1),
            ),
        }
    }
}

fn nearest_step(wanted: u32, smallest: u32, largest: u32, step: u32) -> u32 {
    let above = wanted.clamp(smallest, largest.max(smallest)) - smallest;
    let step = step.max(1);
    let steps = above / step + u32::from(above % step > step / 2);
    // The largest may be no whole number of steps away.
    let nearest = smallest.saturating_add(steps.saturating_mul(step));
    if nearest > largest { smallest.max(nearest.saturating_sub(step)) } else { nearest }
}

impl OfferedRate {
    /// The rate among these to take when `wanted` is asked for: the lowest that is no lower, else the highest.
    fn nearest_to(self, wanted: FrameRate) -> FrameRate {
        match self {
            Self::Exact(rate) => rate,
            Self::Between { slowest, fastest } if is_below(wanted, slowest) => {
                if is_below(fastest, slowest) {
                    fastest
                } else {
                    slowest
                }
            }
            Self::Between { fastest, .. } if is_below(fastest, wanted) => fastest,
            Self::Between { .. } => wanted,
        }
    }
}

/// Exact, as fractions.
fn is_below(a: FrameRate, b: FrameRate) -> bool {
    u64::from(a.frames()) * u64::from(b.seconds()) < u64::from(b.frames()) * u64::from(a.seconds())
}

/// What is nearest to what is asked for, among what there is; `None` if there is nothing that is understood.
///
/// If a format is asked for and is there, it is kept to. Then comes the size: the one whose area and shape differ
/// least, as ratios, so that twice is as far as half, with the larger one if two are as near. Then the rate: the
/// lowest that is no lower than what is asked for, else the highest. Then, if no format was asked for, the first of
/// [`CameraFormat::ALL`]. Gray is taken only if it is asked for, or there is nothing else.
pub(crate) fn nearest(spec: &CameraSpec, formats: &[OfferedFormat]) -> Option<CameraMode> {
    let wanted_size = spec.size().unwrap_or(CameraSpec::DEFAULT_SIZE);
    let wanted_rate = spec.rate().unwrap_or(FrameRate::THIRTY);
    let candidates = formats.iter().flat_map(|offered| {
        let sizes = offered.format.map(|format| offered.sizes.iter().map(move |size| (format, size)));
        sizes.into_iter().flatten().map(|(format, offered)| {
            let (width, height) = offered.size.nearest_to(wanted_size);
            let rate = nearest_rate(wanted_rate, &offered.rates);
            CameraMode { format, width, height, rate }
        })
    });
    candidates.min_by(|a, b| {
        let is_other_format = |mode: &CameraMode| spec.format().is_some_and(|format| format != mode.format);
        // Colour is not given up for a better size unless gray is what was asked for.
        let is_unwanted_gray = |mode: &CameraMode| {
            mode.format == CameraFormat::Gray && spec.format() != Some(CameraFormat::Gray)
        };
        let area = |mode: &CameraMode| u64::from(mode.width) * u64::from(mode.height);
        (is_other_format(a), is_unwanted_gray(a))
            .cmp(&(is_other_format(b), is_unwanted_gray(b)))
            .then_with(|| size_distance(a, wanted_size).total_cmp(&size_distance(b, wanted_size)))
            .then_with(|| area(b).cmp(&area(a)))
            .then_with(|| {
                rate_distance(a.rate, wanted_rate)
                    .partial_cmp(&rate_distance(b.rate, wanted_rate))
                    .unwrap_or(Ordering::Equal)
            })
            .then_with(|| a.format.cost().cmp(&b.format.cost()))
    })
}

fn nearest_rate(wanted: FrameRate, rates: &[OfferedRate]) -> Option<FrameRate> {
    let rates = rates.iter().map(|rate| rate.nearest_to(wanted));
    rates.min_by(|a, b| {
        rate_distance(Some(*a), wanted)
            .partial_cmp(&rate_distance(Some(*b), wanted))
            .unwrap_or(Ordering::Equal)
    })
}

/// In octaves, of the area and of the shape. Rounded, so that two that are as far in numbers are as far here.
fn size_distance(mode: &CameraMode, wanted: (u32, u32)) -> f64 {
    let octaves = |a: u32, b: u32| (f64::from(a.max(1)) / f64::from(b.max(1))).log2();
    let (width, height) = (octaves(mode.width, wanted.0), octaves(mode.height, wanted.1));
    let distance = (width + height).abs() + (width - height).abs();
    (distance * 1e9).round() / 1e9
}

/// Rates that are high enough first, then those that are too low, then those that are unknown.
fn rate_distance(rate: Option<FrameRate>, wanted: FrameRate) -> (u8, f64) {
    let Some(rate) = rate else { return (2, 0.0) };
    let distance = (rate.frames_per_second() - wanted.frames_per_second()).abs();
    (u8::from(is_below(rate, wanted)), distance)
}

/// In what `mode` is not what was asked for, as a sentence; `None` if it is.
pub(crate) fn difference(spec: &CameraSpec, mode: &CameraMode, formats: &[OfferedFormat]) -> Option<String> {
    let has_format = spec.format().is_none_or(|format| format == mode.format);
    let is_same = has_format
        && spec.size().is_none_or(|size| size == (mode.width, mode.height))
        && spec.rate().is_none_or(|rate| mode.rate.is_none_or(|found| is_same_rate(found, rate)));
    if is_same {
        return None;
    }
    let mut wanted = Vec::new();
    wanted.extend(spec.size().map(|(width, height)| format!("{width}×{height}")));
    wanted.extend(spec.rate().map(|rate| format!("{rate} fps")));
    wanted.extend(spec.format().map(|format| format.to_string()));
    let mut said = format!("{} was asked for, and {mode} is the nearest that it has", wanted.join(", "));
    if !has_format {
        let names: Vec<_> = formats.iter().filter_map(|offered| Some(offered.format?.name())).collect();
        said += &format!(", of the formats {}", names.join(", "));
    }
    Some(said)
}

/// Some devices count in tenths of a microsecond, and have 30.00003 frames per second.
fn is_same_rate(a: FrameRate, b: FrameRate) -> bool {
    let (a, b) = (a.frames_per_second(), b.frames_per_second());
    (a - b).abs() < b / 10_000.0
}

/// What there is, in one line for an error.
pub(crate) fn summary(formats: &[OfferedFormat]) -> String {
    if formats.is_empty() {
        return "nothing".to_owned();
    }
    let of_format = |offered: &OfferedFormat| {
        let sizes: Vec<_> = offered.sizes.iter().map(|offered| offered.size.to_string()).collect();
        let name = match offered.format {
            Some(format) => format.name(),
            None => &offered.code,
        };
        if sizes.is_empty() { name.to_owned() } else { format!("{name} in {}", sizes.join(", ")) }
    };
    formats.iter().map(of_format).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::OfferedSize;

    fn rate(text: &str) -> FrameRate {
        text.parse().unwrap()
    }

    fn offer(format: CameraFormat, sizes: &[(u32, u32, &[&str])]) -> OfferedFormat {
        let sizes = sizes.iter().map(|(width, height, rates)| OfferedSize {
            size: CameraSize::Exact { width: *width, height: *height },
            rates: rates.iter().map(|text| OfferedRate::Exact(rate(text))).collect(),
        });
        OfferedFormat { code: format.name().to_uppercase(), format: Some(format), sizes: sizes.collect() }
    }

    /// A usual webcam.
    fn webcam() -> Vec<OfferedFormat> {
        vec![
            offer(
                CameraFormat::Yuyv,
                &[(640, 480, &["30", "15", "10"]), (1280, 720, &["10", "5"]), (1920, 1080, &["5"])],
            ),
            offer(
                CameraFormat::Mjpeg,
                &[(640, 480, &["60", "30"]), (1280, 720, &["60", "30"]), (1920, 1080, &["30"])],
            ),
            offer(CameraFormat::Gray, &[(800, 600, &["30"])]),
            OfferedFormat { code: "H264".to_owned(), format: None, sizes: vec![] },
        ]
    }

    fn choose(spec: &str) -> String {
        nearest(&spec.parse().unwrap(), &webcam()).unwrap().to_string()
    }

    #[test]
    fn what_is_there_is_taken() {
        assert_eq!(choose("0?size=1280x720&fps=60&format=mjpeg"), "1280×720 at 60 fps in mjpeg");
        assert_eq!(choose("0?size=1280x720&fps=10&format=yuyv"), "1280×720 at 10 fps in yuyv");
        assert_eq!(choose("0?format=gray"), "800×600 at 30 fps in gray");
    }

    #[test]
    fn the_size_comes_first_then_the_rate_then_the_cost() {
        assert_eq!(choose("0"), "640×480 at 30 fps in yuyv");
        assert_eq!(choose("0?size=1280x720"), "1280×720 at 30 fps in mjpeg");
        assert_eq!(choose("0?size=1280x720&fps=5"), "1280×720 at 5 fps in yuyv");
        assert_eq!(choose("0?fps=60"), "640×480 at 60 fps in mjpeg");
        // No lower than asked for, and else the highest.
        assert_eq!(choose("0?fps=12"), "640×480 at 15 fps in yuyv");
        assert_eq!(choose("0?fps=200"), "640×480 at 60 fps in mjpeg");
        assert_eq!(choose("0?size=1920x1080&fps=200&format=yuyv"), "1920×1080 at 5 fps in yuyv");
    }

    #[test]
    fn a_format_that_is_there_is_kept_to() {
        assert_eq!(choose("0?size=1280x720&fps=60&format=yuyv"), "1280×720 at 10 fps in yuyv");
        assert_eq!(choose("0?size=1280x720&fps=60&format=nv12"), "1280×720 at 60 fps in mjpeg");
    }

    #[test]
    fn colour_is_not_given_up_for_a_size() {
        assert_eq!(choose("0?size=800x600"), "640×480 at 30 fps in yuyv");
        let only_gray = [offer(CameraFormat::Gray, &[(640, 480, &["30"])])];
        assert_eq!(nearest(&"0".parse().unwrap(), &only_gray).unwrap().format, CameraFormat::Gray);
    }

    #[test]
    fn the_nearest_size_is_that_of_area_and_shape() {
        let sizes = |wanted: &str| {
            let formats = [offer(
                CameraFormat::Yuyv,
                &[(640, 480, &["30"]), (1280, 960, &["30"]), (1280, 720, &["30"]), (320, 240, &["30"])],
            )];
            let mode = nearest(&format!("0?size={wanted}").parse().unwrap(), &formats).unwrap();
            (mode.width, mode.height)
        };
        assert_eq!(sizes("1024x768"), (1280, 960));
        assert_eq!(sizes("1200x700"), (1280, 720));
        assert_eq!(sizes("4000x3000"), (1280, 960));
        assert_eq!(sizes("1x1"), (320, 240));
        // Twice and half are as far: the larger.
        let far = [offer(CameraFormat::Yuyv, &[(320, 240, &["30"]), (1280, 960, &["30"])])];
        assert_eq!(nearest(&"0".parse().unwrap(), &far).unwrap().width, 1280);
    }

    #[test]
    fn rates_are_exact() {
        let formats = [offer(CameraFormat::Yuyv, &[(640, 480, &["25/2", "24", "30000/1001"])])];
        let choose =
            |fps: &str| nearest(&format!("0?fps={fps}").parse().unwrap(), &formats).unwrap().rate.unwrap();
        assert_eq!(choose("25"), rate("30000/1001"));
        assert_eq!(choose("12.5"), rate("25/2"));
        assert_eq!(choose("30"), rate("30000/1001"));
        assert_eq!(choose("29.97"), rate("30000/1001"));
        assert_eq!(choose("24"), rate("24"));
    }

    #[test]
    fn ranges_are_kept_to() {
        let stepped = CameraSize::Stepped { smallest: (32, 16), largest: (1930, 1080), step: (16, 8) };
        assert_eq!(stepped.nearest_to((640, 480)), (640, 480));
        assert_eq!(stepped.nearest_to((645, 485)), (640, 488));
        assert_eq!(stepped.nearest_to((9999, 9999)), (1920, 1080));
        assert_eq!(stepped.nearest_to((1, 1)), (32, 16));
        // As a driver should not have it.
        let odd = CameraSize::Stepped { smallest: (64, 64), largest: (32, 32), step: (0, 0) };
        assert_eq!(odd.nearest_to((640, 480)), (64, 64));
        let between = OfferedRate::Between { slowest: rate("1"), fastest: rate("60") };
        assert_eq!(between.nearest_to(rate("29.97")), rate("29.97"));
        assert_eq!(between.nearest_to(rate("0.5")), rate("1"));
        assert_eq!(between.nearest_to(rate("90")), rate("60"));
    }

    #[test]
    fn a_camera_that_does_not_tell_its_rates_is_taken_all_the_same() {
        let silent = [offer(CameraFormat::Nv12, &[(640, 480, &[])])];
        assert_eq!(nearest(&"0?fps=30".parse().unwrap(), &silent).unwrap().rate, None);
        assert_eq!(nearest(&"0".parse().unwrap(), &webcam()[3..]), None);
        assert_eq!(nearest(&"0".parse().unwrap(), &[]), None);
    }

    #[test]
    fn what_is_not_as_asked_for_is_said() {
        let said = |text: &str| {
            let spec = text.parse().unwrap();
            difference(&spec, &nearest(&spec, &webcam()).unwrap(), &webcam())
        };
        assert_eq!(said("0"), None);
        assert!(
            is_same_rate(rate("10000000/333333"), rate("30")) && !is_same_rate(rate("29.97"), rate("30"))
        );
        assert_eq!(said("0?size=1280x720&fps=60&format=mjpeg"), None);
        assert_eq!(
            said("0?size=1280x720&fps=90").unwrap(),
            "1280×720, 90 fps was asked for, and 1280×720 at 60 fps in mjpeg is the nearest that it has"
        );
        assert_eq!(
            said("0?format=nv12").unwrap(),
            "nv12 was asked for, and 640×480 at 30 fps in yuyv is the nearest that it has, of the formats yuyv, mjpeg, gray"
        );
        assert!(summary(&webcam()).starts_with("yuyv in 640×480, 1280×720, 1920×1080; mjpeg in"));
        assert!(summary(&webcam()).ends_with("; H264"));
    }
}
