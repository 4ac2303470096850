use cordon_core::Role;

/// What somebody wants to do, as far as roles tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Change resources: apply, delete.
    ChangeResources,
    /// Look for what is wrong: the doctor.
    Diagnose,
    /// Destroy the keys of captured content.
    EraseContent,
    /// Say of findings whether they are right.
    LabelFindings,
    /// Set and release legal holds.
    ManageHolds,
    /// Make, rotate and revoke callers' keys.
    ManageKeys,
    /// Add people, change their roles, end their sessions.
    ManagePeople,
    /// See and end one's own sessions and tokens, change one's own password.
    OwnAccess,
    /// See what a change would mean.
    Plan,
    /// Quarantine a subject, and lift that.
    Quarantine,
    /// Read what was said in calls.
    ReadContent,
    /// Read who may do what, and who is signed in.
    ReadPeople,
    /// Read the published log, and proofs.
    ReadProofs,
    /// Read resources with their history, keys without secrets, and calls without content.
    ReadRecords,
    /// Release and reject what is held.
    ReviewHeld,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 15] = [
        Self::ChangeResources,
        Self::Diagnose,
        Self::EraseContent,
        Self::LabelFindings,
        Self::ManageHolds,
        Self::ManageKeys,
        Self::ManagePeople,
        Self::OwnAccess,
        Self::Plan,
        Self::Quarantine,
        Self::ReadContent,
        Self::ReadPeople,
        Self::ReadProofs,
        Self::ReadRecords,
        Self::ReviewHeld,
    ];

    /// The verb in words, as problems and documents name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChangeResources => "change resources",
            Self::Diagnose => "diagnose",
            Self::EraseContent => "erase content",
            Self::LabelFindings => "label findings",
            Self::ManageHolds => "manage holds",
            Self::ManageKeys => "manage keys",
            Self::ManagePeople => "manage people",
            Self::OwnAccess => "own access",
            Self::Plan => "plan",
            Self::Quarantine => "quarantine",
            Self::ReadContent => "read content",
            Self::ReadPeople => "read people",
            Self::ReadProofs => "read proofs",
            Self::ReadRecords => "read records",
            Self::ReviewHeld => "review held content",
        }
    }
}

/// Whether a role may do this: the one place that says so. `docs/access.md` shows the same table, and a test compares them.
///
/// Reading content, managing people and erasing are apart from running the system: an operator who changes guards cannot
/// read what they let through, an auditor who reads everything can change nothing.
pub const fn permit(role: Role, verb: Verb) -> bool {
    match verb {
        Verb::OwnAccess | Verb::ReadRecords => true,
        Verb::Diagnose | Verb::Plan | Verb::ReadProofs => !matches!(role, Role::Viewer),
        Verb::ReadContent | Verb::ReadPeople => matches!(role, Role::Admin | Role::Auditor),
        Verb::ChangeResources
        | Verb::LabelFindings
        | Verb::ManageHolds
        | Verb::ManageKeys
        | Verb::Quarantine
        | Verb::ReviewHeld => {
            matches!(role, Role::Admin | Role::Operator)
        }
        Verb::EraseContent | Verb::ManagePeople => matches!(role, Role::Admin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_documented_one() {
        let page = include_str!("../../../../docs/access.md");
        let roles = [Role::Viewer, Role::Operator, Role::Auditor, Role::Admin];
        for verb in Verb::ALL {
            let cell = |role| if permit(role, verb) { "yes" } else { "no" };
            let cells: Vec<String> = roles.iter().map(|role| format!(" {} ", cell(*role))).collect();
            let row = format!("| {} |{}|", verb.as_str(), cells.join("|"));
            assert_eq!(page.matches(&row).count(), 1, "docs/access.md lacks this row, once:\n{row}");
        }
    }

    #[test]
    fn an_admin_may_everything_and_a_viewer_changes_nothing() {
        for verb in Verb::ALL {
            assert!(permit(Role::Admin, verb), "{verb:?}");
            let own = matches!(verb, Verb::OwnAccess | Verb::ReadRecords);
            assert_eq!(permit(Role::Viewer, verb), own, "{verb:?}");
        }
        // Who changes guards does not read what they let through, and the other way round.
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Admin) {
            assert!(!(permit(role, Verb::ChangeResources) && permit(role, Verb::ReadContent)), "{role}");
        }
    }
}
