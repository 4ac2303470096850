use std::cell::Cell;

/// How many things were compared with each other: what a bound is stated in, since a clock says something else each time.
#[derive(Debug, Default)]
pub(super) struct Steps(Cell<usize>);

impl Steps {
    pub(super) fn one(&self) {
        self.add(1);
    }

    pub(super) fn add(&self, more: usize) {
        self.0.set(self.0.get().saturating_add(more));
    }

    #[cfg(test)]
    pub(super) const fn count(&self) -> usize {
        self.0.get()
    }
}
