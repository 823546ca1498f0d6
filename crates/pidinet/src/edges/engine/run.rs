//! Runs of an engine: an image in one piece, or piece by piece.

use super::arena::{Rows, Target};
use super::machine::{Clock, Engine, Run};
use super::wide::is_cut;
use crate::edges::input::Input;
use crate::size::Size;

impl Engine {
    /// Runs the network on an image of this size, sides of at least 8.
    pub(crate) fn run(&self, input: &dyn Input, size: Size) -> Run {
        self.run_with(Clock::Off, input, size)
    }

    /// [`Self::run`], with the time of each step.
    pub(crate) fn profile(&self, input: &dyn Input, size: Size) -> Run {
        self.run_with(Clock::On, input, size)
    }

    fn run_with(&self, clock: Clock, input: &dyn Input, image: Size) -> Run {
        if is_cut(image.width) {
            return self.run_pieces(clock, input, image);
        }
        let mut arena = self.arena(image);
        let run = self.run_in(&mut arena, |arena| self.stream(arena, input, clock));
        self.keep(arena);
        run
    }

    /// Whether [`Self::run_into`] can be used for images of this width: only the fused map is kept, and it is
    /// made in one piece.
    pub(crate) fn runs_into(&self, width: usize) -> bool {
        !is_cut(width) && matches!(self.plan.keep[..], [id] if self.plan.steps[id].op.is_plain())
    }

    /// [`Self::run`] for the fused map alone, which is written to the caller's memory.
    ///
    /// All working memory is kept for the next run: a caller who brings memory probably has more images of
    /// this size.
    pub(crate) fn run_into(&self, input: &dyn Input, size: Size, rows: Rows<'_>) {
        assert!(self.runs_into(size.width), "other maps are kept, too, or the image is cut");
        let mut arena = self.arena(size);
        let target = Target::Caller { id: self.plan.keep[0], rows };
        self.stream(&arena.open(target), input, Clock::Off);
        self.workers.idle().push(arena);
    }
}
