use std::{
    any::Any,
    sync::{Arc, OnceLock},
};

use cordon_core::resource::{CustomType, Topics};

/// Something that a guard says, with a place for what the data plane makes of it: once, for as long as the guard stays as it is.
#[derive(Debug)]
pub struct Named<T: ?Sized> {
    said: Arc<T>,
    made: Arc<OnceLock<Arc<dyn Any + Send + Sync>>>,
}

/// What a guard names itself.
pub type NamedTypes = Named<[CustomType]>;

/// What a guard says that texts may be about.
pub type NamedTopics = Named<Topics>;

impl<T: ?Sized> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self { said: Arc::clone(&self.said), made: Arc::clone(&self.made) }
    }
}

impl<T: ?Sized + PartialEq> PartialEq for Named<T> {
    fn eq(&self, other: &Self) -> bool {
        self.said == other.said
    }
}

impl<T: ?Sized + Eq> Eq for Named<T> {}

impl NamedTypes {
    /// What a guard names; none where it names nothing.
    pub(crate) fn of_types(types: &[CustomType]) -> Option<Self> {
        (!types.is_empty()).then(|| Self { said: types.into(), made: Arc::default() })
    }
}

impl NamedTopics {
    /// What a guard says.
    pub(crate) fn of_topics(topics: &Topics) -> Self {
        Self { said: Arc::new(topics.clone()), made: Arc::default() }
    }
}

impl<T: ?Sized> Named<T> {
    /// What is made of it: by this call, or by an earlier one that made the same kind of thing.
    pub fn made<M: Any + Send + Sync>(&self, make: impl Fn(&T) -> M) -> Arc<M> {
        let made = self.made.get_or_init(|| Arc::new(make(&self.said)));
        // Another kind of thing was made of it before: this one is made each time.
        Arc::clone(made).downcast().unwrap_or_else(|_| Arc::new(make(&self.said)))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn they_are_made_into_something_once() {
        let types: Vec<CustomType> = Vec::new();
        assert_eq!(NamedTypes::of_types(&types), None);
        let named = NamedTypes { said: types.into(), made: Arc::default() };
        let count = Cell::new(0);
        let make = |types: &[CustomType]| {
            count.set(count.get() + 1);
            types.len()
        };
        assert_eq!((*named.made(make), *named.clone().made(make), count.get()), (0, 0, 1));
        assert_eq!(*named.made(|_| "another kind"), "another kind");
        assert_eq!(NamedTopics::of_topics(&Topics::default()), NamedTopics::of_topics(&Topics::default()));
    }
}
