use std::{
    any::Any,
    sync::{Arc, OnceLock},
};

use cordon_core::resource::CustomType;

/// What a guard names itself, with a place for what the data plane makes of it: once, for as long as the guard stays as it is.
#[derive(Clone, Debug)]
pub struct NamedTypes {
    types: Arc<[CustomType]>,
    made: Arc<OnceLock<Arc<dyn Any + Send + Sync>>>,
}

impl PartialEq for NamedTypes {
    fn eq(&self, other: &Self) -> bool {
        self.types == other.types
    }
}

impl Eq for NamedTypes {}

impl NamedTypes {
    /// What a guard names; none where it names nothing.
    pub(crate) fn new(types: &[CustomType]) -> Option<Self> {
        (!types.is_empty()).then(|| Self { types: types.into(), made: Arc::default() })
    }

    /// What is made of them: by this call, or by an earlier one that made the same kind of thing.
    pub fn made<T: Any + Send + Sync>(&self, make: impl Fn(&[CustomType]) -> T) -> Arc<T> {
        let made = self.made.get_or_init(|| Arc::new(make(&self.types)));
        // Another kind of thing was made of them before: this one is made each time.
        Arc::clone(made).downcast().unwrap_or_else(|_| Arc::new(make(&self.types)))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn they_are_made_into_something_once() {
        let types: Vec<CustomType> = Vec::new();
        assert_eq!(NamedTypes::new(&types), None);
        let named = NamedTypes { types: types.into(), made: Arc::default() };
        let count = Cell::new(0);
        let make = |types: &[CustomType]| {
            count.set(count.get() + 1);
            types.len()
        };
        assert_eq!((*named.made(make), *named.clone().made(make), count.get()), (0, 0, 1));
        assert_eq!(*named.made(|_| "another kind"), "another kind");
    }
}
