use netgear_proto::ElementType;

use super::fixed::{self, FixedPlan};
use super::float::{self, FloatPlan};
use super::half::HalfPlan;
use super::nearest::NearestPlan;
use super::source_rows::SourceRows;
use super::taps::{Kernel, Taps};
use super::workers::Workers;
use crate::{Filter, PixelsMut};

/// Resizes. Its tables are kept for the next frame, which is mostly like the last one.
#[derive(Debug, Default)]
pub(super) struct Interpolator {
    plan: Option<(Task, Plan)>,
    fixed: Vec<fixed::Line>,
    float: Vec<float::Line>,
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Task {
    filter: Filter,
    /// Columns and rows.
    from: (u32, u32),
    to: (u32, u32),
    element_type: ElementType,
    channels: usize,
}

#[derive(Debug)]
enum Plan {
    Nearest(NearestPlan),
    Half(HalfPlan),
    Fixed(FixedPlan),
    Float(FloatPlan),
}

impl Interpolator {
    /// Resizes rows of `from.0` pixels, `from.1` of them and of the target's kind, to the size of the target.
    pub(super) fn resize(
        &mut self,
        rows: &SourceRows<'_>,
        from: (u32, u32),
        target: &mut PixelsMut<'_>,
        filter: Filter,
        workers: &Workers,
    ) {
        let task = Task {
            filter,
            from,
            to: (target.width(), target.height()),
            element_type: target.element_type(),
            channels: usize::from(target.channels()),
        };
        let known = self.plan.take().filter(|(known, _)| *known == task);
        let (_, plan) = self.plan.insert(known.unwrap_or_else(|| (task, Plan::new(&task))));
        match plan {
            Plan::Nearest(plan) => plan.run(rows, target, workers),
            Plan::Half(plan) => plan.run(rows, target, workers),
            Plan::Fixed(plan) => plan.run(rows, target, workers, &mut self.fixed),
            Plan::Float(plan) => plan.run(rows, target, workers, &mut self.float),
        }
    }
}

impl Plan {
    fn new(&Task { filter, from, to, element_type, channels }: &Task) -> Self {
        let kernel = match filter {
            Filter::Nearest => {
                return Self::Nearest(NearestPlan::new(from, to, channels * element_type.byte_len()));
            }
            Filter::Linear => Kernel::Linear,
            Filter::Cubic => Kernel::Cubic,
            Filter::Area => Kernel::Area,
            Filter::Lanczos4 => Kernel::Lanczos4,
            Filter::AntialiasedLinear => Kernel::WideLinear,
            Filter::AntialiasedCubic => Kernel::WideCubic,
            Filter::AntialiasedLanczos3 => Kernel::WideLanczos3,
        };
        let is_bytes = element_type == ElementType::U8;
        // Halfway between two pixels and half of each are the same.
        if is_bytes
            && matches!(kernel, Kernel::Linear | Kernel::Area)
            && let Some(plan) = HalfPlan::new(from, to, channels)
        {
            return Self::Half(plan);
        }
        let taps = Taps::of_both_axes(kernel, from, to);
        let fixed = if is_bytes { FixedPlan::new(kernel, &taps, channels) } else { None };
        fixed.map_or_else(|| Self::Float(FloatPlan::new(taps, element_type, channels)), Self::Fixed)
    }
}
