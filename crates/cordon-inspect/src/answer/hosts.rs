//! Whom an answer may make a reader's program talk to.

use std::sync::Arc;

use cordon_core::HostPattern;

/// Lists of hosts that links may lead to: a host is allowed where every list has it. Cloning is cheap.
///
/// ```
/// use cordon_core::HostPattern;
/// use cordon_inspect::Hosts;
/// let list = |text: &str| vec![HostPattern::parse(text).unwrap()];
/// let hosts = Hosts::new([list("*.example.org"), list("cdn.example.org")]);
/// assert_eq!(hosts.allow("cdn.example.org"), Some(true));
/// assert_eq!(hosts.allow("www.example.org"), Some(false));
/// assert_eq!(Hosts::default().allow("www.example.org"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    lists: Option<Arc<[Vec<HostPattern>]>>,
    only_raising: bool,
}

impl Hosts {
    /// Of some lists. Without any, every host is as good as another; an empty list allows none.
    pub fn new(lists: impl IntoIterator<Item = Vec<HostPattern>>) -> Self {
        let lists: Arc<[_]> = lists.into_iter().collect();
        Self { lists: (!lists.is_empty()).then_some(lists), only_raising: false }
    }

    /// The same, but what leads to a host on the lists is judged as if there were none: for who has no right to let anything pass.
    #[must_use]
    pub const fn only_raising(mut self) -> Self {
        self.only_raising = true;
        self
    }

    /// Whether there are no lists.
    pub(crate) const fn is_empty(&self) -> bool {
        self.lists.is_none()
    }

    /// What the lists say of a host, as far as it counts: none where there is no list, or nothing may pass because of one.
    pub(crate) fn say(&self, host: &str, is_plain: bool) -> Option<bool> {
        self.allow(host).map(|on| on && is_plain).filter(|on| !(*on && self.only_raising))
    }

    /// Whether a host, in small letters, is on every list; none where there is no list.
    pub fn allow(&self, host: &str) -> Option<bool> {
        let lists = self.lists.as_ref()?;
        Some(lists.iter().all(|list| list.iter().any(|pattern| pattern.matches(host))))
    }
}
